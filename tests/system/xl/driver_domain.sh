# SPDX-License-Identifier: Apache-2.0
# A guest "drv" that serves networks: Debian's own `xl devd`, from dom0's disk mounted read-only.

# inside COMMAND [SECONDS]: in the driver domain, with the root that dom0 has.
inside() {
	guest drv "PATH=$PATH chroot /mnt $1" ${2:-60}
}

# start_driver: dom0's disk is in use, which the block script refuses, though not for a loop device.
start_driver() {
	local dir
	sync
	losetup -r /dev/loop0 /dev/vda || losetup /dev/loop0
	start drv memory=256 driver_domain=1 "disk=[ 'phy:/dev/loop0,xvda,r' ]"
	guest drv "mkdir -p /mnt; mount -t ext4 -o ro,noload /dev/xvda /mnt"
	for dir in run tmp var/lib/xen var/log; do
		guest drv "mount -t tmpfs none /mnt/$dir"
	done
	for dir in proc sys dev; do
		guest drv "mount -o bind /$dir /mnt/$dir"
	done
	guest drv "mount -o bind /proc/xen /mnt/proc/xen; mkdir -p /mnt/run/xen /mnt/run/lock /mnt/var/log/xen"
	guest drv "ip link add xenbr0 type bridge; ip address add 192.168.78.1/24 dev xenbr0; ip link set xenbr0 up"
	inside "xl devd"
	wait_for 20 guest drv "pidof xl"
}

# interfaces_of_driver: of the guests that it serves.
interfaces_of_driver() { guest drv "ls /sys/class/net | grep vif || true"; }
