#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots guests from the device tree in QEMU, without dom0 or beside it, on this terminal.

usage: run_dom0less.py [NAME=VALUE ...], mostly as  make run-dom0less ARGS="guests=2 dom0=1"

  guests=3          number of guests: domU1, domU2, ... (Debian's Linux with busybox)
  guest_mem=128M    memory of each
  guest_cpus=1      virtual CPUs of each
  guest_args="..."  more for their kernels' command lines
  guest_props="..." more properties of their nodes, as in a device tree's source
  vpl011=1          each has an emulated UART; 0: it writes by console_io, unreadable on Xen
  enhanced=no       xen,enhanced: no, yes or no-xenstore
  dom0=0            1: dom0 too
  tree=PATH         keep the device tree there
and of `make run`: board uart cpus mem cpu dom0_mem dom0_vcpus bootargs hypargs hyp qemu build gdb dry
"""
import os
import subprocess
import sys

import machine
from board import BOARDS

MIB = 1 << 20
GUEST_KERNEL = 0x60000000
OVERLAYS = os.path.join(machine.TOP, "tests", "system", "boards")
CELL = 0xffffffff

GUEST_INIT = machine.INIT.replace("hostname dom0", """name=$(sed -n 's/.*name=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
hostname ${name:-domU}""")

GUEST_INITTAB = """::sysinit:/etc/rc
ttyAMA0::respawn:-/bin/sh
::ctrlaltdel:/sbin/reboot
"""

GUEST_RC = """#!/bin/sh
out=/dev/console
[ -c /dev/ttyAMA0 ] || { sed -i 's/^ttyAMA0//' /etc/inittab; out=/dev/kmsg; }
mem=$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
echo "guest $(hostname) is up: $(nproc) CPUs, $mem MiB" > $out
case " $(cat /proc/cmdline) " in
*" then=poweroff "*) sleep 1; poweroff -f ;;
*" then=reboot "*) sleep 1; reboot -f ;;
*" then=crash "*) sleep 1; echo c > /proc/sysrq-trigger ;;
*" then=count "*) n=0; while sleep 1; do n=$((n + 1)); echo "guest $(hostname) counts $n" > $out; done & ;;
esac
"""


class Guest:
    """One xen,domain node."""

    def __init__(self, name, cpus=1, mem="128M", args="", vpl011=True, enhanced="no", props="",
                 devices=None, ramdisk=None, kernel=None):
        self.name, self.cpus, self.vpl011 = name, cpus, vpl011
        self.devices, self.ramdisk = devices, ramdisk   # compiled partial tree; None: the usual one
        self.kernel = kernel                            # None: the usual one
        self.kib = machine.parse_size(mem) >> 10
        console = "console=ttyAMA0" if vpl011 else "earlycon=xenboot keep_bootcon"
        self.args = f"{console} name={name} {args}".strip()
        self.props = "vpl011;" if vpl011 else ""
        if enhanced != "no":
            self.props += " xen,enhanced;" if enhanced == "yes" else f' xen,enhanced = "{enhanced}";'
        self.props += " " + props       # behind ours: there may be nodes in it

    def node(self, kernel, ramdisk, devices):
        """kernel, ramdisk, devices: address and size; None: no ramdisk, no devices."""
        return (f'{self.name} {{ compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; '
                f'cpus = <{self.cpus}>; memory = <{cells(self.kib)}>; {self.props}\n'
                + module(*kernel, "kernel", self.args)
                + (module(*ramdisk, "ramdisk") if ramdisk else "")
                + (module(*devices, "device-tree") if devices else "") + "};\n")


def cells(number):
    return f"{number >> 32:#x} {number & CELL:#x}"


def module(address, size, kind, args=""):
    bootargs = f' bootargs = "{args}";' if args else ""
    return (f'module@{address:x} {{ compatible = "multiboot,{kind}", "multiboot,module"; '
            f"reg = <{cells(address)} {cells(size)}>;{bootargs} }};\n")


class Machine(machine.Machine):
    """A machine whose device tree names guests. `guests` is a list of Guest."""

    def __init__(self, guests, with_dom0=False, tree=None, edit=None, **settings):
        super().__init__(**settings)
        self.guests, self.with_dom0 = guests, with_dom0
        self.edit = edit or (lambda source: source)     # the last word on the tree's source
        self.tree = tree or os.path.join(self.build, f"dom0less-{self.board}.dtb")
        self.files = []                                 # (address, path)

    def add_file(self, path):
        """Puts a file into RAM behind the others: its address and size."""
        end = BOARDS[self.board].files if self.board in BOARDS else GUEST_KERNEL
        if self.files:
            address, last = self.files[-1]
            end = machine.align_up(address + machine.image_span(last), 2 * MIB)
        self.files.append((end, path))
        return end, os.path.getsize(path)

    def fragment(self):
        self.files = []
        kernel = self.add_file(self.dom0 or machine.fetched("kernel"))
        ramdisk = None
        if self.guests and self.initrd is not None:
            ramdisk = self.add_file(guest_ramdisk(self.build))
        text = f'xen,xen-bootargs = "{self.hypervisor_arguments()}";\n'
        text += "#address-cells = <2>; #size-cells = <2>;\n"
        if self.with_dom0:
            text += f'xen,dom0-bootargs = "{self.kernel_arguments()}";\n'
            text += module(*kernel, "kernel")
            if self.initrd is not None:
                first = self.initrd or os.path.join(self.build, "dom0.cpio.gz")
                text += module(*self.add_file(first), "ramdisk")
        for guest in self.guests:
            own = self.add_file(guest.ramdisk) if guest.ramdisk else ramdisk
            devices = self.add_file(guest.devices) if guest.devices else None
            image = self.add_file(guest.kernel) if guest.kernel else kernel
            text += guest.node(image, own, devices)
        return f"/ {{ chosen {{\n{text}}}; }};\n"

    def hypervisor_arguments(self):
        if self.with_dom0:
            return super().hypervisor_arguments()
        return f"{self.console_arguments()} {self.hypargs}".strip()

    def first_domain_memory(self):
        return self.dom0_mem or "512M"

    def bare(self):
        """The emulator's command line without modules."""
        self.modules = False
        return super().command()

    def base_tree(self):
        """The source of the emulator's own tree, or of the board's with what QEMU needs changed."""
        board = BOARDS.get(self.board)
        if not board or not board.tree:
            dump = self.bare()
            dump[dump.index("-M") + 1] += f",dumpdtb={self.tree}"
            quiet(dump)
            return quiet(["dtc", "-q", "-I", "dtb", "-O", "dts", self.tree])
        source = quiet(["dtc", "-q", "-I", "dtb", "-O", "dts", machine.fetched(board.tree)])
        if board.overlay:
            with open(os.path.join(OVERLAYS, board.overlay), encoding="utf-8") as overlay:
                source += overlay.read()
        return source

    def write_tree(self):
        """That tree with our /chosen."""
        source = self.base_tree()
        with open(self.tree + ".dts", "w", encoding="utf-8") as out:
            out.write(self.edit(source + self.fragment()))
        quiet(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", self.tree, self.tree + ".dts"])

    def command(self):
        os.makedirs(os.path.dirname(self.tree), exist_ok=True)
        self.write_tree()
        loaders = []
        for address, path in self.files:
            loaders += ["-device", f"loader,file={machine.comma(path)},addr={address:#x},"
                                   "force-raw=on"]
        line = self.bare()
        at = line.index("-append")      # the tree has the hypervisor's arguments
        return [*line[:at], *line[at + 2:], "-dtb", self.tree, *loaders]


def first_domain(**settings):
    """A machine for dom0 alone: QEMU's virt, or a board."""
    if settings.get("board", "virt") == "virt":
        return machine.Machine(**settings)
    return Machine([], with_dom0=True, **settings)


def quiet(command):
    """Runs a program, returns what it printed; its complaints become a sentence."""
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                check=False, timeout=120)
    except FileNotFoundError as error:
        raise machine.MachineError(f"{command[0]} is missing; install it with: "
                                   "scripts/install-deps.sh run") from error
    if result.returncode != 0:
        raise machine.MachineError(f"{command[0]} failed: {result.stderr.strip()[-400:]}")
    return result.stdout


