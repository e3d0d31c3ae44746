# SPDX-License-Identifier: Apache-2.0
"""Kernels that are not plain images."""
import gzip
import os

from dom0less import UP, boot, expect_all
from rig import PROMPT, finish, machine, patience

from run_dom0less import Guest


def gzip_kernel(rig, name):
    """dom0 and a guest from the same packed file."""
    packed = os.path.join(rig.options.build, "check", "kernel.gz")
    os.makedirs(os.path.dirname(packed), exist_ok=True)
    with open(machine.fetched("kernel"), "rb") as kernel, open(packed, "wb") as out:
        out.write(gzip.compress(kernel.read(), 6, mtime=0))
    with boot(rig, name, [Guest("domU1")], with_dom0=True, dom0=packed) as console:
        expect_all(console, [UP.format("domU1", 1), PROMPT], patience(2) + 60)
        console.settle(0.5)
        finish(console)


# name, function, is it part of --quick?
CASES = (
    ("gzip-kernel", gzip_kernel, True),
)
