# SPDX-License-Identifier: Apache-2.0
"""Reads what el2count.c wrote and makes tables of it: phases, causes, functions."""
import bisect
import collections
import glob
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# letter: what, MiB moved by ("block", "net", or nothing), goal as a share of Xen's
PHASES = {
    "l": ("xl list", None, 0),
    "c": ("xl create -p, 128 MiB", None, 0.6),
    "b": ("guest boots: xl unpause to its first program", None, 0),
    "r": ("block read, per MiB", "block", 0.5),
    "w": ("block write, per MiB", "block", 0.5),
    "t": ("network, guest to dom0, per MiB", "net", 0.5),
    "v": ("network, dom0 to guest, per MiB", "net", 0.5),
    "d": ("xl destroy", None, 0),
}

HYPERCALLS = {12: "memory_op", 13: "multicall", 17: "xen_version", 18: "console_io", 20: "grant_table_op",
              22: "vm_assist", 24: "vcpu_op", 27: "xsm_op", 29: "sched_op", 32: "event_channel_op",
              33: "physdev_op", 34: "hvm_op", 35: "sysctl", 36: "domctl", 41: "dm_op", 42: "hypfs_op"}
# Where the operations of each have their names, and what these begin with.
PREFIXES = {12: "XENMEM_", 17: "XENVER_", 20: "GNTTABOP_", 24: "VCPUOP_", 29: "SCHEDOP_", 32: "EVTCHNOP_",
            35: "XEN_SYSCTL_", 36: "XEN_DOMCTL_"}
CLASSES = {0x01: "WFI, WFE", 0x16: "HVC (SMCCC)", 0x17: "SMC", 0x18: "system register", 0x20: "fetch abort",
           0x24: "data abort"}
INTERRUPTS = {0x480: "interrupt in a guest", 0x680: "interrupt in a 32-bit guest", 0x280: "interrupt in the hypervisor"}


def operation_names():
    """{hypercall: {number: name}} from the hypervisor's own headers."""
    text = ""
    for path in sorted(glob.glob(os.path.join(TOP, "hyp", "include", "abi", "*.h"))):
        with open(path, encoding="utf-8") as header:
            text += header.read()
    names = {}
    for call, prefix in PREFIXES.items():
        names[call] = {}
        for name, number in re.findall(rf"^\t{prefix}([a-z0-9_]+) = (\d+),", text, re.MULTILINE):
            names[call].setdefault(int(number), name)   # parts of operations come later
    return names


def call_name(number, detail, operations):
    call = HYPERCALLS.get(number, f"hypercall {number}")
    if call == "multicall":     # of the first call in it
        return "multicall: " + call_name(detail >> 8, detail & 0xff, operations)
    if number in operations:
        return f"{call} {operations[number].get(detail, detail)}"
    return call


def cause_name(kind, number, detail, operations):
    if kind == "hypercall":
        return call_name(number, detail, operations)
    if kind == "trap":
        name = CLASSES.get(number, f"exception class {number:#x}")
        return f"{name} {detail:#x}" if number in (0x18, 0x20, 0x24) else name
    return INTERRUPTS.get(number, f"entry {number:#x}")


def read_counts(path):
    """{letter: {"total": n, "causes": {name: (times, instructions)}, "blocks": [(address, n)]}}"""
    phases, operations = {}, operation_names()
    with open(path, encoding="ascii") as lines:
        for line in lines:
            word = line.split()
            if word[0] == "phase":
                phases[word[1]] = {"total": int(word[3]), "causes": {}, "blocks": []}
            elif word[0] == "cause":
                name = cause_name(word[2], int(word[3]), int(word[4]), operations)
                times, insns = phases[word[1]]["causes"].get(name, (0, 0))
                phases[word[1]]["causes"][name] = (times + int(word[6]), insns + int(word[8]))
            elif word[0] == "block":
                phases[word[1]]["blocks"].append((int(word[2], 16), int(word[3])))
    for letter, phase in phases.items():
        charged = sum(insns for _, insns in phase["causes"].values())
        if charged != phase["total"]:
            raise ValueError(f"{path}: phase {letter} has {phase['total']} instructions, but {charged} have a cause")
    return phases


def per(phase, letter, block, net):
    """Instructions of a phase, per MiB if it moved any."""
    moved = {"block": block, "net": net}.get(PHASES[letter][1], 1)
    return phase["total"] // moved


def table(found, block, net):
    """The phases side by side; and how many miss their goal."""
    lines = ["| what | Xen | Serai | ratio | goal | remark |", "|---|---:|---:|---:|---:|---|"]
    missed = 0
    for letter, (name, _, goal) in PHASES.items():
        values = [per(found[hyp][letter], letter, block, net) if letter in found.get(hyp, {}) else None
                  for hyp in ("xen", "serai")]
        ratio = values[1] / values[0] if None not in values else None
        fails = goal and ratio is not None and ratio > goal
        missed += bool(fails)
        cells = ["-" if value is None else f"{value}" for value in values]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {'-' if ratio is None else f'{ratio:.2f}'} | "
                     f"{goal or ''} | {'**goal missed**' if fails else ''} |")
    return lines, missed


def details(found, count):
    """What costs most in each phase: causes side by side."""
    lines = []
    for letter, (name, _, _) in PHASES.items():
        sides = [found.get(hyp, {}).get(letter, {"causes": {}})["causes"] for hyp in ("xen", "serai")]
        names = sorted(set(sides[0]) | set(sides[1]),
                       key=lambda cause: -max(side.get(cause, (0, 0))[1] for side in sides))
        if not names:
            continue
        lines += ["", f"## {name.split(', per MiB')[0]}", "",
                  "| cause | times, Xen | instructions, Xen | times, Serai | instructions, Serai |",
                  "|---|---:|---:|---:|---:|"]
        for cause in names[:count]:
            cells = [str(cell) for side in sides for cell in side.get(cause, ("-", "-"))]
            lines.append(f"| {cause} | " + " | ".join(cells) + " |")
    return lines


def functions(phases, elf, count):
    """Serai's functions that took most instructions, by phase."""
    listed = subprocess.run(["aarch64-linux-gnu-nm", "-n", elf], stdout=subprocess.PIPE, text=True, check=True)
    symbols = [(int(line.split()[0], 16), line.split()[2]) for line in listed.stdout.splitlines()
               if line.split()[1] in "tT" and not line.split()[2].startswith("$")]
    addresses = [address for address, _ in symbols]
    lines = []
    for letter, phase in phases.items():
        sums = collections.Counter()
        for address, insns in phase["blocks"]:
            at = bisect.bisect_right(addresses, address) - 1
            sums[symbols[at][1] if at >= 0 else "?"] += insns
        lines += ["", f"Functions: {PHASES[letter][0]}", ""]
        lines += [f"    {insns:12d} {100 * insns / max(phase['total'], 1):5.1f} % {name}"
                  for name, insns in sums.most_common(count)]
    return lines


def document(version, lines, extra, missed):
    return "\n".join([
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "# Debian's xl on Serai and on Debian's Xen 4.17",
        "",
        "Made by `make bench-xl`; do not edit. Figures are instructions executed at EL2, so by the",
        "hypervisor alone, in one emulated machine: virt, one cortex-a57, GICv3, icount, dom0 with 512 MiB",
        f"and one virtual CPU. {version}.",
        "dom0 and the guest mark the phases themselves (bench/mark.S), a plugin counts (bench/el2count.c).",
        "What is executed from one entry to the hypervisor to the next is charged to the first.",
        "",
        *lines,
        "",
        f"Rows that miss a goal: {missed}.",
        *extra,
        ""])
