# SPDX-License-Identifier: Apache-2.0
"""Kernels that are not plain images."""
import gzip
import os
import subprocess

from dom0less import UP, boot, expect_all, own
from rig import PROMPT, Skipped, finish, machine, patience

import run_dom0less
from run_dom0less import Guest


def gzip_kernel(rig, name):
    """dom0 and a guest from the same packed file."""
    packed = os.path.join(rig.options.build, "check", "kernel.gz")
    os.makedirs(os.path.dirname(packed), exist_ok=True)
    with open(machine.fetched("kernel"), "rb") as kernel, open(packed, "wb") as out:
        out.write(gzip.compress(kernel.read(), 6, mtime=0))
    with boot(rig, name, [Guest("domU1")], with_dom0=True, dom0=packed) as console:
        expect_all(console, [UP.format("domU1", 1), PROMPT], patience(2) + 60)
        console.settle(0.5)
        finish(console)


ARM32 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arm32")
ARM32_CC = "arm-linux-gnueabihf-gcc"
ARM32_FLAGS = ("-std=gnu11 -O2 -marm -march=armv7-a -mfloat-abi=soft -mgeneral-regs-only "
               "-ffreestanding -fno-pic -Wall -Wextra -Werror -nostdlib -static "
               "-Wl,--build-id=none -Wl,--no-warn-rwx-segments").split()


def build_arm32(rig):
    """The 32-bit guest of tests/system/arm32, an ELF file."""
    out = os.path.join(rig.logs, "arm32.elf")
    os.makedirs(rig.logs, exist_ok=True)
    sources = [os.path.join(ARM32, name) for name in ("start.S", "main.c")]
    try:
        subprocess.run([ARM32_CC, *ARM32_FLAGS, f"-Wl,-T,{ARM32}/guest.lds", "-o", out, *sources],
                       check=True, timeout=60)
    except FileNotFoundError as error:
        raise Skipped(f"there is no {ARM32_CC}") from error
    return out


def arm32(rig, name):
    """A 32-bit guest beside a 64-bit one: registers, calls, faults, Thumb, a second CPU."""
    own(rig)
    guests = [Guest("domU1", cpus=2, mem="64M", kernel=build_arm32(rig)), Guest("domU2")]
    with boot(rig, name, guests) as console:
        expect_all(console, [r"arm32: all is well, checks", UP.format("domU2", 1)],
                   patience(2) + 60)


def arm32_refused(rig, name):
    """CPUs whose EL1 is 64-bit only: in words, and the other guest starts."""
    own(rig)
    guests = [Guest("domU1", mem="64M", kernel=build_arm32(rig)), Guest("domU2")]
    with boot(rig, name, guests, cpu="neoverse-n1") as console:
        expect_all(console, [r"domU1: its kernel is for 32 bits, but these CPUs run 64-bit guests "
                             r"only; it needs one for arm64", UP.format("domU2", 1)],
                   patience(2) + 60)


def linux_arm32(rig, name):
    """Debian's 32-bit Linux on two CPUs, beside a 64-bit guest."""
    with open(machine.fetched("busybox32"), "rb") as program:
        files = {"bin/busybox": program.read(), "init": run_dom0less.GUEST_INIT.encode(),
                 "etc/rc": run_dom0less.GUEST_RC.encode(),
                 "etc/inittab": run_dom0less.GUEST_INITTAB.encode()}
    ramdisk = machine.make_initramfs(os.path.join(rig.logs, "arm32.cpio.gz"), files)
    guests = [Guest("domU1", cpus=2, mem="256M", kernel=machine.fetched("kernel32"),
                    ramdisk=ramdisk), Guest("domU2")]
    with boot(rig, name, guests) as console:
        expect_all(console, [UP.format("domU1", 2), UP.format("domU2", 1)], patience(2) + 90)
        if rig.options.hyp == "xen":
            return
        console.settle(1)
        console.send("uname -m; echo count-$((1 + 1))\n")
        console.expect(r"^armv[78]l$", 30)


# name, function, is it part of --quick?
CASES = (
    ("gzip-kernel", gzip_kernel, True),
    ("arm32", arm32, True),
    ("linux-arm32", linux_arm32, False),
    ("arm32-refused", arm32_refused, False),
)
