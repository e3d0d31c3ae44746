# SPDX-License-Identifier: Apache-2.0
"""Debian's Xen tools in dom0 (scripts/xl_images.py) manage guests: the scenarios of tests/system/xl.

Each scenario is a case. They share one boot of dom0, but for those that wish for another machine;
after a failure, the next one boots it anew.
The machine's clock follows instructions, and this host's only while the machine is idle, so that
no time limit of the tools depends on the host's load.
"""
import os
import re

from rig import PROMPT, TOP, Failed, command, machine, same

import passthrough
import run_dom0less
import xl_images

SCENARIOS = os.path.join(TOP, "tests", "system", "xl")
LIFETIME = 3600         # seconds that one boot of dom0 may last
PATIENCE = 1200         # seconds for a scenario on a loaded host

# Scenarios, in the order of trust: name, whether make check has it.
NAMES = (("create", True), ("disk", True), ("network", False), ("manage", False), ("crash", False),
         ("store", False), ("info", False), ("observe", False), ("hotplug", False), ("pools", False),
         ("churn", False), ("silo", False), ("driver", False),
         ("credit2", False), ("crowd", False), ("vuart", False), ("devices", False))


class Toolstack:
    """A control domain with a release's tools that is kept from one case to the next."""

    def __init__(self, rig, debian, wishes):
        self.rig, self.debian, self.wishes, self.console = rig, debian, wishes, None
        self.folder = os.path.join(rig.options.build,
                                   ("xl" if debian == "12" else f"xl{debian}") + rig.suffix)

    def machine(self):
        hyp = self.rig.options.hyp
        hyp = "xen13" if hyp == "xen" and self.debian == "13" else hyp
        settings = {"hyp": hyp, "build": self.rig.options.build, "cpus": 2, "qemu": "10",
                    "icount": 1, "sleep": "on", "dom0_mem": "512M", "dom0_vcpus": 2,
                    "hypargs": self.wishes.get("Hypervisor", ""),
                    "initrd": os.path.join(self.folder, "dom0.cpio.gz")}
        if "Withheld" in self.wishes:
            virtual = run_dom0less.Machine([], with_dom0=True,
                                           edit=passthrough.withheld(self.wishes["Withheld"]),
                                           tree=os.path.join(self.folder, "machine.dtb"), **settings)
        else:
            virtual = machine.Machine(**settings)
        virtual.qemu_args = xl_images.drives(self.folder, snapshot=True) + ["-no-reboot"]
        return virtual

    def boot(self, name):
        """The shell of a control domain; its disks are as new."""
        if self.console:
            return self.console
        xl_images.make_all(self.folder, {"scenarios": SCENARIOS, "scenarios/pl031.dtb":
                                         passthrough.partial(self.rig, "pl031")}, self.debian)
        self.console = self.rig.start(name, self.machine().command(), LIFETIME)
        try:
            self.console.expect(PROMPT, 300)
            command(self.console, "dmesg -n 1")
        except Failed:
            self.close()
            raise
        return self.console

    def close(self):
        if self.console:
            self.console.__exit__()
            self.console = None

    def examine(self):
        """Leaves in the log what a machine shows that stands still: debug keys, dom0's programs."""
        try:
            self.console.send("\x01\x01\x01*")
            self.console.settle(5, 60)
            self.console.send("\x01\x01\x01\x03")
            command(self.console, "ps -o pid,stat,args; xl list", 60)
        except Failed as failure:
            return [f"dom0 does not answer: {failure}"]
        return []

    def run(self, name):
        """[(step, passed, seconds or why)] and what else the scenario printed, or why it hung."""
        console = self.boot("xl-" + name)
        start, hung = console.seen, []
        small = "MIB=8 " if self.rig.options.quick else ""
        console.send(f"{small}/scenarios/run {name}\n")
        try:
            console.expect(rf"^T: END {name} .*\n", PATIENCE)
            console.expect(PROMPT, 60)
        except Failed as failure:
            hung = [str(failure)]
        said = console.text[start:]
        if hung:
            hung += self.examine()
        steps = [(step, word == "PASS", rest.strip("()") if word == "PASS" else rest)
                 for word, step, rest in re.findall(r"^T: (PASS|FAIL) (\S+) (.*)$", said, re.MULTILINE)]
        if hung or not all(passed for _, passed, _ in steps):
            self.close()
        return steps, re.findall(r"^T# .*$", said, re.MULTILINE) + hung


def kept(rig, debian, wishes):
    """The control domain that this run keeps."""
    if rig.kept is None or (rig.kept.debian, rig.kept.wishes) != (debian, wishes):
        rig.release()
        rig.kept = Toolstack(rig, debian, wishes)
    return rig.kept


def uptime(console):
    """The machine's clock, in seconds."""
    return float(command(console, "cut -d' ' -f1 /proc/uptime", 60))


def tell_passed(step, seconds):
    print(f"#   passed {step}: {seconds} s of the machine", flush=True)


def typed(rig, name):
    """What the README shows: xl's own console of a guest with disk and network, then its end."""
    tools = kept(rig, "12", {})
    console = tools.boot(name)
    try:
        start = uptime(console)
        console.send("xl create /etc/xen/guest.cfg -c\n")
        console.expect(r"^network: eth0, 192\.168\.77\.\d+/24\n", PATIENCE)
        console.expect(r"^disk: /dev/xvda, 127 MiB\n", 60)
        console.expect(r"^guest is up: 1 CPUs, \d+ MiB\n", 60)
        for line, answer in (("ping -c 1 192.168.77.1", r"1 packets received"),
                             ("mount /dev/xvda /mnt && ls -d /mnt/lost*", r"^/mnt/lost\+found\n"),
                             ("poweroff", "reboot: Power down")):
            console.expect(r"guest:\S*# ", 60)
            console.send(line + "\n")
            console.expect(answer, 120)
        console.expect(PROMPT, 120)
        command(console, "for i in 1 2 3 4 5 6 7 8 9; do xl list guest || break; sleep 1; done", 120)
        same("number of domains at the end", command(console, "xl list | grep -vc Name", 60), "1")
        tell_passed("typed", f"{uptime(console) - start:.2f}")
    except Failed:
        tools.close()
        raise


def text_of(which):
    with open(os.path.join(SCENARIOS, which + ".sh"), encoding="utf-8") as text:
        return text.read()


def names_of_steps(which):
    """Those that a scenario should tell of."""
    if which == "typed":
        return ["typed"]
    return re.findall(r"^(?:then_)?step (\S+) ", text_of(which), re.MULTILINE)


def wishes_of(which):
    """What a scenario's file asks for in lines of their own: arguments of the hypervisor, a node of
    the machine's tree that dom0 shall not have."""
    return dict(re.findall(r"^# (Hypervisor|Withheld): (.*)$", text_of(which), re.MULTILINE))


def scenario(which, debian="12"):
    def case(rig, name):
        steps, notes = kept(rig, debian, wishes_of(which)).run(which)
        for step, passed, rest in steps:
            if passed:
                tell_passed(step, rest)
            else:
                print(f"#   FAILED {step}: {rest}", flush=True)
        passed = [step for step, good, _ in steps if good]
        failed = [step for step in names_of_steps(which) if step not in passed]
        if failed:
            raise Failed("\n# ".join([f"{' '.join(failed)} did not pass", *notes]))
    return case


ON_13 = ("create", "disk", "network", "manage", "driver")     # with Debian 13's tools, too

CASES = (("xl-typed", typed, True),
         *(("xl-" + name, scenario(name), quick) for name, quick in NAMES),
         *((f"xl-{name}-13", scenario(name, "13"), False) for name in ON_13))
