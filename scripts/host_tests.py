#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unit tests on the host.

host_tests.py rules LIST OUT TEST.c...   prints make rules: which objects each program is made of;
                                      the programs are added to the variable LIST
host_tests.py run CHECK PROGRAM...    runs the programs, keeps their output under CHECK/host/,
                                      writes "passed failed" to CHECK/host.count
"""
from concurrent.futures import ThreadPoolExecutor
import glob
import os
import re
import subprocess
import sys

TIME_LIMIT = 300
SOURCES = re.compile(r"/\*\s*sources:(.*?)\*/", re.DOTALL)
RESULT = re.compile(r"^(ok|not ok) (?:\d+ )?-? ?(.*)$", re.MULTILINE)


def sources_of(test):
    """The files under test, from the comment in the first lines of the test."""
    with open(test, encoding="utf-8") as text:
        head = "".join(text.readlines()[:40])
    found = SOURCES.search(head)
    if not found:
        sys.exit(f"{test}: there is no comment such as /* sources: hyp/lib/string.c */ in the "
                 "first 40 lines; it names the files under test")
    names = []
    for pattern in re.sub(r"^ *\*", " ", found.group(1), flags=re.MULTILINE).split():
        files = sorted(glob.glob(pattern))
        if not files:
            sys.exit(f"{test}: its sources name {pattern}, which does not exist")
        names += [name for name in files if name not in names]
    return names


def print_rules(variable, out, tests):
    for test in tests:
        program = f"{out}/{os.path.splitext(os.path.basename(test))[0]}"
        objects = [f"{out}/{os.path.splitext(name)[0]}.o" for name in sources_of(test)]
        print(f"{variable} += {program}")
        print(f"{program}: {' '.join(objects)}")


def run_program(program, folder):
    """Runs one program; returns its name, passed, failed and what to show of a failure."""
    name = os.path.basename(program)
    # cmocka prints TAP; a sanitizer's report ends the program with an error.
    settings = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", UBSAN_OPTIONS="print_stacktrace=1")
    try:
        result = subprocess.run([os.path.abspath(program)], env=settings, timeout=TIME_LIMIT,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, check=False)
        output, status = result.stdout.decode(errors="replace"), result.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")
        output += f"\nnot ended after {TIME_LIMIT} s\n"
        status = -1
    with open(os.path.join(folder, name + ".log"), "w", encoding="utf-8") as log:
        log.write(output)
    words = [word for word, _ in RESULT.findall(output)]
    passed, failed = words.count("ok"), words.count("not ok")
    if (status != 0 or not words) and not failed:
        failed = 1
    return name, passed, failed, output if failed else ""


def run_all(check, programs):
    folder = os.path.join(check, "host")
    os.makedirs(folder, exist_ok=True)
    total_passed = total_failed = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, passed, failed, output in pool.map(lambda p: run_program(p, folder), programs):
            print(f"  {name:<28} {passed:>4} passed" + (f", {failed} failed" if failed else ""))
            if output:
                print("    | " + "\n    | ".join(output.strip().splitlines()[-40:]))
            total_passed += passed
            total_failed += failed
    with open(os.path.join(check, "host.count"), "w", encoding="ascii") as out:
        out.write(f"{total_passed} {total_failed}\n")
    print(f"host: {total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


def main():
    if len(sys.argv) >= 4 and sys.argv[1] == "rules":
        print_rules(sys.argv[2], sys.argv[3], sys.argv[4:])
        return 0
    if len(sys.argv) >= 3 and sys.argv[1] == "run":
        return run_all(sys.argv[2], sys.argv[3:])
    print(__doc__, file=sys.stderr)
    return 2


sys.exit(main())
