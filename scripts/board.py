# SPDX-License-Identifier: Apache-2.0
"""The machines that QEMU emulates for us, besides its own `virt`: real boards, with the device trees
that Debian's kernel brings for them."""


class Board:
    """What has to be known of one; addresses are the machine's."""

    def __init__(self, title, machine, tree, files, **more):
        self.title = title
        self.machine = machine      # QEMU's -M
        self.tree = tree            # what fetch-debian.sh calls its device tree; None: QEMU's
        self.files = files          # from here on is RAM for kernels and ramdisks
        self.cpus = 4               # all of them always are there
        self.smp = 4                # for QEMU, which counts others, too
        self.cpu = "cortex-a53"     # and cannot be chosen
        self.mem = "2G"
        self.uart = 0               # the UART of the tree's stdout-path, in QEMU's order
        self.qemu = "qemu-system-aarch64"
        self.levels = False         # QEMU has to be asked for the hypervisor's exception level
        self.sound = False          # it has a device for that, which the host has not
        self.overlay = None         # in tests/system/boards: what QEMU lacks of the board
        self.__dict__.update(more)


BOARDS = {
    "zcu102": Board("Xilinx ZCU102", "xlnx-zcu102", "zcu102.dtb", 0x10000000,
                    sound=True, levels=True),
    "rpi4": Board("Raspberry Pi 4", "raspi4b", "rpi4.dtb", 0x10000000, cpu="cortex-a72", uart=1,
                  qemu="10", overlay="rpi4.dtsi"),
    "versal": Board("Xilinx Versal", "xlnx-versal-virt", None, 0x10000000, cpus=2,
                    cpu="cortex-a72", mem="4G", sound=True),
}
