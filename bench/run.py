#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the bench guest on Debian's real Xen and on Serai with the same QEMU flags, and writes one
table with the ratios and the goals to bench/results.md."""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TOP, "tests", "target"))
from run import wait_end, xen_image  # noqa: E402
sys.path.insert(0, os.path.join(TOP, "scripts"))  # has a module of that name, too
import machine  # noqa: E402
import run_dom0less as dom0less  # noqa: E402

LINE = re.compile(r"BENCH (\S+) (.*)$")
NO_TRAP = 10  # at or below this many instructions nobody was asked: no ratio to judge
ROW_LIMIT = 0.7

# name: (goal of the first step, goal of the design); 0 = none
GOALS = {
    "hypercall_xen_version": (200, 150),
    "vtimer_latency_spin.avg": (300, 190),
    "sgi_self": (600, 500),
    "mmio_gicd_typer_read": (300, 230),
    "mmio_gicd_ctlr_read": (0, 230),
    "id_aa64pfr0_read": (220, 180),
    "id_aa64isar0_read": (220, 180),
    "evtchn_send_self_ipi": (800, 600),
    "boot.entry_cntpct_ns": (40000000, 15000000),
    "size.image_bytes": (400000, 0),
    "size.code_lines": (0, 28000),
    "foot.taken_KiB": (16 * 1024, 0),
    "boot.dom0less_entry_ns": (15000000, 0),
    "multicall_32": (5000, 0),
    "cross_evtchn_pingpong_wfi": (5000, 0),
    "cross_grant_map_unmap": (2200, 0),
    "cross_grant_map_unmap_batch16": (16000, 0),
    "cross_grant_copy_4k": (1800, 0),
    "evtchn_ipi_pingpong_wfi_2p_native": (2000, 0),
    "cross_evtchn_pingpong_wfi_2p_native": (2000, 0),
}
# The machines: which part of the bench guest, what is added to its figures' names, how many CPUs,
# arguments of the hypervisor; and whether there is a second domain. Two CPUs need the newer QEMU.
# In the part "boot" there is no dom0 but two guests.
RUNS = (
    {"part": "all", "suffix": "", "cpus": 1, "args": "", "pair": False},
    {"part": "cross", "suffix": "", "cpus": 1, "args": "", "pair": True},
    {"part": "boot", "suffix": "", "cpus": 1, "args": "", "pair": False},
    {"part": "smp", "suffix": "_2p_native", "cpus": 2, "args": "sched=null vwfi=native", "pair": False},
    {"part": "cross", "suffix": "_2p_native", "cpus": 2, "args": "sched=null vwfi=native", "pair": True},
)
# Facts of the machine, not costs: shown, but never judged.
FACTS = ("boot.entry_cntvct_ns", "foot.dom_pages", "foot.max_ram_page", "foot.total_pages", "foot.free_pages",
         "loop_empty")


def emulator(options, plan):
    if plan["cpus"] == 1:
        return [options.qemu]
    return [machine.fetched("qemu10"), "-L", machine.fetched("qemu10-share")]


def qemu_flags(options, hyp, plan):
    vcpus = 1 if plan["pair"] else 2
    append = (f"dom0_mem=512M dom0_max_vcpus={vcpus} console=dtuart dtuart=/pl011@9000000 "
              + (options.serai_args if hyp == "serai" else options.xen_args) + " " + plan["args"])
    accel = ["-icount", "shift=0,sleep=off"]
    return [*emulator(options, plan), "-M", "virt,virtualization=on,gic-version=3", "-cpu", options.cpu,
            "-smp", str(plan["cpus"]), "-m", "2G", "-nographic", "-nic", "none", *accel,
            "-append", " ".join(append.split())]


def pair_command(options, hyp, image, plan):
    """dom0 and a guest of the device tree, the same flags otherwise."""
    flags = qemu_flags(options, hyp, plan)
    at = flags.index("-append")
    virtual = dom0less.Machine([dom0less.Guest("peer", mem="64M", enhanced="yes")], True,
                               f"{options.guest}.{hyp}.dtb", hyp=image, dom0=options.guest,
                               initrd=None, dom0_mem="512M", dom0_vcpus=1, cpus=plan["cpus"],
                               cpu=options.cpu, hypargs=flags[at + 1].split("/pl011@9000000")[1],
                               bootargs=f"hyp={hyp} bench=cross")
    line = virtual.command()
    return flags[:at] + line[line.index("-kernel"):]


def boot_command(options, hyp, image, plan):
    """Two guests without dom0, with a kernel as large as Debian's."""
    kernel = options.guest + ".large"
    shutil.copy(options.guest, kernel)
    os.truncate(kernel, os.path.getsize(machine.fetched("kernel")))
    flags = qemu_flags(options, hyp, plan)
    guests = [dom0less.Guest(name, mem="128M", args=f"hyp={hyp} bench=boot") for name in ("one", "two")]
    line = dom0less.Machine(guests, False, f"{options.guest}.{hyp}.boot.dtb", hyp=image, dom0=kernel,
                            initrd=None, cpus=plan["cpus"], cpu=options.cpu).command()
    return flags[:flags.index("-append")] + line[line.index("-kernel"):]


