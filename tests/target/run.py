#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the target guests on Serai or on Debian's real Xen under QEMU and counts their TAP checks.

A guest says in its source which machine it needs, in one line (all keys optional):
    machine: smp=1 vcpus=2 mem=2G dom0=512M timeout=60 cpu=cortex-a57 xen="vwfi=native" only=serai
    machine: gic=3,2        runs on both versions of the interrupt controller, GICv3 being the default
    machine: icount=1       time follows instructions though there are several CPUs (QEMU 10 can do that)
or in several such lines. With domu=2 there are two of them from the device tree and no dom0. With pair=1 the same image is
dom0 and domain 1, which are to talk to each other; peer="..." are more properties of its node.
props1='...' to props3 are more of one guest's node, also nodes below it; tree='...' is more of
the device tree's source.
With --oracle every guest runs on both. A check that real Xen fails is an error unless
differences.txt names it with its reason.
"""
import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "scripts"))
import run_dom0less as dom0less  # pylint: disable=wrong-import-position
NEEDS = dict(smp="1", vcpus="2", mem="2G", dom0="512M", timeout="60", cpu="cortex-a57",
             xen="", only="", domu="0", pair="0", peer="", props1="", props2="", props3="", tree="",
             gic="3", icount="0")
CHECK = re.compile(r"(?:^|[\s)])(not ok|ok) (\d+) - (\S+)(?: # (.*))?$")
PLAN = re.compile(r"(?:^|[\s)])1\.\.(\d+)$")
GUEST_ADDR = "0x49000000"


def machine_of(guest):
    """What the guest's source asks for."""
    needs = dict(NEEDS)
    with open(os.path.join(HERE, guest + ".c"), encoding="utf-8") as source:
        found = re.findall(r"machine:(.*?)(?:\*/|$)", source.read(), re.M)
    for word in shlex.split(" ".join(found)):
        key, _, value = word.partition("=")
        if key not in needs:
            sys.exit(f"{guest}.c: machine: does not know '{key}' (known: {', '.join(needs)})")
        needs[key] = value
    return needs


def xen_image(option):
    """Path of Debian's Xen: option, environment, or the script that fetches it."""
    path = option or os.environ.get("SERAI_XEN")
    fetch = os.path.join(TOP, "scripts", "fetch-debian.sh")
    if not path and os.path.exists(fetch):
        answer = subprocess.run([fetch, "path", "xen"], stdout=subprocess.PIPE, text=True)
        path = answer.stdout.strip() if answer.returncode == 0 else ""
    if not path or not os.path.exists(path):
        sys.exit("no image of Debian's Xen: give --xen PATH or set SERAI_XEN")
    return path


def emulator(options, needs):
    if needs["icount"] == "0":
        return [options.qemu]
    return [dom0less.machine.fetched("qemu10"), "-L", dom0less.machine.fetched("qemu10-share")]


def accelerator(needs):
    return (["-icount", "shift=0,sleep=off"] if needs["smp"] == "1" or needs["icount"] != "0"
            else ["-accel", "tcg,thread=single"])


def domu_command(options, hyp, image, guest, needs):
    """The guests' own tree; without dom0 they are killed when all have said their end."""
    pair = needs["pair"] != "0"
    guests = [dom0less.Guest(f"domU{n}", needs["vcpus"], "64M", enhanced="yes" if pair else "no",
                             args=options.args, props=needs["peer"] + needs.get(f"props{n}", ""))
              for n in range(1, int(needs["domu"]) + pair + 1)]
    machine = dom0less.Machine(guests, pair, f"{guest}.{hyp}.dtb", hyp=image, dom0=guest, initrd=None,
                               dom0_mem=needs["dom0"], dom0_vcpus=needs["vcpus"],
                               build=options.build, cpus=needs["smp"], mem=needs["mem"],
                               bootargs=f"hyp={hyp}", edit=lambda source: source + needs["tree"],
                               gic=needs["gic"], cpu=needs["cpu"], qemu=options.qemu, hypargs=needs["xen"])
    line = machine.command()
    at = line.index("-accel")
    return [*line[:at], *accelerator(needs), *line[at + 2:], "-serial", "stdio", "-monitor", "none"]


