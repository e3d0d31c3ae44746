#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions at EL2 while Debian's unmodified xl makes a guest and the guest moves data
through its disk and network, on Debian's Xen and on Serai, and writes bench/xl-results.md."""
import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
from console import Console, Failed  # noqa: E402
from rig import PROMPT, command, machine, same  # noqa: E402
import xl_images  # noqa: E402
import xl_report  # noqa: E402

GUEST_PROMPT = r"guest:\S*# "
BLOCK_MIB = 64
NET_MIB = 32
SLOW = 900      # seconds that a step may take on a loaded host

CONFIG = """name = "bench"
kernel = "/boot/Image"
ramdisk = "/scenarios/guest.cpio.gz"
extra = "console=hvc0"
memory = 128
vcpus = 1
disk = [ "phy:/dev/vdb1,xvda,w" ]
vif = [ "bridge=xenbr0" ]
"""

# The console's ring on real Xen holds 128 bytes: longer lines must not be typed. After a while real
# Xen has scrubbed free memory, which it does in idle time.
SETUP = """dmesg -n 1
sleep 30
sleep 99999 | nc -l -p 5001 >/dev/null &
dd if=/dev/zero bs=64k count=%d 2>/dev/null | nc -l -p 5002 >/dev/null &
"""

GUEST_RC = """#!/bin/sh
mark 0
ip link set eth0 up
ip addr add 192.168.77.2/24 dev eth0
"""


def mark_archive(program, rc):
    """What is added to a guest's ramdisk: the program, and what it does first."""
    with open(program, "rb") as data:
        archive = machine.cpio_entry("bin/mark", 0o100755, data.read())
    return archive + machine.cpio_entry("etc/rc", 0o100755, rc.encode()) + machine.cpio_entry("TRAILER!!!", 0)


def make_images(options):
    folder = os.path.join(options.build, "bench", "xl")
    inside = os.path.join(folder, "inside")
    os.makedirs(inside, exist_ok=True)
    program = os.path.join(options.build, "bench", "mark")
    xl_images.make_guest_ramdisk(os.path.join(inside, "guest.cpio.gz"))
    with open(os.path.join(inside, "guest.cpio.gz"), "ab") as ramdisk:
        ramdisk.write(gzip.compress(mark_archive(program, GUEST_RC), mtime=0))
    shutil.copy(program, os.path.join(inside, "mark"))
    xl_images.put(inside, "guest.cfg", CONFIG)
    xl_images.put(inside, "setup", SETUP % (NET_MIB * 16))
    xl_images.make_all(folder, {"scenarios": inside})
    return folder


def emulator(options, hyp, folder, counts):
    """The command line: one CPU, time goes by instructions."""
    virtual = machine.Machine(hyp=hyp, build=options.build, qemu="10", cpus=1, icount=1, dom0_mem="512M",
                              initrd=os.path.join(folder, "dom0.cpio.gz"), hypargs=options.hypargs)
    blocks = ",blocks=on" if options.blocks else ""
    plugin = os.path.join(options.build, "bench", "el2count.so")
    virtual.qemu_args = xl_images.drives(folder, snapshot=True)
    virtual.qemu_args += ["-no-reboot", "-plugin", f"{plugin},out={counts}{blocks}"]
    return virtual.command()


def in_guest(console, line, wanted):
    """Runs a line in the guest; what it prints must match."""
    console.send(line + "; echo end-$((1 + 1))\n")
    start = console.seen
    end = console.expect(r"^end-2\n", SLOW)
    if not re.search(wanted, console.text[start:end.start()], re.MULTILINE):
        raise Failed(f"'{line}' did not print /{wanted}/; {console.tail()}")
    console.expect(GUEST_PROMPT, SLOW)


def move_data(console):
    """The phases that the guest marks, on its own console."""
    in_guest(console, "ping -c 2 192.168.77.1", " 0% packet loss")
    done = rf"^{BLOCK_MIB}\+0 records out"
    some = f"bs=1M count={BLOCK_MIB}"
    in_guest(console, f"mark r; dd if=/dev/xvda of=/dev/null {some} iflag=direct; mark 0", done)
    in_guest(console, f"mark w; dd if=/dev/zero of=/dev/xvda {some} oflag=direct; mark 0", done)
    in_guest(console, f"mark t; dd if=/dev/zero bs=64k count={NET_MIB * 16} | nc 192.168.77.1 5001; mark 0",
             rf"^{NET_MIB * 16}\+0 records out")
    in_guest(console, "mark v; nc 192.168.77.1 5002 | wc -c; mark 0", f"^{NET_MIB << 20}$")


def drive(console):
    """All phases; the counts are in the plugin's file then."""
    console.expect(PROMPT, SLOW)
    command(console, "PATH=$PATH:/scenarios; . /scenarios/setup", SLOW)
    command(console, "xl info >/dev/null", SLOW)
    command(console, "mark l; xl list; mark 0", SLOW)
    command(console, "mark c; xl create -p /scenarios/guest.cfg; mark 0", SLOW)
    same("guests", command(console, "xl list | grep -c bench", SLOW), "1")
    console.send("mark b; xl unpause bench; xl console bench\n")
    console.expect(GUEST_PROMPT, SLOW)
    move_data(console)
    console.send("\x1d")
    console.expect(PROMPT, SLOW)
    command(console, "mark d; xl destroy bench; mark 0", SLOW)
    same("guests", command(console, "xl list | grep -c bench", SLOW), "0")


def measure(options, hyp, folder):
    """Boots it all on one hypervisor; returns the phases (see xl_report)."""
    counts = os.path.join(folder, f"counts.{hyp}.txt")
    log = os.path.join(folder, f"console.{hyp}.log")
    with Console(emulator(options, hyp, folder, counts), log, options.timeout) as console:
        drive(console)
    return xl_report.read_counts(counts)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--only", choices=("xen", "serai"), help="run one, print, write nothing")
    parser.add_argument("--hypargs", default="", help="more arguments for both hypervisors")
    parser.add_argument("--blocks", action="store_true", help="also show which functions of Serai take most")
    parser.add_argument("--causes", type=int, default=12, help="how many causes of each phase to show")
    parser.add_argument("--timeout", type=float, default=3000)
    parser.add_argument("--out", default=os.path.join(HERE, "xl-results.md"))
    return parser.parse_args()


def main():
    options = arguments()
    options.build = os.path.abspath(options.build)
    folder = make_images(options)
    found = {}
    for hyp in ("xen", "serai"):
        if options.only in (None, hyp):
            try:
                found[hyp] = measure(options, hyp, folder)
            except (Failed, machine.MachineError) as error:
                sys.exit(f"bench-xl on {hyp}: {error}")
    lines, missed = xl_report.table(found, BLOCK_MIB, NET_MIB)
    details = xl_report.details(found, options.causes)
    if options.blocks and "serai" in found:
        details += xl_report.functions(found["serai"], os.path.join(options.build, "serai.elf"), 25)
    print("\n".join(lines + details))
    if options.only:
        return 0
    version = subprocess.run([machine.fetched("qemu10"), "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split("\n")[0]
    with open(options.out, "w", encoding="utf-8") as out:
        out.write(xl_report.document(version, lines, details, missed))
    print(f"\nwritten to {os.path.relpath(options.out)}; {missed} rows miss a goal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
