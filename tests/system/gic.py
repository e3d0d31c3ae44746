# SPDX-License-Identifier: Apache-2.0
"""Machines with a GICv2, and with an interrupt controller that nobody knows."""
import os
import re

from dom0 import shell
from dom0less import UP, boot, expect_all
from rig import (Failed, Skipped, command, finish, machine, patience, refused_end, same,
                 to_shell)
from run_dom0less import Guest

MODULES = ("virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "virtio_blk")


def guests(rig, name):
    """Two guests without dom0, one with two CPUs."""
    both = [Guest("domU1", args="then=count"), Guest("domU2", cpus=2, args="then=count")]
    with boot(rig, name, both, gic="2") as console:
        expect_all(console, [UP.format("domU1", 1), UP.format("domU2", 2)], patience(2) + 60)
        expect_all(console, [rf"guest domU{n} counts 3" for n in (1, 2)], 60)
        if re.search(r"(?i)crash|panic|unhandled fault", console.text):
            raise Failed(f"something crashed; {console.tail()}")


def virtio_modules():
    """Debian's modules for a virtio disk behind PCI, as files of the ramdisk."""
    found = {}
    for folder, _, names in os.walk(machine.fetched("modules")):
        for wanted in MODULES:
            if wanted + ".ko" in names:
                with open(os.path.join(folder, wanted + ".ko"), "rb") as module:
                    found[f"lib/modules/{wanted}.ko"] = module.read()
    return found


def msix(rig, name):
    """A PCI disk of dom0 with MSI-X: GICv2m turns its writes into SPIs, and what is read is right."""
    os.makedirs(rig.logs, exist_ok=True)
    disk = os.path.join(rig.logs, name + ".disk")
    with open(disk, "wb") as image:
        for number in range(8192):
            image.write(b"sector %08d\n" % number + bytes(512 - 16))
    ramdisk = machine.make_initramfs(os.path.join(rig.logs, name + ".cpio.gz"), virtio_modules())
    line = rig.machine(gic="2", cpus=2, initrd=ramdisk).command()
    line += ["-drive", f"file={machine.comma(disk)},format=raw,if=none,id=disk",
             "-device", "virtio-blk-pci,drive=disk"]
    with rig.start(name, line, 240) as console:
        to_shell(console, patience(2))
        for module in MODULES:
            command(console, f"insmod /lib/modules/{module}.ko 2>/dev/null")
        last = command(console, "tail -c 512 /dev/vda | head -1")
        same("the last sector", last, "sector 00008191")
        same("bytes", command(console, "cat /dev/vda | wc -c", 60), str(8192 * 512))
        shown = command(console, "grep MSI /proc/interrupts").splitlines()
        same("MSIs of the disk", len([line for line in shown if "virtio0" in line]), 3)
        taken = [sum(map(int, line.split()[1:3])) for line in shown if "virtio0-req" in line]
        if sum(taken) < 10:
            raise Failed(f"only {taken} interrupts of the disk's queues")
        finish(console)
    os.remove(disk)


def unknown(rig, name):
    """An interrupt controller for which there is no driver is named."""
    if rig.options.hyp == "xen":
        raise Skipped("our own wording")
    with boot(rig, name, [Guest("domU1")],
              edit=lambda source: source.replace('"arm,gic-v3"', '"arm,gic-v9"')) as console:
        refused_end(console, r"interrupt controller.*arm,gic-v9.*arm,gic-400")


CASES = (
    ("gicv2-1", shell(1, gic="2"), False),
    ("gicv2-2", shell(2, gic="2"), True),
    ("gicv2-4", shell(4, gic="2"), True),
    ("gicv2-guests", guests, True),
    ("gicv2-msix", msix, True),
    ("unknown-gic", unknown, True),
)