def run(options, hyp, image, plan):
    """Runs a part of the guest on one hypervisor; returns {name: number or text}."""
    if plan["pair"]:
        command = pair_command(options, hyp, image, plan)
    elif plan["part"] == "boot":
        command = boot_command(options, hyp, image, plan)
    else:
        guest = (f"guest-loader,addr=0x49000000,kernel={options.guest},"
                 f"bootargs=hyp={hyp} bench={plan['part']}")
        command = qemu_flags(options, hyp, plan) + ["-kernel", image, "-device", guest]
    log = os.path.join(os.path.dirname(options.guest), f"bench.{plan['part']}{plan['suffix']}.{hyp}.log")
    problem = ""
    with open(log, "wb") as out:
        proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, start_new_session=True)
        guests = 2 if plan["part"] == "boot" else 0
        if not wait_end(proc, log, guests, time.time() + options.timeout):
            problem = f"no end after {options.timeout} s"
        if proc.poll() is None:
            os.killpg(proc.pid, signal.SIGKILL)
            proc.wait()
    with open(log, encoding="utf-8", errors="replace") as text:
        lines = [line.rstrip() for line in text]
    values = {}
    for line in lines:
        found = LINE.search(line)
        if found:       # of several guests the first counts
            values.setdefault(found.group(1) + plan["suffix"], number(found.group(2)))
    if not problem and "end" + plan["suffix"] not in values:
        problem = "the guest did not reach its end"
    if problem:
        print(f"bench {plan['part']} on {hyp}: {problem}; last lines:", file=sys.stderr)
        for line in [ln for ln in lines if ln][-8:]:
            print(f"    | {line}", file=sys.stderr)
    values.pop("end" + plan["suffix"], None)
    values["problem"] = problem
    return values


def run_all(options, hyp, image):
    """All machines' figures together."""
    values, problems = {}, []
    for plan in RUNS:
        found = run(options, hyp, image, plan)
        problems += [f"{plan['part']}: {found['problem']}"] if found["problem"] else []
        values.update(found)
    values["problem"] = ", ".join(problems)
    values["size.image_bytes"] = os.path.getsize(image)
    try:
        taken = values["foot.total_pages"] - values["foot.free_pages"] - values["foot.dom_pages"]
        values["foot.taken_KiB"] = taken * 4
    except (KeyError, TypeError):
        values["foot.taken_KiB"] = "n/a no sysctl answer"
    return values


def number(text):
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def code_lines(*without):
    """Code lines of the hypervisor, C and assembly, no headers; "host" is the tests' stand-in."""
    if not shutil.which("cloc") or not os.path.isdir(os.path.join(TOP, "hyp")):
        return "n/a no cloc"
    leave_out = ",".join(("host",) + without)
    out = subprocess.run(["cloc", "--json", "--quiet", "--include-ext=c,S",
                          "--exclude-dir=" + leave_out, "hyp"], cwd=TOP,
                         stdout=subprocess.PIPE, text=True).stdout
    try:
        return json.loads(out[out.index("{"):])["SUM"]["code"]
    except (ValueError, KeyError):
        return "n/a cloc found nothing"


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.1f}".rstrip("0").rstrip(".")
    return str(value)


def judge(name, xen, serai):
    """Ratio column and remarks for one row."""
    remarks = []
    ratio = "-"
    numeric = isinstance(serai, (int, float))
    first, design = GOALS.get(name, (0, 0))
    if numeric and first and serai > first:
        remarks.append("**goal missed**")
    if numeric and design and serai > design:
        remarks.append("design goal open")
    if numeric and isinstance(xen, (int, float)) and xen and name not in FACTS:
        ratio = f"{serai / xen:.2f}"
        if serai / xen > ROW_LIMIT and xen > NO_TRAP and not name.startswith("mem_read_per") \
                and not name.startswith("mem_write_per") and not name.startswith("mem_copy_per") \
                and not name.endswith((".min", ".max")):
            remarks.append(f"**above {ROW_LIMIT} x Xen**")
    return ratio, first, design, ", ".join(remarks)


