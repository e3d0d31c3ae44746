# SPDX-License-Identifier: Apache-2.0
"""Devices of the machine in guests of the device tree, checked from inside."""
import os
import re
import subprocess

from dom0less import boot, own
from rig import Failed, command, finish, patience, to_shell

from run_dom0less import Guest

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")
SHELL = r"domU1:\S*# "
RTC_SET = r"rtc-pl031 9010000\.pl031: setting system clock to "


def partial(rig, name, edit=None):
    """A partial tree of tests/system/data, compiled."""
    with open(os.path.join(DATA, name + ".dts"), encoding="utf-8") as source:
        text = source.read()
    out = os.path.join(rig.logs, f"{name}-partial.dtb")
    os.makedirs(rig.logs, exist_ok=True)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", out],
                   input=(edit or (lambda same: same))(text), text=True, check=True, timeout=60)
    return out


def in_guest(console, line, seconds=60):
    """Runs one command in the guest's shell, returns what it printed."""
    console.send(f"{line}; echo end-$((1 + 1))\n")
    start = console.seen
    end = console.expect(r"end-2\n", seconds)
    return console.text[start:end.start()].split("echo end-$((1 + 1))\n", 1)[-1].strip()


def withheld(path):
    """Marks a node of the machine's tree."""
    return lambda source: source.replace(path + " {", path + " {\n\t\txen,passthrough;", 1)


def check_alarm(console):
    """The clock's interrupt reaches the guest."""
    output = in_guest(console, "echo +2 > /sys/class/rtc/rtc0/wakealarm; sleep 5; "
                               "grep rtc-pl031 /proc/interrupts")
    found = re.search(r":\s+(\d+)\s.*rtc-pl031", output)
    if not found or int(found.group(1)) < 1:
        raise Failed(f"no interrupt of the clock has come: {output!r}")


# ---- cases -------------------------------------------------------------------------------------

def clock(rig, name):
    """A guest sets its time by the machine's clock and is woken by its alarm."""
    with boot(rig, name, [Guest("domU1", devices=partial(rig, "pl031"))]) as console:
        console.expect(RTC_SET, patience(1) + 60)
        if rig.options.hyp == "xen":    # its console adds to each line
            return
        console.expect(SHELL, patience(1))
        check_alarm(console)
        output = in_guest(console, "cat /proc/device-tree/aliases/rtc0; "
                                   "ls /proc/device-tree/passthrough/pl031@9010000")
        if "/passthrough/pl031@9010000" not in output or "xen," in output:
            raise Failed(f"the guest's tree has {output!r}")


def clock_beside_dom0(rig, name):
    """The same while there is a dom0, from which the clock is withheld."""
    with boot(rig, name, [Guest("domU1", devices=partial(rig, "pl031"))], with_dom0=True,
              edit=withheld("pl031@9010000")) as console:
        console.expect(RTC_SET, patience(2) + 60)
        to_shell(console, patience(2))
        if command(console, "ls /sys/class/rtc"):
            raise Failed("dom0 has a clock")
        finish(console)


def refused(edit_partial, pattern, edit=None, with_dom0=False, devices="pl031"):
    """The first guest is refused with these words, and the second starts."""
    def case(rig, name):
        own(rig)
        guests = [Guest("domU1", devices=partial(rig, devices, edit_partial)), Guest("domU2")]
        with boot(rig, name, guests, edit=edit, with_dom0=with_dom0) as console:
            console.expect(pattern, 60)
            console.expect(r"guest domU2 is up", patience(2) + 60)
            if "guest domU1 is up" in console.text:
                raise Failed("the refused guest runs")
    return case


# name, function, is it part of --quick?
CASES = (
    ("clock", clock, True),
    ("clock-beside-dom0", clock_beside_dom0, True),
    ("clock-of-dom0", refused(None, r"domU1: partial tree: /passthrough/pl031@9010000: xen,reg = "
                              r"<[^>]*>: there are also registers of /pl031@9010000 of the machine, "
                              r"which is dom0's; .*xen,passthrough;", with_dom0=True), False),
    ("clock-no-path", refused(lambda text: text.replace("/pl031@9010000\"", "/pl031@9000000\""),
                              r"xen,path = \"/pl031@9000000\": the machine's device tree has no "
                              r"such node"), False),
)

