# SPDX-License-Identifier: Apache-2.0
"""Boards that QEMU emulates, with the device trees of Debian's kernel (scripts/board.py)."""
import re

import dom0less
from rig import PROMPT, Failed, Skipped, command, finish, patience, same, to_shell

from board import BOARDS
from run_dom0less import Guest

SERAIS = r"memory: \d+ MiB, of which (\d+) KiB are Serai's"


def boot(rig, name, board, guests=(), with_dom0=True, **settings):
    """A Console on a board just switched on."""
    if rig.options.hyp == "xen":
        raise Skipped("Debian's Xen needs other device trees here, see docs/boards.md")
    return dom0less.boot(rig, name, list(guests), board=board, with_dom0=with_dom0, **settings)


def shell(board, said="", more=None, **settings):
    """A case that reaches dom0's shell with all CPUs, types there, and switches the board off."""
    def run(rig, name):
        cpus = BOARDS[board].cpus
        with boot(rig, name, board, **settings) as console:
            if said:
                console.expect(said, patience(cpus))
            console.seen = 0
            own = int(console.expect(SERAIS, patience(cpus)).group(1))
            if own > 32 << 10:
                raise Failed(f"Serai takes {own} KiB for itself")
            to_shell(console, patience(cpus))
            same("nproc", command(console, "nproc"), str(cpus))
            same("tty", command(console, "tty"), "/dev/hvc0")
            model = command(console, "tr '\\0' ' ' < /proc/device-tree/compatible; echo")
            if board not in model.replace("raspberrypi,4-model-b", "rpi4"):
                raise Failed(f"the device tree is that of {model!r}")
            every_cpu(console, cpus)
            if more:
                more(console, cpus)
            healthy(console)
            finish(console)
    return run


def every_cpu(console, cpus):
    """Each CPU runs what it is told to, and takes interrupts of its timer."""
    for cpu in range(cpus):
        same(f"sum on CPU {cpu}", command(console, f"taskset {1 << cpu:x} sh -c 'echo $((6 * 7))'"),
             "42")
    ticks = command(console, "grep arch_timer /proc/interrupts").split()[1:1 + cpus]
    if len(ticks) < cpus or "0" in ticks:
        raise Failed(f"timer interrupts of the CPUs are {' '.join(ticks)}")


def mailbox(console, cpus):
    """A device of dom0: Linux talks to the board's firmware, which answers by interrupts."""
    counts = command(console, "grep mailbox /proc/interrupts").split()[1:1 + cpus]
    if sum(int(count) for count in counts) == 0:
        raise Failed("the mailbox raised no interrupt")


def entered_at_el1(rig, name):
    """Without the hypervisor's exception level: a sentence on this UART, too."""
    with boot(rig, name, "zcu102", virtualization="off") as console:
        console.expect(r"entered at EL1.*needs EL2", 30)


def healthy(console):
    """Nothing that the hypervisor or Linux had to complain about."""
    found = re.search(r".*(interrupt \d+ (is|belongs)|Unhandled fault|SError|Oops|rcu.*stall).*",
                      console.text)
    if found:
        raise Failed(f"on the console: {found.group(0)!r}")


def reboot(board):
    def run(rig, name):
        with boot(rig, name, board, reboot=True) as console:
            to_shell(console, patience(BOARDS[board].cpus))
            console.send("reboot -f\n")
            console.expect(r"^\(Serai\) Serai \d", 60)
            to_shell(console, patience(BOARDS[board].cpus))
            finish(console)
    return run


def two_guests(board):
    """No dom0, two guests, one with two CPUs."""
    def run(rig, name):
        guests = [Guest("domU1", args="then=count"), Guest("domU2", cpus=2, args="then=count")]
        with boot(rig, name, board, guests, with_dom0=False) as console:
            dom0less.expect_all(console, [dom0less.UP.format("domU1", 1),
                                          dom0less.UP.format("domU2", 2)], patience(BOARDS[board].cpus))
            dom0less.expect_all(console, [dom0less.COUNTS.format(f"domU{n}", r"\d+")
                                          for n in (1, 2)], 60)
            healthy(console)
    return run


def dom0_and_guest(board):
    """dom0 has the devices, a guest beside it knows of the hypervisor."""
    def run(rig, name):
        guests = [Guest("domU1", cpus=2, enhanced="no-xenstore", args="then=count")]
        with boot(rig, name, board, guests) as console:
            dom0less.expect_all(console, [dom0less.UP.format("domU1", 2), PROMPT],
                                patience(BOARDS[board].cpus))
            console.send("\n")
            console.expect(PROMPT, 30)
            same("/proc/xen/capabilities",
                 dom0less.command_in_noise(console, "cat /proc/xen/capabilities"), "control_d")
            healthy(console)
            finish(console)
    return run


# The emulator describes 4 GiB in one piece, over the hole and the devices between its two banks.
OVER_DEVICES = r"memory from 0 to 0xffffffff holds the interrupt controller at 0xf9010000; " \
               r"0x80000000 bytes of it are used"
BESIDE_UART = r"/soc/aux@7e215000: in one page with the console; not dom0's"

# name, function, is it part of --quick?
CASES = (
    ("zcu102", shell("zcu102"), True),
    ("zcu102-uart1", shell("zcu102", uart=1), False),
    ("zcu102-4g", shell("zcu102", OVER_DEVICES, mem="4G"), False),
    ("zcu102-reboot", reboot("zcu102"), False),
    ("zcu102-guests", two_guests("zcu102"), True),
    ("zcu102-dom0-guest", dom0_and_guest("zcu102"), False),
    ("zcu102-earlycon", shell("zcu102", r"bootconsole \[cdns0\] enabled",
                              bootargs="earlycon=cdns,0xff000000 keep_bootcon"), False),
    ("zcu102-qemu10", shell("zcu102", qemu="10"), False),
    ("zcu102-el1", entered_at_el1, False),
    ("versal", shell("versal"), False),
    ("rpi4", shell("rpi4", BESIDE_UART, mailbox), True),
    ("rpi4-pl011", shell("rpi4", uart=0), False),
    ("rpi4-dom0-guest", dom0_and_guest("rpi4"), False),
    ("rpi4-earlycon", shell("rpi4", r"bootconsole \[bcm2835aux0\] enabled",
                            bootargs="earlycon=bcm2835aux,mmio32,0xfe215040 keep_bootcon"), False),
    ("rpi4-reboot", reboot("rpi4"), False),
    ("rpi4-guests", two_guests("rpi4"), False),
)
