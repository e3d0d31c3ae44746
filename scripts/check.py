#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All checks, one after the other. The last line is their sum: N passed, N failed."""
import argparse
import os
import subprocess
import sys
import time

# Goal of the Makefile, name of its count file. Cheap stages come first.
STAGES = (("check-style", "style"), ("check-clang", "clang"), ("check-repro", "repro"),
          ("check-host", "host"), ("check-fuzz", "fuzz"), ("check-target", "target"),
          ("check-system", "system"))


def run_stage(build, goal, name):
    """Runs one stage; a stage that leaves no count has failed as a whole."""
    count = os.path.join(build, "check", name + ".count")
    if os.path.exists(count):
        os.remove(count)
    start = time.monotonic()
    print(f"=== {goal}", flush=True)
    status = subprocess.run(["make", f"BUILD={build}", goal], check=False).returncode
    try:
        with open(count, encoding="ascii") as text:
            passed, failed = (int(word) for word in text.read().split())
    except (OSError, ValueError):
        print(f"{goal} ended without a result")
        passed, failed = 0, 1
    if status != 0 and failed == 0:
        failed = 1
    print(f"=== {goal}: {passed} passed, {failed} failed in {time.monotonic() - start:.0f} s",
          flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    build = parser.parse_args().build
    os.makedirs(os.path.join(build, "check"), exist_ok=True)
    results = [run_stage(build, goal, name) for goal, name in STAGES]
    passed = sum(result[0] for result in results)
    failed = sum(result[1] for result in results)
    line = f"{passed} passed, {failed} failed"
    with open(os.path.join(build, "check", "total"), "w", encoding="ascii") as out:
        out.write(line + "\n")
    print(line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