def qemu_command(options, hyp, image, guest, needs):
    if needs["domu"] != "0" or needs["pair"] != "0":
        return domu_command(options, hyp, image, guest, needs)
    append = (f"dom0_mem={needs['dom0']} dom0_max_vcpus={needs['vcpus']} console=dtuart "
              f"dtuart=/pl011@9000000 {needs['xen']}")
    loader = f"guest-loader,addr={GUEST_ADDR},kernel={guest},bootargs=hyp={hyp}"
    return [*emulator(options, needs), "-M", f"virt,virtualization=on,gic-version={needs['gic']}", "-cpu",
            needs["cpu"], "-smp", needs["smp"], "-m", needs["mem"], "-nographic", "-nic", "none", *accelerator(needs),
            "-kernel", image, "-append", append.strip(), "-device", loader]


class Result:
    """Outcome of one guest on one hypervisor."""

    def __init__(self):
        self.checks = {}  # name -> None if passed, else what was said
        self.order = []
        self.problem = ""  # why the run as a whole failed
        self.tail = []
        self.seconds = 0.0


def parse(lines, result, guests):
    """Reads what `guests` guests said; each has a plan of its own."""
    plans = []
    for line in lines:
        line = line.rstrip()
        found = CHECK.search(line)
        if found:
            name = found.group(3)
            if name in result.checks:
                result.problem = f"check {name} reported twice"
            result.checks[name] = None if found.group(1) == "ok" else found.group(4) or "failed"
            result.order.append(name)
        elif "Bail out!" in line:
            result.problem = line[line.index("Bail out!"):]
        elif PLAN.search(line):
            plans.append(int(PLAN.search(line).group(1)))
    if not result.problem and len(plans) < guests:
        result.problem = "ended without a plan line" + (f" of {guests}" if guests > 1 else "")
    if not result.problem and sum(plans) != len(result.order):
        result.problem = f"planned {sum(plans)} checks, reported {len(result.order)}"


def wait_end(proc, log_path, guests, deadline):
    """Until the emulator ends, or all guests without dom0 have; False: too late."""
    while time.time() < deadline:
        try:
            proc.wait(0.2 if guests else max(deadline - time.time(), 0))
            return True
        except subprocess.TimeoutExpired:
            pass
        if guests:
            with open(log_path, "rb") as log:
                if log.read().count(b"# end:") >= guests:
                    return True
    return False


def run_name(guest, needs):
    return guest if needs["gic"] == "3" else f"{guest}@gic{needs['gic']}"


def run_guest(options, hyp, image, guest, needs):
    result = Result()
    path = os.path.join(options.build, guest + ".img")
    log_path = os.path.join(options.build, f"{run_name(guest, needs)}.{hyp}.log")
    if not os.path.exists(path):
        result.problem = f"{path} is not built"
        return result
    limit = float(needs["timeout"]) * options.slow
    start = time.time()
    with open(log_path, "wb") as log:
        proc = subprocess.Popen(qemu_command(options, hyp, image, path, needs),
                                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                start_new_session=True)
        try:
            if not wait_end(proc, log_path, int(needs["domu"]), start + limit):
                result.problem = f"hung: no end after {limit:.0f} s"
        finally:
            if proc.poll() is None:
                os.killpg(proc.pid, signal.SIGKILL)
                proc.wait()
    result.seconds = time.time() - start
    with open(log_path, "rb") as log:
        lines = log.read().decode("utf-8", "replace").replace("\r", "").split("\n")
    parse(lines, result, max(int(needs["domu"]), 1) + int(needs["pair"]))
    result.tail = [line for line in lines if line.strip()][-8:]
    return result


def differences():
    """Checks on which Serai deliberately differs from real Xen, with their reasons."""
    known = {}
    with open(os.path.join(HERE, "differences.txt"), encoding="utf-8") as text:
        for line in text:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.strip().partition(" ")
                known[name] = reason.strip()
    return known


