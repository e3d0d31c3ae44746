# SPDX-License-Identifier: Apache-2.0
"""Disks and ramdisks of a control domain with Debian's unmodified Xen tools, and of its guests.

The control domain's root is what Debian's packages hold, byte for byte, with busybox for what they
do not, and a few scripts. Nothing is configured by maintainer scripts: its init does what it needs.
"""
import os
import re
import shutil
import struct
import subprocess

import machine
from machine import fetched, make_ramdisk

ROOT_MIB = 768                  # sparse; with room for the core dumps of guests
DISK_MIB = 512                  # the disk whose four partitions guests get
PARTITION_MIB = 127

# Debian's releases: what fetch-debian.sh calls their tools, and the version of their Xen.
RELEASES = {"12": ("toolstack", "4.17"), "13": ("toolstack13", "4.20")}

# Modules that the kernels load, in any order: what they depend on is added.
DOM0_BOOT = ("virtio_mmio", "virtio_blk", "ext4", "crc32c_generic")
DOM0_LATER = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-blkback",
              "xen-netback", "bridge", "loop", "tun", "dm-mod")
GUEST = ("xen-blkfront", "xen-netfront", "ext4", "crc32c_generic", "xen-privcmd", "xenfs",
         "xen-evtchn", "xen-gntdev", "xen-gntalloc", "xen-netback", "bridge")

# Programs that Debian's packages here do not bring, from busybox.
APPLETS = """sh ash awk grep egrep fgrep sed mount umount hostname insmod lsmod rmmod modprobe ps
poweroff reboot halt init switch_root find xargs vi less clear ping nc wget top free which cmp diff
gzip gunzip zcat tar cpio login passwd killall pidof udhcpc ifconfig route telnet usleep setsid
watch brctl losetup blockdev bc logger dmesg ip sort udhcpd""".split()

# What a guest gets of Debian's packages, unpacked: the client of xenstore and its libraries.
GUEST_PROGRAMS = {"usr/bin/xenstore": "usr/bin/xenstore",
                  "lib/ld-linux-aarch64.so.1": "lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
                  "lib/libc.so.6": "lib/aarch64-linux-gnu/libc.so.6",
                  "lib/libgcc_s.so.1": "lib/aarch64-linux-gnu/libgcc_s.so.1",
                  "lib/libxenstore.so.4": "usr/lib/aarch64-linux-gnu/libxenstore.so.4",
                  "lib/libxentoolcore.so.1": "usr/lib/aarch64-linux-gnu/libxentoolcore.so.1"}

