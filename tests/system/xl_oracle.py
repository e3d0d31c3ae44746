#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of Debian's Xen tools on Debian's Xen and on Serai, both at once, and prints
what came out as a table, also into BUILD/check/xl-oracle.txt.

xl_oracle.py [--build DIR] [--case NAME ...] [--hyp serai|PATH]

Exit status 1 if a step did not pass on one of them. Seconds are of the machine's clock, which
follows instructions: they say how much work it was.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading

import toolstack
from rig import TOP

RUN = os.path.join(TOP, "tests", "system", "run.py")
STEP = re.compile(r"#   passed (\S+): (\S+) s of the machine")
CASE = re.compile(r"(?:not )?ok \d+ - (\S+)")


class Runner:
    """run.py on one hypervisor: what it says comes here line by line, with the name in front."""

    def __init__(self, options, hyp, cases):
        self.hyp, self.ready, self.results = hyp, threading.Event(), {}
        arguments = [word for case in cases for word in ("--case", case)]
        self.process = subprocess.Popen([sys.executable, RUN, "--build", options.build, "--hyp", hyp,
                                         *arguments], stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        """{case: {step: seconds}} of those that passed; a case's steps are told before its end."""
        steps = {}
        for line in self.process.stdout:
            self.ready.set()
            print(f"{os.path.basename(self.hyp):5} {line}", end="", flush=True)
            if step := STEP.match(line):
                steps[step[1]] = float(step[2])
            elif case := CASE.match(line):
                self.results[case[1]], steps = steps, {}
        self.ready.set()

    def wait(self):
        self.reader.join()
        self.process.wait()
        return self.results


def cell(results, case, step):
    seconds = results.get(case, {}).get(step)
    return f"{'pass':>8} {seconds:8.2f}" if seconds is not None else f"{'FAIL':>8} {'-':>8}"


def table(cases, xen, serai):
    lines = [f"{'scenario':14} {'step':24} {'Xen':>8} {'seconds':>8} {'Serai':>8} {'seconds':>8}"]
    for case in cases:
        for step in toolstack.names_of_steps(case.removeprefix("xl-").removesuffix("-13")):
            lines.append(f"{case.removeprefix('xl-'):14} {step:24} {cell(xen, case, step)} "
                         f"{cell(serai, case, step)}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--case", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--hyp", default="serai", help="serai, or the path of an image")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options.build = os.path.abspath(options.build)
    cases = [name for name, _, _ in toolstack.CASES
             if not options.case or name in options.case]
    runners = []
    try:
        for hyp in ("xen", options.hyp):
            runners.append(Runner(options, hyp, cases))
            runners[-1].ready.wait()        # what both need was made
        results = [runner.wait() for runner in runners]
    finally:
        for runner in runners:
            runner.process.terminate()
    lines = table(cases, *results)
    print("\n" + "\n".join(lines))
    with open(os.path.join(options.build, "check", "xl-oracle.txt"), "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
    failed = sum("FAIL" in line for line in lines)
    print(f"{len(lines) - 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
