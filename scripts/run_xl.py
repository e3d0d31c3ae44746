#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots a first domain with Debian's Xen tools in QEMU, on this terminal: xl makes guests there.

usage: run_xl.py [NAME=VALUE ...], mostly as  make run-xl ARGS="cpus=4 mem=4G"

  debian=12         whose tools: 12 (Xen 4.17) or 13 (Xen 4.20)
  steady=0          1: the machine's clock follows instructions, for a slow or busy host
and of `make run`: cpus mem cpu gic dom0_mem dom0_vcpus bootargs hypargs hyp qemu build gdb dry

The first domain's disk is as new at each start. What guests write to theirs stays in
BUILD/run-xl/guests.img: delete that file for empty ones.
"""
import os
import sys

import machine
import run
import xl_images

OWN = {"debian": ("12", xl_images.RELEASES), "steady": ("0", ("0", "1"))}
DEFAULTS = {"mem": "2G", "dom0_mem": "512M"}


def parse(words):
    """['cpus=4', ...] -> a machine, its folder, the release, switches."""
    own, rest = {name: value for name, (value, _) in OWN.items()}, []
    for word in words:
        name, _, value = word.partition("=")
        if name in ("help", "-h", "--help"):
            print(__doc__)
            sys.exit(0)
        if name not in OWN:
            rest.append(word)
            continue
        if value not in OWN[name][1]:
            raise machine.MachineError(f"{word} is not understood; {name} is one of: "
                                       + " ".join(OWN[name][1]))
        own[name] = value
    settings, switches = run.parse(rest)
    if "board" in settings or "dom0" in settings or "initrd" in settings:
        raise machine.MachineError("board, dom0 and initrd cannot be chosen here; make run knows them")
    if settings.get("hyp") == "xen" and own["debian"] == "13":
        settings["hyp"] = "xen13"
    if own["steady"] == "1":
        settings.update(icount=1, sleep="on", qemu="10")
    virtual = machine.Machine(**{**DEFAULTS, **settings})
    folder = os.path.join(virtual.build, "run-xl")
    virtual.initrd = os.path.join(folder, "dom0.cpio.gz")
    return virtual, folder, own["debian"], switches


def make_images(folder, debian):
    print("run-xl: making the disks of the first domain and of its guests", flush=True)
    os.makedirs(folder, exist_ok=True)
    xl_images.make_dom0_ramdisk(os.path.join(folder, "dom0.cpio.gz"))
    xl_images.make_dom0_disk(os.path.join(folder, "dom0.ext4"), debian=debian)
    if not os.path.exists(os.path.join(folder, "guests.img")):
        xl_images.make_guest_disk(os.path.join(folder, "guests.img"))


def main():
    try:
        virtual, folder, debian, switches = parse(sys.argv[1:])
        make_images(folder, debian)
        virtual.qemu_args = xl_images.drives(folder, snapshot=False)
        command = virtual.command()
    except machine.MachineError as error:
        machine.fail(error)
    machine.become(command, switches, [
        f"run-xl: {virtual.hypervisor()}: {virtual.cpus} x {virtual.cpu}, {virtual.mem}, first domain "
        f"with {virtual.first_domain_memory()} and the tools of Debian {debian}",
        "run-xl: Ctrl-A x leaves QEMU, Ctrl-A c is its monitor"])


if __name__ == "__main__":
    main()