BOOT_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
while read m; do /bin/busybox insmod /lib/modules/$m; done < /lib/modules/list
while [ ! -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
/bin/busybox mount --move /proc /root/proc
/bin/busybox mount --move /sys /root/sys
exec /bin/busybox switch_root /root /sbin/start
"""

# The first process of the control domain: what Debian's boot scripts would do, without waiting.
START = """#!/bin/bash
export PATH=/usr/lib/xen-@XEN@/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /dev/pts /run /tmp
mount -t devpts devpts /dev/pts
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/xen /run/xenstored /run/lock /var/lib/xen /var/lib/xenstored /var/log/xen
hostname dom0
ip link set lo up
while read m; do insmod /lib/modules/$m; done < /lib/modules/list
if [ -e /sys/hypervisor/type ]; then
	mount -t xenfs xenfs /proc/xen
	xenstored --pid-file /run/xen/xenstored.pid
	for i in 1 2 3 4 5 6 7 8 9; do xenstore-read -s / >/dev/null 2>&1 && break; sleep 0.2; done
	xen-init-dom0
	xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=all --log-dir=/var/log/xen
	ip link add xenbr0 type bridge
	ip address add 192.168.77.1/24 dev xenbr0
	ip link set xenbr0 up
	udhcpd /etc/udhcpd.conf
fi
cd /root
exec /bin/busybox init
"""

INITTAB = """::sysinit:/etc/rc
hvc0::respawn:-/bin/bash
::ctrlaltdel:/sbin/reboot
"""

RC = """#!/bin/sh
{
	echo
	echo "Debian's Xen tools on $(uname -r). Try: xl info; xl create /etc/xen/guest.cfg -c"
	echo "Ctrl-] leaves a guest's console; poweroff ends the machine, Ctrl-A x leaves QEMU."
	echo
} > /dev/console
"""

PROFILE = """export PS1='dom0:\\w# ' HOME=/root TERM=${TERM:-vt100}
export PATH=/usr/lib/xen-@XEN@/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /root
"""

UDHCPD = """interface xenbr0
start 192.168.77.10
end 192.168.77.99
option subnet 255.255.255.0
option router 192.168.77.1
lease_file /run/udhcpd.leases
pidfile /run/udhcpd.pid
"""

GUEST_CONFIG = """name = "guest"
kernel = "/boot/Image"
ramdisk = "/boot/guest.cpio.gz"
extra = "console=hvc0"
memory = 128
vcpus = 1
disk = [ "phy:/dev/vdb1,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""

GUEST_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /bin /sbin /etc /proc /sys /dev /tmp /root /mnt
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
while read m; do insmod /lib/modules/$m; done < /lib/modules/list
mount -t xenfs xenfs /proc/xen 2>/dev/null
name=$(sed -n 's/.*name=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
hostname ${name:-guest}
grep -qw agent /proc/cmdline && sed -i 's#-/bin/sh#/bin/agent#' /etc/inittab
exec /bin/busybox init
"""

GUEST_INITTAB = """::sysinit:/etc/rc
hvc0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
"""

GUEST_RC = """#!/bin/sh
ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
	ip link set eth0 up
	udhcpc -i eth0 -n -q -f -t 8 -T 1 -s /etc/udhcpc >/dev/null 2>&1
	echo "network: eth0, $(ip -4 -o address show eth0 | awk '{ print $4 }')"
fi
[ ! -b /dev/xvda ] || echo "disk: /dev/xvda, $(($(cat /sys/block/xvda/size) / 2048)) MiB"
echo "guest is up: $(nproc) CPUs, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
"""

GUEST_UDHCPC = """#!/bin/sh
[ "$1" != bound ] || ip address add $ip/24 dev $interface
"""

# Instead of the shell, where the kernel's command line has the word agent: for scripts. Runs what
# follows the number on each line of the console, and puts what came of it between marks.
AGENT = """#!/bin/sh
stty -echo -onlcr
dmesg -n 1
echo "agent is ready"
while read -r number line; do
	sh -c "$line" > /tmp/answer 2>&1 < /dev/null
	status=$?
	printf '<%s\\n%s\\n%s> %s\\n' $number "$(cat /tmp/answer)" $number $status
done
"""

GUEST_PROFILE = "export PS1='guest:\\w# ' HOME=/root TERM=${TERM:-vt100}\ncd /root\n"


# ---- kernel modules ----------------------------------------------------------------------------

def all_modules():
    """{name as it is loaded: path} of Debian's kernel."""
    found = {}
    for folder, _, names in os.walk(os.path.join(fetched("modules"), "kernel")):
        for name in names:
            if name.endswith(".ko"):
                found[name[:-3].replace("-", "_")] = os.path.join(folder, name)
    return found


def with_dependencies(names):
    """Paths of these modules and of all that they need, in the order of loading."""
    known, order = all_modules(), []

    def add(name):
        path = known.get(name.replace("-", "_"))
        if path is None:
            return                      # built into the kernel
        with open(path, "rb") as module:
            needed = re.search(rb"\0depends=([^\0]*)\0", module.read())
        for other in needed.group(1).decode().split(",") if needed else []:
            if other:
                add(other)
        if path not in order:
            order.append(path)

    for name in names:
        add(name)
    return order


def module_files(names):
    """{path in a ramdisk: bytes}, with the list that its init reads."""
    files = {}
    for path in with_dependencies(names):
        with open(path, "rb") as module:
            files["lib/modules/" + os.path.basename(path)] = module.read()
    listed = "".join(os.path.basename(path) + "\n" for path in files)
    files["lib/modules/list"] = listed.encode()
    return files


# ---- ramdisks ----------------------------------------------------------------------------------

def make_dom0_ramdisk(path):
    make_ramdisk(path, {"init": BOOT_INIT.encode(), **module_files(DOM0_BOOT)})


def make_guest_ramdisk(path):
    programs = {}
    for name, source in GUEST_PROGRAMS.items():
        with open(os.path.join(fetched("toolstack"), source), "rb") as program:
            programs[name] = program.read()
    make_ramdisk(path, {"init": GUEST_INIT.encode(), "etc/rc": GUEST_RC.encode(),
                        "etc/udhcpc": GUEST_UDHCPC.encode(), "bin/agent": AGENT.encode(),
                        "etc/inittab": GUEST_INITTAB.encode(),
                        "etc/profile": GUEST_PROFILE.encode(), **programs, **module_files(GUEST)})


# ---- the control domain's disk -----------------------------------------------------------------

def put(root, name, text, mode=0o644):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, mode)


def fill_root(root, more, debian):
    """The tree of the control domain's disk, from the unpacked packages of a release; `more` maps
    further names in it to files or folders of this machine."""
    tools, version = RELEASES[debian]
    subprocess.run(["cp", "-a", fetched(tools) + "/.", root], check=True)
    for name, target in (("var/run", "/run"), ("var/lock", "/run/lock")):
        shutil.rmtree(os.path.join(root, name), ignore_errors=True)
        os.symlink(target, os.path.join(root, name))
    shutil.copy(fetched("busybox"), os.path.join(root, "bin/busybox"))
    for applet in APPLETS:
        places = [os.path.join(root, folder, applet)
                  for folder in ("bin", "sbin", "usr/bin", "usr/sbin")]
        if not any(os.path.lexists(place) for place in places):
            os.symlink("/bin/busybox", places[0])
    for path in with_dependencies(DOM0_LATER):
        os.makedirs(os.path.join(root, "lib/modules"), exist_ok=True)
        shutil.copy(path, os.path.join(root, "lib/modules"))
    put(root, "lib/modules/list", "".join(os.path.basename(p) + "\n"
                                          for p in with_dependencies(DOM0_LATER)))
    put(root, "sbin/start", START.replace("@XEN@", version), 0o755)
    put(root, "etc/rc", RC, 0o755)
    put(root, "etc/inittab", INITTAB)
    put(root, "etc/profile", PROFILE.replace("@XEN@", version))
    put(root, "etc/udhcpd.conf", UDHCPD)
    put(root, "etc/xen/guest.cfg", GUEST_CONFIG)
    shutil.copy(fetched("kernel"), os.path.join(root, "boot/Image"))
    make_guest_ramdisk(os.path.join(root, "boot/guest.cpio.gz"))
    for name, source in (more or {}).items():
        copy = shutil.copytree if os.path.isdir(source) else shutil.copy
        copy(source, os.path.join(root, name))


def make_file_system(path, *options):
    made = subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", *options], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        raise machine.MachineError(f"mkfs.ext4 could not make {path}:\n{made.stdout}")


def make_dom0_disk(path, more=None, debian="12"):
    root = path + ".root"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    fill_root(root, more, debian)
    with open(path + ".new", "wb") as disk:
        disk.truncate(ROOT_MIB * machine.MIB)
    make_file_system(path, "-O", "^has_journal,^metadata_csum", "-d", root, "-E", "root_owner=0:0",
                     path + ".new")
    shutil.rmtree(root)
    os.replace(path + ".new", path)


def make_guest_disk(path):
    """Four partitions; the first has an empty file system."""
    sectors = machine.MIB // 512
    table = b"".join(struct.pack("<8B2I", 0, 0, 0, 0, 0x83, 0, 0, 0,
                                 (1 + n * PARTITION_MIB) * sectors, PARTITION_MIB * sectors)
                     for n in range(4))
    with open(path, "wb") as disk:
        disk.write(bytes(446) + table + b"\x55\xaa")
        disk.truncate(DISK_MIB * machine.MIB)
    make_file_system(path, "-E", f"offset={machine.MIB}", path, f"{PARTITION_MIB}M")


def make_all(folder, more=None, debian="12"):
    """Everything that the machine boots from, in this folder; the tools are a Debian release's."""
    os.makedirs(folder, exist_ok=True)
    make_dom0_ramdisk(os.path.join(folder, "dom0.cpio.gz"))
    make_dom0_disk(os.path.join(folder, "dom0.ext4"), more, debian)
    make_guest_disk(os.path.join(folder, "guests.img"))


def drives(folder, snapshot):
    """QEMU's arguments for these disks. Dom0's stays as it is; with `snapshot` the guests' too."""
    arguments = []
    # QEMU's last virtio-mmio device is Linux's first.
    for image, same in (("guests.img", snapshot), ("dom0.ext4", True)):
        path, tag = machine.comma(os.path.join(folder, image)), image.split(".", 1)[0]
        arguments += ["-drive", f"if=none,id={tag},format=raw,file={path}"
                      + (",snapshot=on" if same else ""),
                      "-device", f"virtio-blk-device,drive={tag}"]
    return arguments
