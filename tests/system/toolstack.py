# SPDX-License-Identifier: Apache-2.0
"""Debian's Xen tools in dom0 (scripts/xl_images.py): guests made by xl. On Debian's Xen only: Serai's
domctl does not carry them yet (issue #4)."""
import os

from rig import Skipped, command, machine, patience, same

import xl_images

PROMPT = r"dom0:\S*# "


def boot(rig, name, debian="12"):
    """A Console of a control domain with a release's tools, whose disk is as new."""
    if rig.options.hyp != "xen":
        raise Skipped("Serai cannot carry Xen's tools yet (issue #4)")
    folder = os.path.join(rig.options.build, "xl" if debian == "12" else f"xl{debian}")
    xl_images.make_all(folder, debian=debian)
    hyp = "xen13" if rig.options.hyp == "xen" and debian == "13" else rig.options.hyp
    virtual = machine.Machine(hyp=hyp, build=rig.options.build, dom0_mem="512M",
                              initrd=os.path.join(folder, "dom0.cpio.gz"))
    # QEMU's last virtio-mmio device is Linux's first.
    for image in ("guests.img", "dom0.ext4"):
        path = machine.comma(os.path.join(folder, image))
        tag = image.split(".", 1)[0]
        virtual.qemu_args += ["-drive", f"if=none,id={tag},format=raw,snapshot=on,file={path}",
                              "-device", f"virtio-blk-device,drive={tag}"]
    return rig.start(name, virtual.command() + ["-no-reboot"], 400)


def create(rig, name, debian="12"):
    """A guest with disk and network appears, answers on its console, and switches itself off."""
    with boot(rig, name, debian) as console:
        console.expect(PROMPT, patience(2))
        command(console, "dmesg -n 1")
        same("domains", command(console, "xl list | grep -c Domain-0", 60), "1")
        command(console, "ip link add xenbr0 type bridge; ip link set xenbr0 up", 60)
        console.send("xl create /etc/xen/guest.cfg -c\n")
        console.expect(r"guest is up: 1 CPUs, \d+ MiB", 200)
        console.settle(1)
        console.send("\nls /dev/xvda && ls -d /sys/class/net/eth0; poweroff\n")
        console.expect(r"/sys/class/net/eth0", 60)
        console.expect(r"reboot: Power down", 60)


def create_13(rig, name):
    """The same with Debian 13's tools (Xen 4.20)."""
    create(rig, name, "13")


CASES = (("xl-create", create, False), ("xl-create-13", create_13, False))
