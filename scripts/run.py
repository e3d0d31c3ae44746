#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the hypervisor with Debian's Linux as its first domain in QEMU, on this terminal.

usage: run.py [NAME=VALUE ...], mostly as  make run ARGS="cpus=4 mem=4G"

  board=virt        machine: QEMU's virt, zcu102, rpi4 or versal (make run BOARD=rpi4)
  uart=N            which UART of a board is the console (default: its device tree's choice)
  cpus=2            CPUs of the machine
  mem=2G            its memory
  cpu=cortex-a57    CPU model (cortex-a53, cortex-a72, cortex-a76, neoverse-n1, max, ...)
  gic=3             version of the interrupt controller
  dom0_mem=1G       memory of the first domain (default: half of mem, at most 1G)
  dom0_vcpus=N      its virtual CPUs (default: as many as the machine has)
  dom0=PATH         its kernel (default: Debian's)
  initrd=PATH       its ramdisk (default: busybox); initrd=none: no ramdisk
  bootargs="..."    more for the kernel's command line
  hypargs="..."     more for the hypervisor's command line
  hyp=serai         hypervisor: serai, xen (Debian's), or the path of an image
  qemu=PATH         another emulator; qemu=10 fetches the one of Debian's backports
  build=build       folder of the build
  gdb=1             wait for a debugger on TCP port 1234
  dry=1             only print the emulator's command line
"""
import os
import re
import sys

import machine
import run_dom0less

SETTINGS = ("board", "uart", "cpus", "mem", "cpu", "gic", "dom0_mem", "dom0_vcpus", "dom0", "initrd", "bootargs",
            "hypargs", "hyp", "qemu", "build")
SWITCHES = ("gdb", "dry")
PATTERNS = {"uart": "[0-9]", "cpus": "[1-9][0-9]*", "dom0_vcpus": "[1-9][0-9]*", "gic": "[23]", "gdb": "[01]",
            "dry": "[01]", "mem": "[1-9][0-9]*[KMGkmg]", "dom0_mem": "[1-9][0-9]*[KMGkmg]"}


def parse(words):
    """['cpus=4', ...] -> settings of the machine, switches."""
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("help", "-h", "--help"):
            print(__doc__)
            sys.exit(0)
        if not equals or name not in SETTINGS + SWITCHES:
            raise machine.MachineError(
                f"'{word}' is not understood; write NAME=VALUE with one of: "
                + " ".join(SETTINGS + SWITCHES) + " (ARGS=help explains them)")
        if name in PATTERNS and not re.fullmatch(PATTERNS[name], value):
            raise machine.MachineError(f"{name}={value} is not a valid value; it must match "
                                       f"{PATTERNS[name]}, as in " + example_of(name))
        values[name] = value
    switches = {name for name in SWITCHES if values.pop(name, "0") == "1"}
    if values.get("initrd") == "none":
        values["initrd"] = None
    return values, switches


def example_of(name):
    """The line of the help above that shows the setting."""
    found = re.search(rf"^ +({name}=\S+)", __doc__, re.MULTILINE)
    return found.group(1) if found else f"{name}=1"


def main():
    try:
        settings, switches = parse(sys.argv[1:])
        virtual = run_dom0less.first_domain(**settings)
        if virtual.initrd == "":
            machine.make_initramfs(os.path.join(virtual.build, "dom0.cpio.gz"))
        command = virtual.command()
    except machine.MachineError as error:
        machine.fail(error)
    machine.become(command, switches, [
        f"run: {virtual.hypervisor()} on {virtual.board}: {virtual.cpus} x {virtual.cpu}, {virtual.mem}, "
        f"first domain with {virtual.first_domain_memory()}",
        "run: Ctrl-A x leaves QEMU, Ctrl-A c is its monitor"])


if __name__ == "__main__":
    main()
