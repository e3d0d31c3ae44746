#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of Debian's Xen tools on Debian's Xen and on Serai, and prints both as a table.

xl_oracle.py [--build DIR] [--case NAME ...] [--hyp serai|PATH]

Exit status 1 if a step did not pass on one of them. Seconds are of the machine's clock, which
follows instructions: they say how much work it was.
"""
import argparse
import os
import sys

import toolstack
from rig import TOP, Rig
from run import run_case


def run_on(options, hyp, cases):
    """{case: {step: seconds of the machine, or None if it failed}}."""
    print(f"# on {hyp}", flush=True)
    options.hyp = hyp
    rig = Rig(options)
    try:
        for number, (name, function, _) in enumerate(cases, 1):
            run_case(rig, number, name, function)
    finally:
        rig.release()
    return {name: {step: float(rest) if passed else None for step, passed, rest in steps}
            for name, steps in rig.steps.items()}


def cell(results, name, step):
    seconds = results.get(name, {}).get(step)
    return f"{'pass':>8} {seconds:8.2f}" if seconds is not None else f"{'FAIL':>8} {'-':>8}"


def print_table(cases, xen, serai):
    """True if all passed."""
    good = True
    print(f"\n{'scenario':14} {'step':24} {'Xen':>8} {'seconds':>8} {'Serai':>8} {'seconds':>8}")
    for name, _, _ in cases:
        for step in toolstack.names_of_steps(name.removeprefix("xl-").removesuffix("-13")):
            cells = cell(xen, name, step), cell(serai, name, step)
            good = good and "FAIL" not in "".join(cells)
            print(f"{name.removeprefix('xl-'):14} {step:24} {cells[0]} {cells[1]}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"))
    parser.add_argument("--case", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--hyp", default="serai", help="serai, or the path of an image")
    options = parser.parse_args()
    options.build, options.quick = os.path.abspath(options.build), False
    cases = [case for case in toolstack.CASES
             if case[0] != "xl-typed" and (not options.case or case[0] in options.case)]
    ours = options.hyp
    xen = run_on(options, "xen", cases)
    serai = run_on(options, ours, cases)
    return 0 if print_table(cases, xen, serai) else 1


if __name__ == "__main__":
    sys.exit(main())
