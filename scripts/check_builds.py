#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the image in other ways than the user does.

check_builds.py clang    with clang and GNU ld, with clang and lld, and every configuration
check_builds.py repro    two copies in two places: the images must be identical
"""
import argparse
import filecmp
import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = ("Makefile", "Kconfig", "configs", "hyp", "scripts", "tools", "tests/target")


def make(*arguments, top=TOP, variables=None):
    """Runs make; its output is shown only when it fails."""
    result = subprocess.run(["make", "-C", top, *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False,
                            env={**os.environ, **(variables or {})})
    if result.returncode != 0:
        print("    | " + "\n    | ".join(result.stdout.strip().splitlines()[-25:]))
    return result.returncode == 0


def report(ok, what):
    print(f"{'ok' if ok else 'not ok'} - {what}", flush=True)
    return ok


def check_clang(build):
    """Every compiler with the user's configuration, every configuration with the first one."""
    results = []
    for compiler, name in (("CC=clang", "clang and GNU ld"), ("LLVM=1", "clang and lld")):
        folder = os.path.join(build, "clang-" + compiler.partition("=")[0].lower())
        results.append(report(make(f"BUILD={folder}", compiler, "all"), name))
    for config in sorted(os.listdir(os.path.join(TOP, "configs"))):
        if not config.endswith("_defconfig"):
            continue
        folder = os.path.join(build, config.removesuffix("_defconfig"))
        ok = make(f"BUILD={folder}", config) and make(f"BUILD={folder}", "all")
        results.append(report(ok, f"gcc, {config}"))
    return results


def repository():
    """Variables by which git finds the repository of TOP from anywhere; none outside of one."""
    found = subprocess.run(["git", "-C", TOP, "rev-parse", "--absolute-git-dir"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           check=False)
    if found.returncode != 0:
        return {}
    return {"GIT_DIR": found.stdout.strip(), "GIT_WORK_TREE": TOP}


def check_repro(build):
    """Builds of two copies of the sources, in folders with names of different lengths."""
    work = os.path.join(build, "repro")
    shutil.rmtree(work, ignore_errors=True)
    copies = [os.path.join(work, "one"), os.path.join(work, "another", "place")]
    os.makedirs(copies[0])
    for source in SOURCES:
        path = os.path.join(TOP, source)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(copies[0], source))
        elif os.path.exists(path):
            shutil.copy(path, os.path.join(copies[0], source))
    shutil.copytree(copies[0], copies[1])
    outputs = ["build", os.path.join("out", "two")]
    variables = repository()
    for copy, output in zip(copies, outputs):
        if not make(f"BUILD={output}", "all", top=copy, variables=variables):
            return [report(False, "two builds")]
    one, two = (os.path.join(copy, output) for copy, output in zip(copies, outputs))
    return [report(filecmp.cmp(os.path.join(one, name), os.path.join(two, name), False),
                   f"two builds give the same {name}") for name in ("serai", "serai.elf")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("clang", "repro"))
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    results = check_clang(build) if options.what == "clang" else check_repro(build)
    passed = results.count(True)
    os.makedirs(os.path.join(build, "check"), exist_ok=True)
    with open(os.path.join(build, "check", options.what + ".count"), "w",
              encoding="ascii") as out:
        out.write(f"{passed} {len(results) - passed}\n")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
