# SPDX-License-Identifier: Apache-2.0
"""What the cases of the system tests share: machines, shells, the ends of both."""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))

import machine                              # noqa: E402
from console import Console, Failed         # noqa: E402

PROMPT = r"dom0:\S*# "


class Skipped(Exception):
    """Why a case does not apply."""


class Rig:
    """What all cases share: the options, and how a machine is started."""

    def __init__(self, options):
        self.options = options
        # Runs on two hypervisors at once have nothing in common.
        self.suffix = "" if options.hyp == "serai" else "-" + os.path.basename(options.hyp)
        self.logs = os.path.join(options.build, "check", "system" + self.suffix)
        self.count = 0
        self.kept = None        # a machine that several cases share; closed before others start

    def release(self):
        """Ends the machine that cases share."""
        if self.kept:
            self.kept.close()

    def machine(self, reboot=False, **settings):
        settings.setdefault("hyp", self.options.hyp)
        settings.setdefault("build", self.options.build)
        settings["qemu_args"] = [] if reboot else ["-no-reboot"]
        return machine.Machine(**settings)

    def start(self, name, command_line, lifetime=240):
        return Console(command_line, os.path.join(self.logs, name + ".log"), lifetime)

    def boot(self, name, lifetime=240, **settings):
        """A Console on a machine just switched on."""
        return self.start(name, self.machine(**settings).command(), lifetime)


def patience(cpus):
    """Seconds a boot may take on a loaded host."""
    return 90 if cpus <= 2 else 60 * cpus


def to_shell(console, seconds):
    """Waits for the shell and proves that it answers."""
    console.expect(PROMPT, seconds)
    answer = command(console, "echo answer-$((40 + 2))", seconds)
    if answer != "answer-42":
        raise Failed(f"the shell answered {answer!r} instead of 'answer-42'")


def command(console, line, seconds=30):
    """Runs one command in the shell, returns what it printed."""
    console.send(f"{line}; echo end-$((1 + 1))\n")
    start = console.seen
    end = console.expect(r"^end-2\n", seconds)
    output = console.text[start:end.start()]
    # The line as the terminal, and perhaps again the shell, echoed it comes first.
    output = output.rsplit("echo end-$((1 + 1))\n", 1)[-1]
    console.expect(PROMPT, seconds)
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output).strip()


def same(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what} is {got!r} instead of {wanted!r}")


def finish(console, line="poweroff -f", seconds=60):
    """Switches the machine off from inside; the emulator must end by itself, with status 0."""
    console.send(line + "\n")
    same("exit status of the emulator", console.wait_end(seconds), 0)


def readable_end(console, pattern, seconds=60):
    """The machine must end by itself, and its last lines must say why."""
    console.wait_end(seconds)
    last = [line for line in console.text.splitlines() if line.strip()][-12:]
    if not re.search(pattern, "\n".join(last)):
        raise Failed(f"the machine ended, but its last lines do not match /{pattern}/; "
                     + console.tail())


def refused_end(console, pattern):
    """The same for an operator's fault, which must not look like one of the hypervisor's."""
    readable_end(console, pattern)
    if "(Serai)" in console.text and ("PANIC" in console.text or
                                      "*** Serai does not start" not in console.text):
        raise Failed("what is refused ended like a crash; " + console.tail())
