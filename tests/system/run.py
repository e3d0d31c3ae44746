#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots Debian's Linux in QEMU, in all the ways that users do, and checks the serial line.

run.py [--hyp serai|xen|PATH] [--build DIR] [--case NAME ...] [--quick] [--boots N] [--list]

Prints one line per case, in the manner of TAP, and a count. The console of each case is kept
under BUILD/check/system/. Exit status 1 if a case failed.
"""
import argparse
import os
import signal
import sys
import time

import boards
import dom0
import dom0less
import gic
import hostile
import kernels
import passthrough
import restart
import toolstack
from rig import TOP, Failed, Rig, Skipped, machine

CASES = (dom0.CASES + gic.CASES + dom0less.CASES + kernels.CASES + passthrough.CASES + boards.CASES
         + restart.CASES + hostile.CASES + toolstack.CASES)


def chosen(options):
    """The cases asked for; an unknown name is an error."""
    known = {name for name, _, _ in CASES}
    unknown = set(options.case) - known
    if unknown:
        machine.fail(f"there is no case {' '.join(sorted(unknown))}; known are: "
                     + " ".join(name for name, _, _ in CASES))
    if options.case:
        return [case for case in CASES if case[0] in options.case]
    return [case for case in CASES if case[2] or not options.quick]


def run_case(rig, number, name, function):
    """Runs one case, prints its line; True, False, or None when it does not apply."""
    start = time.monotonic()
    try:
        function(rig, name)
        outcome, note = True, ""
    except Skipped as why:
        outcome, note = None, f" # SKIP {why}"
    except (Failed, machine.MachineError) as failure:
        outcome, note = False, f"\n# {failure}"
    word = "not ok" if outcome is False else "ok"
    print(f"{word} {number} - {name} ({time.monotonic() - start:.1f} s){note}", flush=True)
    return outcome


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hyp", default="serai", help="serai, xen, or the path of an image")
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--case", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--quick", action="store_true", help="the cases of make check")
    parser.add_argument("--boots", type=int, help="boots in a row (default 20, quick 3)")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--count-file", help="write 'passed failed' there")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    if options.boots is None:
        options.boots = 3 if options.quick else 20
    return options


def main():
    options = parse_options()
    # Whoever ends this program ends its emulators, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.list:
        print("\n".join(name for name, _, _ in CASES))
        return 0
    rig = Rig(options)
    try:
        machine.make_initramfs(os.path.join(options.build, "dom0.cpio.gz"))
    except machine.MachineError as error:
        machine.fail(error)
    cases = chosen(options)
    print(f"1..{len(cases)}", flush=True)
    try:
        outcomes = [run_case(rig, number, name, function)
                    for number, (name, function, _) in enumerate(cases, 1)]
    finally:
        rig.release()
    passed, failed = outcomes.count(True), outcomes.count(False)
    if options.count_file:
        with open(options.count_file, "w", encoding="ascii") as out:
            out.write(f"{passed} {failed}\n")
    print(f"# {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