def guest_ramdisk(build):
    path = os.path.join(build, "guest.cpio.gz")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(__file__):
        machine.make_initramfs(path, {"init": GUEST_INIT.encode(), "etc/rc": GUEST_RC.encode(),
                                      "etc/inittab": GUEST_INITTAB.encode()})
    return path


OWN = {"guests": "3", "guest_mem": "128M", "guest_cpus": "1", "guest_args": "", "guest_props": "",
       "vpl011": "1", "enhanced": "no", "dom0": "0", "tree": ""}


def parse(words):
    """['guests=2', ...] -> a machine, switches."""
    own, rest = dict(OWN), []
    for word in words:
        name, equals, value = word.partition("=")
        if name in ("help", "-h", "--help"):
            print(__doc__)
            sys.exit(0)
        if name in own and equals:
            own[name] = value
        else:
            rest.append(word)
    from run import parse as parse_machine      # tests have a module of that name, too
    settings, switches = parse_machine(rest)
    if not own["guests"].isdigit():
        raise machine.MachineError(f"guests={own['guests']} is no number")
    if own["vpl011"] == "0":
        settings["hypargs"] = settings.get("hypargs", "") + " guest_console_io"
    guests = [Guest(f"domU{number}", own["guest_cpus"], own["guest_mem"], own["guest_args"],
                    own["vpl011"] != "0", own["enhanced"], own["guest_props"])
              for number in range(1, int(own["guests"]) + 1)]
    return Machine(guests, own["dom0"] == "1", own["tree"] or None, **settings), switches


def main():
    try:
        virtual, switches = parse(sys.argv[1:])
        if virtual.with_dom0:
            machine.make_initramfs(os.path.join(virtual.build, "dom0.cpio.gz"))
        command = virtual.command()
    except machine.MachineError as error:
        machine.fail(error)
    machine.become(command, switches, [
        f"run: {virtual.hypervisor()} on {virtual.board}: {virtual.cpus} x {virtual.cpu}, {virtual.mem}, "
        f"{len(virtual.guests)} guests{' and dom0' if virtual.with_dom0 else ''}",
        "run: Ctrl-A x leaves QEMU, Ctrl-A c is its monitor; six times Ctrl-A: the next guest"])


if __name__ == "__main__":
    main()
