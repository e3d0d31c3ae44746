#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of style that a program can check. Each gate is one check of `make check`.

Limits are in LIMITS, the order of the house in scripts/rooms.txt. Needs a build folder with an
image (its .flags tell how headers are compiled) and universal-ctags.
"""
import argparse
import ast
from concurrent.futures import ThreadPoolExecutor
import os
import re
import shlex
import subprocess
import sys

import dead_code
import rooms

LIMITS = {"function": 80, "file": 800, "makefile": 400, "if_per_1000": 2.0}
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = (".c", ".h", ".S", ".py", ".sh", ".mk", ".awk", ".lds")
NAMED = ("Makefile", "Kconfig", "run")
SKIPPED_FOLDERS = {"build", ".git", "__pycache__"}
UNNUMBERED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(?!\(#\d+\))")


def all_files():
    """Every file of the project, relative to its top."""
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            yield os.path.normpath(os.path.join(folder, name))


def is_source(path):
    return path.endswith(SOURCE) or os.path.basename(path) in NAMED


def read(path):
    with open(path, encoding="utf-8", errors="replace") as text:
        return text.read()


def below(files, *folders, ends=(".c", ".h", ".S")):
    return [f for f in files if f.startswith(tuple(d + "/" for d in folders)) and f.endswith(ends)]


# ---- gates: each returns a list of complaints and a remark ------------------------------------

def c_functions(files):
    """(lines, place, name) of every function, from ctags."""
    if not files:
        return []
    result = subprocess.run(["ctags-universal", "--languages=C", "--langmap=C:.c.h",
                             "--kinds-C=f", "--fields=+ne", "-L", "-", "-o", "-"],
                            input="\n".join(files), stdout=subprocess.PIPE, text=True, check=True)
    found = []
    for line in result.stdout.splitlines():
        fields = re.search(r"\tline:(\d+)\t.*\bend:(\d+)", line)
        if fields and not line.startswith("!"):
            name, path = line.split("\t")[:2]
            first, last = int(fields.group(1)), int(fields.group(2))
            found.append((last - first + 1, f"{path}:{first}", name))
    return found


def python_functions(files):
    found = []
    for path in files:
        for node in ast.walk(ast.parse(read(path), path)):
            if isinstance(node, ast.FunctionDef):
                found.append((node.end_lineno - node.lineno + 1, f"{path}:{node.lineno}",
                              node.name))
    return found


def check_function_length(files):
    hyp = c_functions(below(files, "hyp", "tools", ends=(".c", ".h")))
    others = c_functions(below(files, "tests", "bench", ends=(".c", ".h")))
    others += python_functions(below(files, "scripts", "tests", "bench", "tools", ends=(".py",)))
    complaints = [f"{place}: {name} has {lines} lines, at most {LIMITS['function']} are allowed"
                  for lines, place, name in sorted(hyp + others) if lines > LIMITS["function"]]
    lengths = sorted(lines for lines, _, _ in hyp)
    if not lengths:
        return complaints, "no functions yet"
    middle, most = lengths[len(lengths) // 2], lengths[len(lengths) * 95 // 100]
    return complaints, f"{len(lengths)} functions in hyp and tools: median {middle}, " \
                       f"p95 {most}, longest {lengths[-1]} lines"


def check_file_length(files):
    complaints = []
    for path in below(files, "hyp", "tools", "tests", "bench") + ["Makefile"]:
        limit = LIMITS["makefile"] if path == "Makefile" else LIMITS["file"]
        lines = read(path).count("\n")
        if lines > limit:
            complaints.append(f"{path}: {lines} lines, at most {limit} are allowed")
    return complaints, ""


def check_if_density(files):
    lines = conditions = 0
    worst = []
    for path in below(files, "hyp", ends=(".c",)):
        text = read(path)
        here = len(re.findall(r"^\s*#\s*if", text, re.MULTILINE))
        lines += text.count("\n")
        conditions += here
        if here:
            worst.append((here, path))
    density = 1000 * conditions / lines if lines else 0
    remark = f"{density:.1f} #if per 1000 lines of C"
    if density <= LIMITS["if_per_1000"]:
        return [], remark
    return [f"{remark}, at most {LIMITS['if_per_1000']} are allowed; most are in "
            + ", ".join(f"{path} ({count})" for count, path in sorted(worst)[:-6:-1])], remark


def check_licence(files):
    return [f"{path}: no line with SPDX-License-Identifier: Apache-2.0 at its beginning"
            for path in files if is_source(path)
            and "SPDX-License-Identifier: Apache-2.0" not in "".join(read(path)[:300])], ""


def check_todo(files):
    complaints = []
    for path in filter(is_source, files):
        for number, line in enumerate(read(path).splitlines(), 1):
            found = UNNUMBERED.search(line)
            if found:
                complaints.append(f"{path}:{number}: {found.group(1)} without the number of an "
                                  f"issue; write {found.group(1)}(#12)")
    return complaints, ""


def check_whitespace(files):
    complaints = []
    for path in files:
        if not is_source(path) and not path.endswith((".md", ".txt", "_defconfig")):
            continue
        text = read(path)
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                complaints.append(f"{path}:{number}: white space at the end of the line")
        if text and not text.endswith("\n"):
            complaints.append(f"{path}: no new line at the end of the file")
    return complaints, ""


def check_rooms(_):
    house = rooms.House(os.path.join(TOP, "scripts", "rooms.txt"), TOP)
    return house.check(), f"{len(house.files)} files"


def check_cycles(_):
    house = rooms.House(os.path.join(TOP, "scripts", "rooms.txt"), TOP)
    return house.cycles(), ""


def compile_header(command, path, include):
    result = subprocess.run([*command, "-fsyntax-only", "-x", "c", "-"], check=False, text=True,
                            input=f"#include <{include}>\n#include <{include}>\n",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode == 0:
        return []
    first = next((line for line in result.stdout.splitlines() if "error" in line), result.stdout)
    return [f"{path} does not compile alone: {first}"]


def check_headers_alone(files, build, hostcc):
    """Every header compiles as the only one of a file, and twice."""
    with open(os.path.join(build, ".flags"), encoding="utf-8") as text:
        target = shlex.split(text.readline())
    host = [hostcc, "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
            "-Ihyp/include", "-Ihyp/arch/host/include", f"-I{build}/include",
            "-include", f"{build}/include/autoconf.h"]
    jobs = []
    for path in below(files, "hyp", ends=(".h",)):
        before, inside, include = path.partition("/include/")
        if not inside:
            continue
        jobs.append((host if before == "hyp/arch/host" else target, path, include))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = list(pool.map(lambda job: compile_header(*job), jobs))
    return [line for lines in results for line in lines], f"{len(jobs)} headers"


def gates(options, files):
    yield "length of functions", lambda: check_function_length(files)
    yield "length of files", lambda: check_file_length(files)
    yield "density of #if", lambda: check_if_density(files)
    yield "headers compile alone", lambda: check_headers_alone(files, options.build,
                                                               options.hostcc)
    yield "order of the house", lambda: check_rooms(files)
    yield "no include cycles", lambda: check_cycles(files)
    yield "no dead code", lambda: dead_code.check(options.build, options.nm)
    yield "licence lines", lambda: check_licence(files)
    yield "issue numbers", lambda: check_todo(files)
    yield "white space", lambda: check_whitespace(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--hostcc", default="gcc")
    parser.add_argument("--nm", default="nm")
    options = parser.parse_args()
    os.chdir(TOP)
    files = list(all_files())
    passed = failed = 0
    for name, gate in gates(options, files):
        complaints, remark = gate()
        print(f"{'not ok' if complaints else 'ok'} - {name}" + (f": {remark}" if remark else ""))
        for complaint in complaints:
            print(f"    {complaint}")
        passed += not complaints
        failed += bool(complaints)
    os.makedirs(os.path.join(options.build, "check"), exist_ok=True)
    with open(os.path.join(options.build, "check", "style.count"), "w", encoding="ascii") as out:
        out.write(f"{passed} {failed}\n")
    print(f"style: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
