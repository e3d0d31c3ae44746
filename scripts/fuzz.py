#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzzers (tests/fuzz), a few at a time, and says what each has found.

A fuzzer starts from its own corpus, tests/fuzz/corpus/NAME, and with --each also from the newest of
what earlier runs kept in BUILD/fuzz/corpus/NAME. An input that it fails on is kept in BUILD/fuzz/found; the way to run it
again is printed.
"""
from concurrent.futures import ThreadPoolExecutor
import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys

OPTIONS = re.compile(r"/\*\s*options:(.*?)\*/", re.DOTALL)
RUNS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
COVER = re.compile(r"cov: (\d+)")
KEPT = re.compile(r"Test unit written to (\S+)")
# More than one input takes: a fuzzer that does not come back has found an endless loop.
INPUT_SECONDS = 20
SLACK_SECONDS = 60
# Reading more of them takes longer than a short run.
KEPT_FILES = 2000


def options_of(name):
    with open(f"tests/fuzz/fuzz_{name}.c", encoding="utf-8") as text:
        found = OPTIONS.search("".join(text.readlines()[:40]))
    options = found.group(1).replace("*", " ").split() if found else []
    if os.path.exists(f"tests/fuzz/{name}.dict"):
        options.append(f"-dict=tests/fuzz/{name}.dict")
    return options


def seeds_of(name, build):
    """The folder of the fuzzer's own corpus, with sources compiled."""
    source, folder = f"tests/fuzz/corpus/{name}", f"{build}/fuzz/seeds/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for entry in sorted(os.listdir(source)) if os.path.isdir(source) else []:
        path = os.path.join(source, entry)
        if entry.endswith(".dts"):
            subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o",
                            os.path.join(folder, entry[:-1] + "b"), path], check=True)
        else:
            shutil.copy(path, folder)
    return folder


def kept_corpus(name, build, fresh):
    """The folder of what runs found out; empty when it is to be fresh, else the newest of it."""
    corpus = f"{build}/fuzz/{'fresh' if fresh else 'corpus'}/{name}"
    if fresh:
        shutil.rmtree(corpus, ignore_errors=True)
    os.makedirs(corpus, exist_ok=True)
    files = sorted(os.scandir(corpus), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in files[KEPT_FILES:]:
        os.remove(entry.path)
    return corpus


def run_fuzzer(program, seconds, build, fresh):
    """Runs one; returns its name, what to say, and the output of a failure."""
    name = os.path.basename(program).removeprefix("fuzz_")
    corpus, found = kept_corpus(name, build, fresh), f"{build}/fuzz/found"
    os.makedirs(found, exist_ok=True)
    command = [os.path.abspath(program), f"-max_total_time={seconds}", "-print_final_stats=1",
               f"-timeout={INPUT_SECONDS}", f"-artifact_prefix={found}/{name}-",
               *options_of(name), corpus, seeds_of(name, build)]
    settings = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1")
    try:
        result = subprocess.run(command, env=settings, stdin=subprocess.DEVNULL, check=False,
                                timeout=seconds + SLACK_SECONDS, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        output, status = result.stdout.decode(errors="replace"), result.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") + "\nit does not end\n"
        status = -1
    with open(f"{build}/fuzz/{name}.log", "w", encoding="utf-8") as log:
        log.write(shlex.join(command) + "\n" + output)
    runs, cover = RUNS.search(output), COVER.findall(output)
    if status == 0 and runs and cover:
        return name, f"clean: {runs.group(1)} inputs in {seconds} s, {cover[-1]} edges", ""
    kept = KEPT.search(output)
    if kept:
        output += f"\nagain: {program} {kept.group(1)}\n"
    return name, "FAILED", output


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--each", type=int, help="seconds for each fuzzer")
    parser.add_argument("--together", type=int, help="seconds of CPU for all of them together")
    parser.add_argument("--count", help='file that gets "passed failed"')
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    seconds = options.each or max(options.together // len(options.programs), 1)
    failed = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda p: run_fuzzer(p, seconds, options.build, not options.each),
                           options.programs)
        for name, remark, output in results:
            print(f"  {name:<16} {remark}", flush=True)
            if output:
                lines = [line for line in output.strip().splitlines() if line[:1] != "#"]
                print("    | " + "\n    | ".join(lines[-60:]))
            failed += bool(output)
    if options.count:
        with open(options.count, "w", encoding="ascii") as out:
            out.write(f"{len(options.programs) - failed} {failed}\n")
    print(f"fuzz: {len(options.programs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
