# SPDX-License-Identifier: Apache-2.0
# Hypervisor: xsm=dummy
# The network's backend is in a guest, and other guests use it; who ends first does not matter.

. ./driver_domain.sh

MIB=${MIB:-32}
SERVER=192.168.78.1
QUIET="[ -e /tmp/quiet ] || mkfifo /tmp/quiet"	# what never ends: nc must not close its side first

free_memory() { xl info free_memory; }

# use_network NAME ADDRESS
use_network() {
	wait_for 20 guest $1 "[ -e /sys/class/net/eth0 ]"
	guest $1 "ip address add $2/24 dev eth0; ip link set eth0 up"
	wait_for 30 guest $1 "ping -c 1 -W 1 $SERVER"
	same "backend" $(xenstore-read /local/domain/$(domid $1)/device/vif/0/backend-id) $(domid drv)
	same "its interface" "$(interfaces_of_driver)" vif$(domid $1).0
	same "interfaces of dom0" "$(ls /sys/class/net | grep -c vif || true)" 0
}

start_all() {
	free_memory > $STATE/free
	start_driver
}

connect() {
	start front memory=256 "vif=[ 'bridge=xenbr0,backend=drv' ]"
	use_network front 192.168.78.2
	guest front "ping -c 3 $SERVER"
	guest drv "ping -c 3 192.168.78.2"
}

# move FROM TO ADDRESS: MIB random bytes to the address that TO has.
move() {
	local wanted number
	wanted=$(guest $1 "head -c $((MIB << 20)) /dev/urandom > /tmp/data; md5sum < /tmp/data" 120)
	tell $2 "$QUIET; nc -l -p 5000 <> /tmp/quiet > /tmp/data; md5sum < /tmp/data; wc -c < /tmp/data"
	number=$NUMBER
	sleep 1
	guest $1 "nc -w 5 $3 5000 < /tmp/data; rm /tmp/data" 120
	NUMBER=$number
	same "what $2 got" "$(answer $2 120)" "$wanted"$'\n'$((MIB << 20))
	guest $2 "rm /tmp/data"
}

move_data() {
	move front drv $SERVER
	move drv front 192.168.78.2
}

replug() {
	xl network-detach front 0
	wait_for 20 guest front "[ ! -e /sys/class/net/eth0 ]"
	same "interfaces" "$(interfaces_of_driver)" ""
	xl network-attach front bridge=xenbr0 backend=drv
	use_network front 192.168.78.3
}

# keep_busy: data without end from the guest to the driver domain, until one of them ends.
keep_busy() {
	guest drv "(nc -l -p 5001 > /dev/null 2>&1) &"
	guest front "(nc $SERVER 5001 < /dev/zero > /dev/null 2>&1) &"
	sleep 1
}

end_front_first() {
	keep_busy
	xl destroy front
	wait_for 30 guest drv "! ls /sys/class/net | grep vif"
	start front "vif=[ 'bridge=xenbr0,backend=drv' ]"
	use_network front 192.168.78.2
}

end_driver_first() {
	keep_busy
	xl destroy drv
	gone drv
	same "answer" "$(guest front 'echo alive')" alive
	refuses guest front "ping -c 2 -W 1 $SERVER"
	xl destroy front
	losetup -d /dev/loop0
	wait_for 30 eval '[ $(free_memory) -ge $(cat $STATE/free) ]'
	same "domains in xenstore" "$(xenstore-list /local/domain)" 0
	same "devices in xenstore" "$(xenstore-ls /libxl 2>/dev/null | grep -c frontend || true)" 0
}

step driver-start start_all
then_step driver-connect connect
then_step driver-data move_data
then_step driver-replug replug
then_step driver-front-first end_front_first
then_step driver-driver-first end_driver_first