def table(xen, serai):
    names = ["size.image_bytes", "size.code_lines", "size.core_and_arch_lines", "foot.taken_KiB"]
    names += [n for n in list(xen) + list(serai) if n not in names and n != "problem"]
    rows, missed = [], 0
    for name in dict.fromkeys(names):
        x, s = xen.get(name), serai.get(name)
        ratio, first, design, remarks = judge(name, x, s)
        missed += "**" in remarks
        rows.append(f"| {name} | {cell(x)} | {cell(s)} | {ratio} | {first or ''} | {design or ''}"
                    f" | {remarks} |")
    head = ["| what | Xen | Serai | ratio | goal | design goal | remark |",
            "|---|---:|---:|---:|---:|---:|---|"]
    return head + rows, missed


def document(options, xen, serai, lines, missed):
    flags = qemu_flags(options, "serai", RUNS[0])
    flags[0] = os.path.basename(flags[0])
    flags = " ".join(flags)
    version = subprocess.run([options.qemu, "--version"], stdout=subprocess.PIPE,
                             text=True).stdout.split("\n")[0]
    judged = [n for n in xen if isinstance(xen[n], (int, float)) and n not in FACTS]
    return "\n".join([
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "# Serai beside Debian's Xen 4.17",
        "",
        "Made by `make bench`; do not edit. Figures are emulated instructions per operation, the",
        "guest's own included (one instruction is one nanosecond of guest time under this icount).",
        f"Latencies count from the deadline to the guest's vector. {len(judged)} figures.",
        "The same guest binary runs on both, with the same flags:",
        "",
        f"    {flags}",
        "",
        f"{version}.",
        f"\"above {ROW_LIMIT} x Xen\" marks costs, not minima and maxima, nor what never enters the",
        "hypervisor. `psci_cpu_on_to_running` ends when the second CPU has set up its interrupt",
        "controller. `boot.dom0less_entry_ns`: from reset to the first instruction of the first of two",
        "guests of 128 MiB without dom0, whose kernels are as large as Debian's. `cross_` rows are dom0",
        "and a guest of the device tree with one virtual CPU each.",
        "`_2p_native` rows: two CPUs, QEMU 10, `sched=null vwfi=native` (Debian's Xen has no null",
        "policy and takes credit2: the CPU that waits in WFI stays with its guest all the same). The near",
        "timer deadlines (48 us) include what real Xen adds because it arms no timer of its own nearer than",
        "50 us; the `_far` ones (1 ms) do not.",
        "",
        *lines,
        "",
        f"Rows that miss a goal: {missed}."
        + "".join(f" {h}: {v['problem']}." for h, v in (("Xen", xen), ("Serai", serai))
                  if v.get("problem")),
        ""])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xen", help="Debian's Xen image (default: $SERAI_XEN, or fetched)")
    parser.add_argument("--serai", default=os.path.join(TOP, "build", "serai"))
    parser.add_argument("--guest", default=os.path.join(TOP, "build", "target", "bench.img"))
    parser.add_argument("--qemu", default="qemu-system-aarch64")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--xen-args", default="")
    parser.add_argument("--serai-args", default="")
    parser.add_argument("--timeout", type=float, default=240)
    parser.add_argument("--only", choices=("xen", "serai"), help="run one, print, write nothing")
    parser.add_argument("--out", default=os.path.join(HERE, "results.md"))
    return parser.parse_args()


def main():
    options = arguments()
    xen, serai = {}, {}
    if options.only != "serai":
        xen = run_all(options, "xen", xen_image(options.xen))
    if options.only != "xen":
        if not os.path.exists(options.serai):
            sys.exit(f"{options.serai} is not built (--only xen measures real Xen alone)")
        serai = run_all(options, "serai", options.serai)
        serai["size.code_lines"] = code_lines()
        serai["size.core_and_arch_lines"] = code_lines("boot", "drivers", "lib")
    lines, missed = table(xen, serai)
    print("\n".join(lines))
    if options.only:
        return 0
    with open(options.out, "w", encoding="utf-8") as out:
        out.write(document(options, xen, serai, lines, missed))
    print(f"\nwritten to {os.path.relpath(options.out)}; {missed} rows miss a goal")
    return 1 if xen["problem"] or serai["problem"] else 0


if __name__ == "__main__":
    sys.exit(main())
