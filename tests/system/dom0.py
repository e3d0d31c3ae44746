# SPDX-License-Identifier: Apache-2.0
"""Debian's Linux as the first domain: what a user sees on the serial line."""
import os
import random
import re
import struct
import subprocess

from rig import (PROMPT, TOP, Failed, Skipped, command, finish, machine, patience, readable_end,
                 refused_end, same, to_shell)

DOM0_ENDED = r"(?i)dom(0|ain 0).*(shut|reboot|restarts|crashed|halt)"
BANNER = r"^\((XEN|Serai)\) (Xen version|Serai) \d"
TO_HYPERVISOR = r"Serial input to (Serai|Xen)"
TO_DOM0 = r"(?i)Serial input to dom0"

# What each debug key must show at least. R ends the machine and is pressed last.
KEYS = {
    "h": (r" 0 .*dom0", r" q .*domains", r" R .*reboot"),
    "0": (r"d0v0:", r"x30 [0-9a-f]{16}", r"d0v1:"),
    "d": (r"CPU0: (idle|running)", r"CPU1: (idle|running)"),
    "q": (r"d0 .*2 vcpus", r"v0: ", r"v1: "),
    "r": (r"scheduler (credit2|null)", r"cpu0: ", r"cpu1: "),
    "m": (r"memory: \d+ KiB", r"d0 .*: \d+ KiB of at most \d+"),
    "H": (r"blocks of \d+ KiB: ",),
    "e": (r"d0: \d+ event channels", r"virq \d+"),
    "g": (r"d0: grant table of version 1",),
    "a": (r"cpu0: \d+ timers", r"cpu1: \d+ timers"),
    "-": (r"messages are shown up to level: warning",),
    "+": (r"messages are shown up to level: info",),
    "i": (r"irq \d+: pl011", r"irq [\d-]+: d0"),
    "t": (r"system time \d+\.\d+ s, counter 0x",),
    "z": (r"no debug key 'z'; h lists them",),
}


# ---- cases -------------------------------------------------------------------------------------

def shell(cpus, cpu="cortex-a57", **settings):
    """A case that reaches the shell on so many CPUs, asks a few things and switches off."""
    def run(rig, name):
        with rig.boot(name, patience(cpus) + 120, cpus=cpus, cpu=cpu, **settings) as console:
            to_shell(console, patience(cpus))
            same("nproc", command(console, "nproc"), str(cpus))
            same("tty", command(console, "tty"), "/dev/hvc0")
            if "job control turned off" in console.text:
                raise Failed("the shell has no job control")
            interrupts = command(console, "grep -c . /proc/interrupts")
            if int(interrupts) < 3:
                raise Failed(f"/proc/interrupts has only {interrupts} lines")
            finish(console)
    return run


def sys_hypervisor(rig, name):
    with rig.boot(name) as console:
        to_shell(console, patience(2))
        read = lambda path: command(console, f"cat /sys/hypervisor/{path}")
        same("type", read("type"), "xen")
        same("version/major", read("version/major"), "4")
        if not re.fullmatch(r"\d+", read("version/minor")):
            raise Failed("version/minor is no number")
        same("uuid", read("uuid"), "00000000-0000-0000-0000-000000000000")
        if "xen-3.0-aarch64" not in read("properties/capabilities"):
            raise Failed("properties/capabilities does not name xen-3.0-aarch64")
        for path in ("version/extra", "compilation/compiler", "compilation/compile_date",
                     "properties/features", "properties/pagesize", "guest_type"):
            if not read(path):
                raise Failed(f"/sys/hypervisor/{path} is empty")
        finish(console)


def proc_xen(rig, name):
    """The control domain's own interfaces: xenfs and the event channel device."""
    with rig.boot(name) as console:
        to_shell(console, patience(2))
        same("/proc/xen/capabilities", command(console, "cat /proc/xen/capabilities"),
             "control_d")
        listed = command(console, "ls /dev/xen").split()
        for device in ("evtchn", "privcmd", "gntdev"):
            if device not in listed:
                raise Failed(f"/dev/xen has no {device}, only {' '.join(listed)}")
        finish(console)