def show(guest, hyp, result, known):
    """Prints one line for the guest, then what failed. Returns (passed, failed)."""
    bad = [n for n in result.order if result.checks[n] is not None]
    excused = [n for n in bad if hyp == "xen" and n in known]
    failing = [n for n in bad if n not in excused]
    stale = [n for n in result.order if hyp == "xen" and n in known and n not in bad]
    passed = len(result.order) - len(bad) - len(stale)
    failed = len(failing) + len(stale) + bool(result.problem)
    text = f"{guest:<12} {hyp:<6} {passed:>4} passed"
    if excused:
        text += f" ({len(excused)} known differences)"
    if failed:
        text += f", {failed} failed"
    print(f"{text}  [{result.seconds:.1f} s]", flush=True)
    for name in failing:
        print(f"    not ok {name}: {result.checks[name]}")
    for name in stale:
        print(f"    {name} is in differences.txt, but real Xen passes it")
    if result.problem:
        print(f"    {guest} on {hyp}: {result.problem}")
        for line in result.tail:
            print(f"    | {line}")
    return passed, failed


def show_agreement(results, known):
    """The table of --oracle: one row per guest, then the checks on which the two disagree."""
    print("\nagreement        checks  both pass  serai only  xen only  neither")
    rows = []
    for guest, by_hyp in results.items():
        if len(by_hyp) < 2:
            continue
        xen, serai = by_hyp["xen"].checks, by_hyp["serai"].checks
        names = list(dict.fromkeys(list(xen) + list(serai)))
        count = [0, 0, 0, 0]
        for name in names:
            ok_x = name in xen and xen[name] is None
            ok_s = name in serai and serai[name] is None
            count[0 if ok_x and ok_s else 1 if ok_s else 2 if ok_x else 3] += 1
            if not (ok_x and ok_s):
                rows.append((name, xen.get(name, "not run"), serai.get(name, "not run")))
        print(f"{guest:<14} {len(names):>8} {count[0]:>10} {count[1]:>11} {count[2]:>9} {count[3]:>8}")
    for name, xen, serai in rows:
        print(f"    {name}: xen {xen or 'ok'}, serai {serai or 'ok'}"
              + (f" ({known[name]})" if name in known else ""))


def all_guests():
    return sorted(f[:-2] for f in os.listdir(HERE) if f.endswith(".c"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("guests", nargs="*", help="guests to run (default: all)")
    parser.add_argument("--hyp", choices=("serai", "xen"), default="serai")
    parser.add_argument("--oracle", action="store_true", help="run on both and compare")
    parser.add_argument("--serai", default=os.path.join(TOP, "build", "serai"))
    parser.add_argument("--xen", help="Debian's Xen image (default: $SERAI_XEN, or fetched)")
    parser.add_argument("--build", default=os.path.join(TOP, "build", "target"))
    parser.add_argument("--qemu", default="qemu-system-aarch64")
    parser.add_argument("--gic", choices=("2", "3"), help="only on this version, whatever they say")
    parser.add_argument("--args", default="", help="more for the guests' command lines (domu=)")
    parser.add_argument("--slow", type=float, default=1.0, help="factor on every timeout")
    return parser.parse_args()


def runs(options):
    """Each guest with what it needs, once for every version of the interrupt controller."""
    for guest in options.guests or all_guests():
        needs = machine_of(guest)
        for version in (options.gic or needs["gic"]).split(","):
            yield guest, {**needs, "gic": version}


def main():
    options = arguments()
    # Whoever ends this program ends its emulator, too: another one would write to the same log.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hyps = ["xen", "serai"] if options.oracle else [options.hyp]
    images = {h: xen_image(options.xen) if h == "xen" else options.serai for h in hyps}
    if "serai" in images and not os.path.exists(options.serai):
        sys.exit(f"{options.serai} is not built")
    known = differences()
    results = {}
    passed = failed = 0
    for guest, needs in runs(options):
        name = run_name(guest, needs)
        results[name] = {}
        for hyp in hyps:
            if needs["only"] not in ("", hyp):
                continue
            result = run_guest(options, hyp, images[hyp], guest, needs)
            results[name][hyp] = result
            ok, bad = show(name, hyp, result, known)
            passed += ok
            failed += bad
    if options.oracle:
        show_agreement(results, known)
    print(f"{passed} passed, {failed} failed")
    check_dir = os.path.join(os.path.dirname(os.path.abspath(options.build)), "check")
    if os.path.isdir(check_dir):
        with open(os.path.join(check_dir, "target.count"), "w", encoding="utf-8") as out:
            out.write(f"{passed} {failed}\n")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
