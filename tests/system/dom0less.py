# SPDX-License-Identifier: Apache-2.0
"""Guests from the device tree, without dom0 and beside it: what a user sees on the serial line."""
import importlib.util
import os
import re
import types

from rig import PROMPT, TOP, Failed, Skipped, command, finish, patience, refused_end, same

import run_dom0less
from run_dom0less import Guest

UP = r"guest {} is up: {} CPUs?, \d+ MiB"
COUNTS = r"guest {} counts {}"
REFUSED = r"device tree: \d+ of \d+ domains cannot be built"


def boot(rig, name, guests, lifetime=240, qemu_args=(), reboot=False, **settings):
    """A Console on a machine with these guests."""
    settings.setdefault("hyp", rig.options.hyp)
    settings.setdefault("build", rig.options.build)
    settings.setdefault("tree", os.path.join(rig.logs, name + ".dtb"))
    os.makedirs(rig.logs, exist_ok=True)
    switches = [] if reboot else ["-no-reboot"]
    virtual = run_dom0less.Machine(guests, qemu_args=[*switches, *qemu_args], **settings)
    return rig.start(name, virtual.command(), lifetime)


def expect_all(console, patterns, seconds):
    """All of them, in any order."""
    start = console.seen
    ends = []
    for pattern in patterns:
        console.seen = start
        console.expect(pattern, seconds)
        ends.append(console.seen)
    console.seen = max(ends)


def own(rig):
    if rig.options.hyp == "xen":
        raise Skipped("our own wording")


# ---- cases -------------------------------------------------------------------------------------

def three_guests(rig, name):
    """Nobody but three guests, one with two CPUs: all come up and go on."""
    guests = [Guest("domU1", args="then=count"), Guest("domU2", cpus=2, args="then=count"),
              Guest("domU3", args="then=count")]
    with boot(rig, name, guests) as console:
        expect_all(console, [UP.format("domU1", 1), UP.format("domU2", 2), UP.format("domU3", 1)],
                   patience(2) + 60)
        expect_all(console, [COUNTS.format(f"domU{n}", r"\d+") for n in (1, 2, 3)], 60)
        if re.search(r"(?i)crash|panic|unhandled fault", console.text):
            raise Failed(f"something crashed; {console.tail()}")


def dom0_and_two(rig, name):
    """dom0 and two guests that know of the hypervisor; dom0 switches everything off."""
    guests = [Guest("domU1", enhanced="yes", args="then=count"),
              Guest("domU2", enhanced="no-xenstore" if rig.options.hyp != "xen" else "yes")]
    with boot(rig, name, guests, with_dom0=True) as console:
        expect_all(console, [UP.format("domU1", 1), UP.format("domU2", 1), PROMPT],
                   patience(3) + 60)
        console.settle(0.5)
        console.send("\n")
        console.expect(PROMPT, 30)
        same("/proc/xen/capabilities", command_in_noise(console, "cat /proc/xen/capabilities"),
             "control_d")
        finish(console)


def command_in_noise(console, line):
    """As run.command(), but other domains write between the lines."""
    output = command(console, line, 60)
    return "\n".join(text for text in output.splitlines()
                     if not re.match(r"\(d\d+\)|\(XEN\)|\(Serai\)", text)).strip()


def one_goes(what, line, end):
    """One guest ends, the other goes on."""
    def case(rig, name):
        guests = [Guest("domU1", args=f"then={what}"), Guest("domU2", args="then=count")]
        with boot(rig, name, guests, hypargs="dom0less=norestart") as console:
            said = [line] if rig.options.hyp == "xen" else [line, end]
            expect_all(console, [UP.format("domU1", 1), UP.format("domU2", 1), *said],
                       patience(2) + 60)
            seen = int(console.expect(COUNTS.format("domU2", r"(\d+)"), 60).group(1))
            console.expect(COUNTS.format("domU2", str(seen + 2)), 60)
            if "all domains have ended" in console.text:
                raise Failed("the other guest is said to have ended")
    return case


def last_goes(hypargs, then, pattern):
    """The last domain of a machine without dom0 ends."""
    def case(rig, name):
        own(rig)
        with boot(rig, name, [Guest("domU1", args=f"then={then}"),
                              Guest("domU2", args="then=poweroff")], hypargs=hypargs) as console:
            console.expect(pattern, patience(2) + 120)
            if "poweroff" in hypargs:
                same("exit status of the emulator", console.wait_end(30), 0)
            else:
                same("output afterwards", console.settle(5, 6).strip(), "")
    return case


def refused(edit, *patterns, hypargs="", end=None):
    """
    The tree is wrong: it says so, and the second guest starts; or nothing does, and the machine's
    last lines are end.
    """
    def case(rig, name):
        own(rig)
        with boot(rig, name, [Guest("domU1"), Guest("domU2")], edit=edit,
                  hypargs=hypargs) as console:
            if end:
                refused_end(console, end)
            expect_all(console, patterns, 60)
            if end:
                return
            console.expect(UP.format("domU2", 1), patience(2) + 60)
            if re.search(UP.format("domU1", 1), console.text):
                raise Failed("the refused guest runs")
    return case