def debug_keys(rig, name):
    """Three times Ctrl-A lead the input to the hypervisor and back; every key answers."""
    with rig.boot(name) as console:
        to_shell(console, patience(2))
        console.send("\x01\x01\x01")
        console.expect(TO_HYPERVISOR, 20)
        for key, patterns in KEYS.items():
            console.settle(0.5)
            console.send(key)
            start = console.seen
            for pattern in patterns if rig.options.hyp != "xen" else (r"\S.*\n",):
                console.seen = start        # in any order: CPUs answer for themselves
                console.expect(pattern, 20)
        console.settle(0.5)
        console.send("\x01\x01\x01")
        console.expect(TO_DOM0, 20)
        console.send("\n")
        console.expect(PROMPT, 20)
        same("answer of the shell", command(console, "echo $((6 * 7))"), "42")
        console.send("\x01\x01\x01R")
        same("exit status of the emulator", console.wait_end(30), 0)


def option(hypargs, pattern):
    """A case that reaches the shell with more options of the hypervisor, which says so."""
    def run(rig, name):
        with rig.boot(name, hypargs=hypargs) as console:
            if rig.options.hyp != "xen":
                console.expect(pattern, 60)
            to_shell(console, patience(2))
            same("nproc", command(console, "nproc"), "2")
            # idle, woken by a timer, with a load on each CPU
            same("answer", command(console, "sleep 1; (echo a | sort) | cat; sleep 1; echo b", 60),
                 "a\nb")
            finish(console)
    return run


def trim(tree):
    """A device tree without the free space behind it, which the emulator would double."""
    _, _, structure, strings, _, _, _, _, strings_size, structure_size = \
        struct.unpack_from(">10I", tree)
    size = max(structure + structure_size, strings + strings_size)
    return tree[:4] + struct.pack(">I", size) + tree[8:size]


def fault_report(rig, name):
    """The device tree names an interrupt controller where there is nothing: the hypervisor's own
    access fails. It must name the place, the callers, and restart the machine."""
    if rig.options.hyp == "xen":
        raise Skipped("our own format")
    line = rig.machine().command()
    tree = os.path.join(rig.logs, name + ".dtb")
    os.makedirs(rig.logs, exist_ok=True)
    dump = list(line)
    dump[dump.index("-M") + 1] += f",dumpdtb={tree}"
    subprocess.run(dump, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   timeout=60)
    with open(tree, "rb") as file:
        blob = trim(file.read())
    there = struct.pack(">4I", 0, 0x08000000, 0, 0x10000)
    same("number of distributors in the device tree", blob.count(there), 1)
    with open(tree, "wb") as file:
        file.write(blob.replace(there, struct.pack(">4I", 0, 0x0b000000, 0, 0x10000)))
    with rig.start(name, [*line, "-dtb", tree]) as console:
        console.expect(r"synchronous exception in the hypervisor: ESR 0x9[67]\S* FAR 0x\S+", 60)
        console.expect(r"at   [0-9a-f]{16} gicv3_\w+\+0x", 10)
        console.expect(r"from [0-9a-f]{16} start_hyp\+0x", 10)
        readable_end(console, r"fault in the hypervisor")


def halt_on_panic(rig, name):
    """noreboot: what was said stays on the screen of a machine that does nothing any more."""
    if rig.options.hyp == "xen":
        raise Skipped("our own wording")
    with rig.boot(name, dom0=garbage(rig), hypargs="noreboot") as console:
        console.expect(r"halted \(noreboot\)", 60)
        same("output after the halt", console.settle(7, 8), "\n")


def reboot(rig, name):
    with rig.boot(name, reboot=True) as console:
        to_shell(console, patience(2))
        console.send("reboot -f\n")
        console.expect(r"reboot: Restarting system", 30)
        console.expect(BANNER, 30)
        to_shell(console, patience(2))
        finish(console)


def orderly_poweroff(rig, name):
    """Without -f: the first process ends the others before it asks the kernel."""
    with rig.boot(name) as console:
        to_shell(console, patience(2))
        finish(console, "poweroff")


def kernel_panic(rig, name):
    with rig.boot(name, bootargs="rdinit=/nothing panic=1") as console:
        console.expect(r"Kernel panic - not syncing", patience(2))
        readable_end(console, DOM0_ENDED)


def no_ramdisk(rig, name):
    with rig.boot(name, initrd=None, bootargs="panic=1") as console:
        console.expect(r"Kernel panic - not syncing: VFS", patience(2))
        readable_end(console, DOM0_ENDED)


