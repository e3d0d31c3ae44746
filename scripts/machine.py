# SPDX-License-Identifier: Apache-2.0
"""The emulated machine that `make run` and the tests boot: files, addresses, QEMU's arguments."""
import gzip
import os
import shlex
import stat
import struct
import subprocess
import sys

from board import BOARDS

SCRIPTS = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(SCRIPTS)
MIB = 1 << 20
RAM_BASE = 0x40000000
KERNEL_ADDRESS = 0x49000000     # behind the hypervisor and QEMU's device tree (at 128 MiB)
UNITS = {"K": 1 << 10, "M": MIB, "G": 1 << 30}

# Kernel modules of the ramdisk: the name in the package, the name in the ramdisk.
MODULES = {"xen-privcmd.ko": "xen-privcmd.ko", "xenfs.ko": "xen-fs.ko",
           "xen-evtchn.ko": "xen-evtchn.ko", "xen-gntdev.ko": "xen-gntdev.ko",
           "xen-gntalloc.ko": "xen-gntalloc.ko"}

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /bin /sbin /etc /proc /sys /dev /tmp /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
for m in privcmd fs evtchn gntdev gntalloc; do
	[ ! -e /sys/hypervisor/type ] || insmod /lib/modules/xen-$m.ko 2>/dev/null
done
mount -t xenfs xenfs /proc/xen 2>/dev/null
hostname dom0
exec /bin/busybox init
"""

# A shell on the hypervisor's console, or on the kernel's own where there is no hypervisor.
INITTAB = """::sysinit:/etc/rc
hvc0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
"""

RC = """#!/bin/sh
[ -c /dev/hvc0 ] || sed -i 's/^hvc0//' /etc/inittab
on="no hypervisor"
if [ -e /sys/hypervisor/type ]; then
	v=/sys/hypervisor/version
	on="a hypervisor that speaks $(cat /sys/hypervisor/type) $(cat $v/major).$(cat $v/minor)"
fi
{
	echo
	echo "Linux $(uname -r) on $on."
	echo "CPUs: $(nproc), memory: $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB."
	echo "You are root. poweroff and reboot work; Ctrl-A x leaves QEMU."
	echo
} > /dev/console
"""

PROFILE = "export PS1='\\h:\\w# ' HOME=/root TERM=${TERM:-vt100}\ncd /root\n"


class MachineError(Exception):
    """What is wrong, with its value and what to do instead."""


def fetched(what):
    """The path of a fetched file (see fetch-debian.sh)."""
    result = subprocess.run(["sh", os.path.join(SCRIPTS, "fetch-debian.sh"), "path", what],
                            stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise MachineError(f"{what} could not be fetched, see above")
    return result.stdout.strip()


def parse_size(text):
    """'512M' -> bytes."""
    unit = UNITS.get(text[-1:].upper())
    if unit is None or not text[:-1].isdigit():
        raise MachineError(f"'{text}' is no memory size; write a number and a unit, such as "
                           "512M or 2G")
    return int(text[:-1]) * unit


def host_cpus():
    return len(os.sched_getaffinity(0))


# ---- the initial ramdisk -----------------------------------------------------------------------

def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One entry of a cpio archive in the kernel's (newc) format, owned by root, without dates."""
    path = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def xen_modules():
    """Debian's kernel modules behind /dev/xen and /proc/xen, as files of the ramdisk."""
    top = os.path.join(fetched("modules"), "kernel", "drivers", "xen")
    found = {}
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            if name in MODULES:
                with open(os.path.join(folder, name), "rb") as module:
                    found["lib/modules/" + MODULES[name]] = module.read()
    return found


def make_initramfs(path, extra=None):
    """Busybox and a few scripts; `extra` maps further names to contents (bytes, executable)."""
    files = {"init": INIT.encode(), "etc/rc": RC.encode(), "etc/inittab": INITTAB.encode(),
             "etc/profile": PROFILE.encode()}
    files.update(xen_modules())
    files.update(extra or {})
    return make_ramdisk(path, files)


