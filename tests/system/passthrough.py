# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine in guests of the device tree, checked from inside."""
import hashlib
import os
import re
import subprocess

from dom0less import boot, own
from rig import Failed, command, finish, patience, same, to_shell

import machine
import run_dom0less
from run_dom0less import Guest

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
SHELL = r"domU1:\S*# "
RTC_SET = r"rtc-pl031 9010000\.pl031: setting system clock to "


def partial(rig, name, edit=None):
    """A partial tree of tests/system/data, compiled."""
    with open(os.path.join(DATA, name + ".dts"), encoding="utf-8") as source:
        text = source.read()
    out = os.path.join(rig.logs, f"{name}-partial.dtb")
    os.makedirs(rig.logs, exist_ok=True)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", out],
                   input=(edit or (lambda same: same))(text), text=True, check=True, timeout=60)
    return out


def in_guest(console, line, seconds=60):
    """Runs one command in the guest's shell, returns what it printed."""
    console.send(f"{line}; echo end-$((1 + 1))\n")
    start = console.seen
    end = console.expect(r"end-2\n", seconds)
    return console.text[start:end.start()].split("echo end-$((1 + 1))\n", 1)[-1].strip()


def withheld(path):
    """Marks a node of the machine's tree."""
    return lambda source: source.replace(path + " {", path + " {\n\t\txen,passthrough;", 1)


def check_alarm(console):
    """The clock's interrupt reaches the guest."""
    output = in_guest(console, "echo +2 > /sys/class/rtc/rtc0/wakealarm; sleep 5; "
                               "grep rtc-pl031 /proc/interrupts")
    found = re.search(r":\s+(\d+)\s.*rtc-pl031", output)
    if not found or int(found.group(1)) < 1:
        raise Failed(f"no interrupt of the clock has come: {output!r}")


# ---- cases -------------------------------------------------------------------------------------

def clock(rig, name):
    """A guest sets its time by the machine's clock and is woken by its alarm."""
    with boot(rig, name, [Guest("domU1", devices=partial(rig, "pl031"))]) as console:
        console.expect(RTC_SET, patience(1) + 60)
        if rig.options.hyp == "xen":    # its console adds to each line
            return
        console.expect(SHELL, patience(1))
        check_alarm(console)
        output = in_guest(console, "cat /proc/device-tree/aliases/rtc0; "
                                   "ls /proc/device-tree/passthrough/pl031@9010000")
        if "/passthrough/pl031@9010000" not in output or "xen," in output:
            raise Failed(f"the guest's tree has {output!r}")


def clock_beside_dom0(rig, name):
    """The same while there is a dom0, from which the clock is withheld."""
    with boot(rig, name, [Guest("domU1", devices=partial(rig, "pl031"))], with_dom0=True,
              edit=withheld("pl031@9010000")) as console:
        console.expect(RTC_SET, patience(2) + 60)
        to_shell(console, patience(2))
        if command(console, "ls /sys/class/rtc"):
            raise Failed("dom0 has a clock")
        finish(console)


def refused(edit_partial, pattern, edit=None, with_dom0=False, devices="pl031"):
    """The first guest is refused with these words, and the second starts."""
    def case(rig, name):
        own(rig)
        guests = [Guest("domU1", devices=partial(rig, devices, edit_partial)), Guest("domU2")]
        with boot(rig, name, guests, edit=edit, with_dom0=with_dom0) as console:
            console.expect(pattern, 60)
            console.expect(r"guest domU2 is up", patience(2) + 60)
            if "guest domU1 is up" in console.text:
                raise Failed("the refused guest runs")
    return case