def garbage(rig):
    """A file that is no kernel."""
    path = os.path.join(rig.logs, "garbage.bin")
    os.makedirs(rig.logs, exist_ok=True)
    with open(path, "wb") as out:
        out.write(random.Random(1).randbytes(1 << 20))
    return path


def garbage_kernel(rig, name):
    """The hypervisor must say what is wrong and then stop or restart the machine."""
    with rig.boot(name, dom0=garbage(rig)) as console:
        refused_end(console, r"(?i)(kernel|image|dom0).*\b(not|no|bad|invalid|unknown|neither)\b"
                             r"|not set up DOM0")


def no_kernel(rig, name):
    """A machine without any module: nothing to run is an error of the operator."""
    with rig.boot(name, modules=False) as console:
        refused_end(console, r"(?i)(missing|no\b|without).*(module|kernel|dom0)"
                             r"|(module|kernel|dom0).*(missing|not|no\b)")


def entered_at_el1(rig, name):
    """A machine without the hypervisor's exception level: a sentence on the console."""
    if rig.options.hyp == "xen":
        raise Skipped("Debian's Xen has no early console")
    with rig.boot(name, virtualization="off") as console:
        console.expect(r"entered at EL1.*needs EL2.*virtualization=on.*\n", 30)


def too_much_memory(rig, name):
    """More memory asked for the first domain than there is: a refusal, not a hang."""
    with rig.boot(name, mem="1G", dom0_mem="8G") as console:
        refused_end(console, r"(?i)(dom0|domain).*memory|memory.*(dom0|domain)|dom0_mem")


def debug_build(rig, name):
    """The same image with every check on."""
    if rig.options.hyp != "serai":
        raise Skipped("only for our own image")
    build = os.path.join(rig.options.build, "debug")
    for goal in ("debug_defconfig", "all"):
        made = subprocess.run(["make", "-C", TOP, f"BUILD={build}", goal], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode != 0:
            raise Failed(f"make {goal} failed: {made.stdout.strip().splitlines()[-1]}")
    with rig.boot(name, hyp=os.path.join(build, "serai")) as console:
        to_shell(console, patience(2))
        finish(console)


def many_boots(rig, name):
    """Boots in a row: what fails once in twenty is found here."""
    boots = rig.options.boots
    for number in range(1, boots + 1):
        try:
            with rig.boot(f"{name}-{number}", cpus=1 + number % 2) as console:
                to_shell(console, patience(2))
                finish(console)
        except Failed as failure:
            raise Failed(f"boot {number} of {boots}: {failure}") from failure
        os.remove(os.path.join(rig.logs, f"{name}-{number}.log"))


# name, function, is it part of --quick?
CASES = (
    ("shell-1-a57", shell(1), True),
    ("shell-2-a57", shell(2), True),
    ("shell-4-a57", shell(4), True),
    ("shell-8-a57", shell(8), True),
    ("shell-1-max", shell(1, "max"), False),
    ("shell-2-max", shell(2, "max"), True),
    ("shell-4-max", shell(4, "max"), False),
    ("shell-8-max", shell(8, "max"), False),
    ("shell-2-a53", shell(2, "cortex-a53"), False),
    ("shell-2-a72", shell(2, "cortex-a72"), False),
    ("shell-2-a76", shell(2, "cortex-a76"), False),
    ("shell-2-n1", shell(2, "neoverse-n1"), False),
    ("sys-hypervisor", sys_hypervisor, True),
    ("proc-xen", proc_xen, True),
    ("debug-keys", debug_keys, True),
    ("vwfi-native", option("vwfi=native", r"command line: .*vwfi=native"), True),
    ("sched-null", option("sched=null", r"2 CPUs, scheduler null"), True),
    ("unknown-option", option("sched_=null dom0mem=1G",
                              r"unknown option sched_; did you mean sched\?\n"
                              r".*unknown option dom0mem; did you mean dom0_mem\?"), True),
    ("fault-report", fault_report, True),
    ("halt-on-panic", halt_on_panic, True),
    ("reboot", reboot, True),
    ("poweroff", orderly_poweroff, True),
    ("kernel-panic", kernel_panic, True),
    ("no-ramdisk", no_ramdisk, True),
    ("garbage-kernel", garbage_kernel, True),
    ("no-kernel", no_kernel, True),
    ("entered-at-el1", entered_at_el1, True),
    ("too-much-dom0-mem", too_much_memory, True),
    ("debug-build", debug_build, True),
    ("many-boots", many_boots, True),
)