def make_ramdisk(path, files):
    """Busybox and the files (name: contents, all executable), packed."""
    with open(fetched("busybox"), "rb") as program:
        files = {"bin/busybox": program.read(), **files}
    archive = b""
    for folder in ("bin", "sbin", "usr", "usr/bin", "usr/sbin", "lib", "lib/modules", "etc", "dev",
                   "root"):
        archive += cpio_entry(folder, stat.S_IFDIR | 0o755)
    archive += cpio_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    for name, data in files.items():
        archive += cpio_entry(name, stat.S_IFREG | 0o755, data)
    archive += cpio_entry("TRAILER!!!", 0)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".new", "wb") as out:
        out.write(gzip.compress(archive, 6, mtime=0))
    os.replace(path + ".new", path)
    return path


# ---- running it --------------------------------------------------------------------------------

def become(command, switches, lines):
    """Says what runs, and turns into the emulator, with its monitor on this terminal."""
    command = command + ["-serial", "mon:stdio"]
    if "gdb" in switches:
        command += ["-s", "-S"]
        print("waiting for a debugger: gdb-multiarch build/serai.elf -ex 'target remote :1234'")
    if "dry" in switches:
        print(shlex.join(command))
        return
    print("\n".join(lines), flush=True)
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        fail(f"the emulator {command[0]} is missing; install it with: scripts/install-deps.sh run")


# ---- the machine -------------------------------------------------------------------------------

def image_span(path):
    """Bytes of memory a kernel needs from its load address on (arm64 Image header, else size)."""
    size = os.path.getsize(path)
    with open(path, "rb") as image:
        head = image.read(64)
    if len(head) == 64 and head[56:60] == b"ARMd":
        size = max(size, struct.unpack_from("<Q", head, 16)[0])
    return size