BLOCK_MODULES = ("virtio_mmio", "virtio_blk", "crc32c_generic", "crc16", "mbcache", "jbd2", "ext4")
BLOCK_RC = """#!/bin/sh
for m in MODULES; do insmod /lib/modules/$m.ko; done
mkdir -p /mnt
echo "its sum is $(md5sum < /dev/vda | cut -c 1-32)" > /dev/console
mount -t ext4 /dev/vda /mnt && echo "the disk says: $(cat /mnt/hello)" > /dev/console
dd if=/dev/zero of=/mnt/written bs=64k count=16 2>/dev/null
sync
umount /mnt && echo "the disk is done: $(grep -c virtio /proc/interrupts)" > /dev/console
""".replace("MODULES", " ".join(BLOCK_MODULES))
STATIC = "xen,static-mem = <0x0 0xa0000000 0x0 0x8000000>; direct-map;"


def find_module(name):
    top = machine.fetched("modules")
    for folder, _, names in os.walk(top):
        if name + ".ko" in names:
            with open(os.path.join(folder, name + ".ko"), "rb") as module:
                return module.read()
    raise machine.MachineError(f"the kernel package has no module {name}")


def block_ramdisk(rig):
    files = {"init": run_dom0less.GUEST_INIT.encode(), "etc/rc": BLOCK_RC.encode(),
             "etc/inittab": run_dom0less.GUEST_INITTAB.encode()}
    files.update({f"lib/modules/{name}.ko": find_module(name) for name in BLOCK_MODULES})
    return machine.make_initramfs(os.path.join(rig.logs, "block.cpio.gz"), files)


def make_disk(rig):
    """A file system with one file in it, made without being mounted."""
    folder, disk = os.path.join(rig.logs, "disk"), os.path.join(rig.logs, "disk.img")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "hello"), "w", encoding="ascii") as out:
        out.write("serai at the road\n")
    if os.path.exists(disk):
        os.remove(disk)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-d", folder, disk, "16M"], check=True,
                   timeout=60, stderr=subprocess.DEVNULL)
    return disk


def disk_arguments(disk):
    return ["-drive", f"if=none,id=disk,format=raw,file={machine.comma(disk)}",
            "-device", "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.0"]


def disk_of_guest(rig, name):
    """A guest at the machine's addresses mounts a disk whose DMA goes there, reads and writes it."""
    own(rig)
    disk = make_disk(rig)
    with open(disk, "rb") as content:
        wanted = hashlib.md5(content.read()).hexdigest()
    guest = Guest("domU1", devices=partial(rig, "virtio"), ramdisk=block_ramdisk(rig), props=STATIC)
    with boot(rig, name, [guest], qemu_args=disk_arguments(disk)) as console:
        found = console.expect(r"its sum is ([0-9a-f]{32})", patience(1) + 60)
        same("sum of the disk", found.group(1), wanted)
        console.expect(r"the disk says: serai at the road", 60)
        console.expect(r"the disk is done: 1", 60)
    written = subprocess.run(["/usr/sbin/debugfs", "-R", "stat /written", disk],
                             capture_output=True, text=True, check=True, timeout=60).stdout
    if "Size: 1048576" not in written:
        raise Failed(f"the file that the guest wrote is not on the disk: {written!r}")
    subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], check=True, timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# name, function, is it part of --quick?
CASES = (
    ("clock", clock, True),
    ("clock-beside-dom0", clock_beside_dom0, True),
    ("disk", disk_of_guest, True),
    ("disk-part-of-page", refused(lambda text: text.replace("0x1000 0x0 0xa000000>", "0x200 0x0 0xa000000>"),
                                  r"0xa000000-0xa0001ff is not made of whole pages, and nothing less "
                                  r"than a page can be mapped; write host 0xa000000, size 0x1000",
                                  devices="virtio"), False),
    ("clock-of-dom0", refused(None, r"domU1: partial tree: /passthrough/pl031@9010000: xen,reg = "
                              r"<[^>]*>: there are also registers of /pl031@9010000 of the machine, "
                              r"which is dom0's; .*xen,passthrough;", with_dom0=True), False),
    ("clock-no-path", refused(lambda text: text.replace("/pl031@9010000\"", "/pl031@9000000\""),
                              r"xen,path = \"/pl031@9000000\": the machine's device tree has no "
                              r"such node"), False),
)