def first_of(what, by):
    return lambda source: source.replace(what, by, 1)


def mixed_sizes(rig, name):
    """Guests of different sizes; as many as do not fit on the CPUs at once, and all CPUs virtual."""
    guests = [Guest(f"domU{n}", cpus=n, mem=f"{64 + 32 * n}M") for n in (1, 2, 3, 4)]
    with boot(rig, name, guests, lifetime=400) as console:
        expect_all(console, [UP.format(f"domU{n}", n) for n in (1, 2, 3, 4)], 360)


def console_io(rig, name):
    """Guests without a UART: they write by hypercall, if the operator allows it."""
    own(rig)
    guests = [Guest("domU1", vpl011=False), Guest("domU2", vpl011=False)]
    with boot(rig, name, guests, hypargs="guest_console_io") as console:
        expect_all(console, [r"\(d1\) .*" + UP.format("domU1", 1),
                             r"\(d2\) .*" + UP.format("domU2", 1)], patience(2) + 60)


def static_memory(rig, name):
    """One guest at the machine's addresses, one with two pieces of static memory, a static heap."""
    own(rig)
    heap = "/ { chosen { xen,static-heap = <0 0x50000000 0 0x8000000>; }; };\n"
    guests = [Guest("domU1", props="direct-map; xen,static-mem = <0 0xa0000000 0 0x8000000>;"),
              Guest("domU2", cpus=2, props="xen,static-mem = <0 0xb4001000 0 0x4000000 "
                                           "0 0xb0000000 0 0x4000000>;")]
    with boot(rig, name, guests, edit=lambda source: source + heap) as console:
        expect_all(console, [UP.format("domU1", 1), UP.format("domU2", 2)], patience(2) + 60)
        for pattern in (r"9000000\.sbsa-uart: ttyAMA0", r"redistributor 0 region 0:0x0*80a0000",
                        r"node +0: \[mem 0x0*a0000000-0x0*a7ffffff\]"):
            if not re.search(pattern, console.text):
                raise Failed(f"no line of the direct-mapped guest has {pattern}")


def target_runner():
    """tests/target/run.py; this folder has a module of that name, too."""
    path = os.path.join(TOP, "tests", "target", "run.py")
    spec = importlib.util.spec_from_file_location("target_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ring_gigabyte(rig, name):
    """Two guests send each other 512 MiB through shared memory and static event channels."""
    own(rig)
    target = target_runner()
    options = types.SimpleNamespace(build=os.path.join(rig.options.build, "target"), slow=5.0,
                                    qemu="qemu-system-aarch64", args="ring=1024")
    image = run_dom0less.machine.Machine(hyp=rig.options.hyp, build=rig.options.build).hypervisor()
    result = target.run_guest(options, "serai", image, "ring", target.machine_of("ring"))
    wrong = [check for check in result.order if result.checks[check] is not None]
    if wrong or result.problem:
        raise Failed(f"{name}: {result.problem} {' '.join(wrong)}\n" + "\n".join(result.tail))


# name, function, is it part of --quick?
CASES = (
    ("three-guests", three_guests, True),
    ("dom0-and-two", dom0_and_two, True),
    ("guest-off", one_goes("poweroff", r"reboot: Power down", r"d1 \(domU1\) is off"), True),
    ("guest-restarts", one_goes("reboot", r"reboot: Restarting system",
                                r"d1 \(domU1\) wanted to be restarted"), False),
    ("guest-panic", one_goes("crash panic=1", r"Kernel panic - not syncing: sysrq",
                             r"d1 \(domU1\) wanted to be restarted"), True),
    ("last-off", last_goes("dom0less=poweroff", "poweroff",
                           r"all domains have ended: switching the machine off"), True),
    ("last-idle", last_goes("dom0less=norestart", "crash panic=1",
                            r"all domains have ended and there is no dom0[^\n]*\n"), False),
    ("wrong-property", refused(first_of("memory = <0x0 0x20000>", "memroy = <0x0 0x20000>"),
                               r"memroy = <0 0x20000>: unknown property.*did you mean memory\?",
                               r"/chosen/domU1: memory: it is missing; write KiB", REFUSED), True),
    ("too-large", refused(first_of("memory = <0x0 0x20000>", "memory = <0x0 0x1000000>"),
                          r"domU1: memory = <0 0x1000000>: 16384 MiB do not fit", REFUSED), True),
    ("strict", refused(first_of("cpus = <1>", "cpus = <0>"), r"cpus = <0>: it is too small",
                       hypargs="dom0less=strict", end=r"dom0less=strict: then none is"), True),
    ("bad-tree", refused(lambda source: source + "/ { z { #address-cells = <5>; }; };",
                         r"/z: #address-cells and #size-cells: more than 4 cells; write 1 or 2",
                         end=r"Serai does not start, for the reasons above"), True),
    ("mixed-sizes", mixed_sizes, False),
    ("static-memory", static_memory, True),
    ("ring-gigabyte", ring_gigabyte, True),
    ("console-io", console_io, False),
)
