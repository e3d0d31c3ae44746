# SPDX-License-Identifier: Apache-2.0
"""Restarting guests of the device tree: many short lives after which no page is missing, the limit
of restarts, and Linux that reboots beside one that does not."""
import os
import re

import run_dom0less as dom0less
from console import Failed

SWITCH = "\x01\x01\x01"
# Small objects may lie on another number of pages; where idle CPUs scrub meanwhile, RAM comes in
# smaller blocks, which take page tables: up to 26 for each of the guests.
SLACK_KIB = {False: 16, True: 240}
RESTARTING = r"^\(Serai\) d\d \(domU\d\) .*: restarting$"


def start(rig, name, guests, lifetime, **settings):
    virtual = dom0less.Machine(guests, False, os.path.join(rig.logs, name + ".dtb"),
                               hyp=rig.options.hyp, build=rig.options.build, **settings)
    line = virtual.command()
    if settings.get("cpus") == 1:       # then the guests' time is not the host's
        at = line.index("-accel")
        line[at:at + 2] = ["-icount", "shift=0,sleep=off"]
    return rig.start(name, line + ["-no-reboot"], lifetime)


def tiny(rig, args):
    """Two guests that are tests/system/reboots.c."""
    guests = [dom0less.Guest(f"domU{number}", 2, "48M", args, enhanced="no-xenstore")
              for number in (1, 2)]
    return {"guests": guests, "dom0": os.path.join(rig.options.build, "target", "reboots.img")}


def free_at_end(console, seconds):
    """KiB that are free when all guests have ended."""
    console.expect(r"all domains have ended", seconds)
    console.send(SWITCH)
    console.expect(r"Serial input to DOM2", 20)
    console.send(SWITCH)
    console.expect(r"Serial input to Serai", 20)
    console.send("m")
    return int(console.expect(r"memory: \d+ KiB, (\d+) KiB free", 20).group(1))


def no_page_lost(cpus, limit, calm, least):
    """Two guests with so many restarts each, wild ones at first, leave what two calm ones leave."""
    def run(rig, name):
        args = {"mem": "1G", "cpus": cpus, "cpu": "cortex-a57"}
        options = "dom0less=restart-always xsm=dummy restart_limit="
        with start(rig, name + "-calm", lifetime=120, hypargs=options + "1", **args,
                   **tiny(rig, "calm=0")) as console:
            before = free_at_end(console, 90)
        with start(rig, name, lifetime=400, hypargs=f"{options}{limit}", **args,
                   **tiny(rig, f"calm={calm}")) as console:
            after = free_at_end(console, 380)
            restarts = len(re.findall(RESTARTING, console.text, re.M))
            wild = console.text.count("a wild life")
        if restarts < 2 * limit:
            raise Failed(f"{restarts} restarts instead of {2 * limit}")
        if wild < least:
            raise Failed(f"only {wild} of {restarts} lives were wild")
        if before - after > SLACK_KIB[cpus > 1]:
            raise Failed(f"{before - after} KiB were lost in {restarts} restarts")
    return run


def linux_reboots(rig, name):
    """One guest reboots until its limit; the other one counts on."""
    guests = [dom0less.Guest("domU1", 1, "128M", "then=reboot"),
              dom0less.Guest("domU2", 1, "128M", "then=count")]
    with start(rig, name, guests, 400, hypargs="restart_limit=2", cpus=2) as console:
        for _ in range(2):
            console.expect(r"^guest domU1 is up", 120)
            console.expect(r"d1 \(domU1\) restarts: restarting", 60)
        console.expect(r"^guest domU1 is up", 120)      # still on the screen
        console.expect(r"d1 \(domU1\): restarted 2 times within a minute, now it stays off", 60)
        counted = [int(n) for n in re.findall(r"guest domU2 counts (\d+)", console.text)]
        if counted != list(range(1, len(counted) + 1)) or len(counted) < 3:
            raise Failed(f"domU2 counted {counted}")
        console.expect(f"guest domU2 counts {len(counted) + 1}", 30)


def no_restart(rig, name):
    with start(rig, name, lifetime=100, hypargs="dom0less=norestart", mem="1G",
               **tiny(rig, "calm=0")) as console:
        console.expect(r"d\d \(domU\d\) wanted to be restarted, but stays off", 60)
        console.expect(r"all domains have ended", 60)
        if "stay for restarts" in console.text:
            raise Failed("the guests' files were kept")


CASES = (
    ("restart-no-page-lost", no_page_lost(1, 150, 1500, 40), True),
    ("restart-no-page-lost-4", no_page_lost(4, 100, 8000, 20), False),
    ("restart-linux", linux_reboots, True),
    ("restart-not", no_restart, True),
)
