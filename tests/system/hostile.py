# SPDX-License-Identifier: Apache-2.0
"""A hostile guest beside one that computes: the neighbour and the host must notice nothing.

Both are tests/system/hostile.c. On one CPU time is counted in instructions (16 ns each), so that a
run is nearly the same every time and a busy host makes nobody late. With two the emulator would let
one CPU run ahead of the other by up to 100 ms: there it is real time, and each invalidation of TLBs
stops both, so that little can be said about who is late.
"""
import os
import re

import run_dom0less
from rig import Failed, Skipped, machine
from run_dom0less import Guest

WORDS, LINKS, BEAT_MS = 32768, 512, 50
MASK = (1 << 64) - 1
WORST_US = {1: 60000, 2: 2000000}   # the first is more than any time slice
LATE_SHARE = {1: 10, 2: 1}          # one of so many beats may be late
SAID_PER_SECOND = 3         # messages about a guest: 16 at once, then this many
HELD_KIB = 64               # of memory may be missing once the guest was made again: tables
WALL = 10                   # seconds on this machine for one of the guests', on a busy host

BEAT = re.compile(r"neighbour: beat (\d+) sum ([0-9a-f]{16}) late (\d+) worst (\d+) us")
FREE = r"memory: \d+ KiB, (\d+) KiB free"


def chain(beats):
    """The neighbour's checksum after each beat."""
    words = [(i + 1) * 0x9e3779b97f4a7c15 & MASK for i in range(WORDS)]
    total, sums = 1, [1]
    for beat in range(1, beats + 1):
        for k in range(LINKS):
            total = ((total << 7 | total >> 57) & MASK) ^ words[(beat * LINKS + k) % WORDS]
            total = total * 0x100000001b3 & MASK
        sums.append(total)
    return sums


def boot(rig, name, cpus, seconds, seed):
    image = os.path.join(rig.options.build, "target", "hostile.img")
    if not os.path.exists(image):
        raise machine.MachineError(f"{image} is not built; make target-guests")
    guests = [Guest("domU1", mem="64M", args=f"calm run={seconds}"),
              Guest("domU2", cpus=2, mem="64M", enhanced="no-xenstore",
                    args=f"hostile run={seconds} seed={seed}")]
    virtual = run_dom0less.Machine(guests, hyp=rig.options.hyp, build=rig.options.build, dom0=image,
                                   initrd=None, cpus=cpus, mem="1G", qemu_args=["-no-reboot"],
                                   tree=os.path.join(rig.logs, name + ".dtb"))
    line = virtual.command()
    if cpus == 1:
        at = line.index("-accel")
        line[at:at + 2] = ["-icount", "shift=4,sleep=off"]
    return rig.start(name, line, 120 + WALL * seconds)


def free_memory(console):
    """The debug key m; the keys are the third to have the focus."""
    console.send("m")
    return int(console.expect(FREE, 60).group(1))


def check_neighbour(text, seconds, cpus):
    beats = BEAT.findall(text)
    wanted = seconds * 1000 // BEAT_MS
    if not beats or int(beats[-1][0]) != wanted:
        raise Failed(f"the neighbour's last beat is {beats[-1][0] if beats else 'none'}, not {wanted}")
    sums = chain(wanted)
    for number, total, _, _ in beats:
        if int(total, 16) != sums[int(number)]:
            raise Failed(f"the neighbour's checksum at beat {number} is {total}")
    if [int(beat[0]) for beat in beats] != list(range(10, wanted + 1, 10)):
        raise Failed("beats of the neighbour are missing")
    late, worst = int(beats[-1][2]), int(beats[-1][3])
    if worst > WORST_US[cpus] or late * LATE_SHARE[cpus] > wanted:
        raise Failed(f"{late} of {wanted} beats of the neighbour were late, by {worst} us at most")


def check_host(text, seconds):
    for word in ("PANIC", "BUG at", "*** "):
        if word in text:
            raise Failed(f"the hypervisor says {word!r}")
    said = len(re.findall(r"^\(Serai\) ", text, re.MULTILINE))
    if said > 100 + SAID_PER_SECOND * seconds:
        raise Failed(f"{said} lines about the hostile guest")


def hostile(cpus, seconds, seed):
    def case(rig, name):
        if rig.options.hyp == "xen":
            raise Skipped("a real Xen may be brought down")
        with boot(rig, name, cpus, seconds, seed) as console:
            console.expect(r"neighbour: ready", 60)
            # From the first guest to the second, to the debug keys.
            console.send("\x01" * 6)
            before = free_memory(console)
            start = len(console.text)
            for end in (r"hostile: over after (\d+) acts|Bail out", r"neighbour: over"):
                console.seen = start
                if "Bail" in console.expect(end, 60 + WALL * seconds).group():
                    raise Failed("the hostile guest has maimed itself")
            console.seen = start
            console.expect(r"hostile: begins again", 60)
            console.seen = len(console.text)
            after = free_memory(console)
            check_neighbour(console.text, seconds, cpus)
            check_host(console.text[start:], seconds)
            if before - after > HELD_KIB:
                raise Failed(f"{before - after} KiB of the host's memory are gone")
    return case


CASES = (
    ("hostile-1cpu", hostile(1, 10, 1), True),
    ("hostile-2cpus", hostile(2, 10, 2), True),
    ("hostile-1cpu-long", hostile(1, 300, 3), False),
    ("hostile-2cpus-long", hostile(2, 600, 4), False),
)