class Machine:
    """Settings of one run; `command()` is the emulator's command line."""

    def __init__(self, **settings):
        self.board = "virt"         # or one of BOARDS
        self.uart = None            # number of the UART of a board; None: that of its stdout-path
        self.hyp = "serai"          # serai, xen, xen13 (Debian 13's), or a path
        self.build = os.path.join(TOP, "build")
        self.cpus = 2
        self.mem = "2G"
        self.cpu = "cortex-a57"
        self.gic = "3"
        self.virtualization = "on"  # off: the CPU starts at EL1
        self.dom0 = None            # kernel; None: Debian's
        self.initrd = ""            # None: no ramdisk at all; "": busybox
        self.modules = True         # False: neither kernel nor ramdisk
        self.dom0_mem = None        # None: half of the machine's, at most 1G
        self.dom0_vcpus = None      # None: as many as CPUs
        self.bootargs = ""          # more for the kernel's command line
        self.hypargs = ""           # more for the hypervisor's
        self.qemu = "qemu-system-aarch64"
        self.qemu_args = []
        self.icount = None          # 1: an instruction is 2^1 ns of the machine's time, 2: 2^2, ...
        self.sleep = "off"          # then off skips idle time, as if disks answered at once
        if settings.get("board", "virt") != "virt":
            self.take_board(settings)
        for name, value in settings.items():
            if not hasattr(self, name):
                raise TypeError(f"a machine has no setting '{name}'")
            setattr(self, name, value)

    def take_board(self, settings):
        """What a board has as it is; the rest of the settings may still change some of it."""
        board = BOARDS.get(settings["board"])
        if not board:
            raise MachineError(f"board={settings['board']} is not known; write one of: virt "
                               + " ".join(BOARDS))
        for name in ("cpus", "cpu", "mem", "qemu"):
            setattr(self, name, getattr(board, name))
        for name in ("cpus", "cpu", "gic"):
            if str(settings.get(name, getattr(self, name))) != str(getattr(self, name)):
                raise MachineError(f"{name}={settings[name]}: the {board.title} is as it is, with "
                                   f"{board.cpus} x {board.cpu}; leave that out")

    def hypervisor(self):
        if self.hyp in ("xen", "xen13"):
            return fetched(self.hyp)
        path = os.path.join(self.build, "serai") if self.hyp == "serai" else self.hyp
        if not os.path.isfile(path):
            raise MachineError(f"there is no hypervisor image {path}; build it with: make")
        return path

    def emulator(self):
        if self.qemu == "10":
            return [fetched("qemu10"), "-L", fetched("qemu10-share")]
        return [self.qemu]

    def hardware(self):
        """QEMU's arguments for the machine itself."""
        if self.board == "virt":
            return ["-M", f"virt,virtualization={self.virtualization},gic-version={self.gic}",
                    "-cpu", self.cpu, "-smp", str(self.cpus), "-m", self.mem]
        board = BOARDS[self.board]
        # The console's own -serial is the last one.
        others = ["-serial", "null"] * int(board.uart if self.uart is None else self.uart)
        if board.sound:     # older ones know -audio only with a model, newer ones need it
            others += ["-audio", "none"] if self.qemu == "10" else ["-audiodev", "none,id=silent"]
        level = f",virtualization={self.virtualization}" if board.levels else ""
        return ["-M", board.machine + level, "-smp", str(board.smp), "-m", self.mem, *others]

    def kernel_arguments(self):
        return f"console=hvc0 {self.bootargs}".strip()

    def first_domain_memory(self):
        return self.dom0_mem or f"{min(parse_size(self.mem) // 2, 1024 * MIB) // MIB}M"

    def console_arguments(self):
        return "console=dtuart" + (f" dtuart=serial{self.uart}" if self.uart is not None else "")

    def hypervisor_arguments(self):
        vcpus = self.dom0_vcpus or self.cpus
        return (f"{self.console_arguments()} dom0_mem={self.first_domain_memory()} "
                f"dom0_max_vcpus={vcpus} {self.hypargs}").strip()

    def module_arguments(self):
        if not self.modules:
            return
        kernel = self.dom0 or fetched("kernel")
        if not os.path.isfile(kernel):
            raise MachineError(f"there is no kernel {kernel}")
        yield "-device"
        yield (f"guest-loader,addr={KERNEL_ADDRESS:#x},kernel={comma(kernel)},"
               f"bootargs={comma(self.kernel_arguments())}")
        if self.initrd is None:
            return
        initrd = self.initrd or os.path.join(self.build, "dom0.cpio.gz")
        if not self.initrd and not os.path.isfile(initrd):
            make_initramfs(initrd)
        if not os.path.isfile(initrd):
            raise MachineError(f"there is no ramdisk {initrd}")
        address = align_up(KERNEL_ADDRESS + image_span(kernel), 2 * MIB)
        end = address + os.path.getsize(initrd) - RAM_BASE
        if end > parse_size(self.mem):
            raise MachineError(f"mem={self.mem} is too small: kernel and ramdisk end at "
                               f"{end // MIB} MiB; give the machine more")
        yield "-device"
        yield f"guest-loader,addr={address:#x},initrd={comma(initrd)}"

    def command(self):
        # With more emulated CPUs than real ones, one thread is faster and far steadier.
        emulated = BOARDS[self.board].smp if self.board in BOARDS else int(self.cpus)
        thread = "single" if emulated > host_cpus() or self.icount is not None else "multi"
        clock = [] if self.icount is None else ["-icount", f"shift={self.icount},sleep={self.sleep}"]
        return [*self.emulator(), *self.hardware(), "-accel", f"tcg,thread={thread}", *clock,
                "-nic", "none", "-display", "none",
                "-kernel", self.hypervisor(), "-append", self.hypervisor_arguments(),
                *self.module_arguments(), *self.qemu_args]


def comma(text):
    """QEMU separates options by commas; a comma inside one is doubled."""
    return text.replace(",", ",,")


def align_up(value, unit):
    return (value + unit - 1) // unit * unit


def fail(error):
    """Ends the program with a sentence."""
    print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
    sys.exit(2)
