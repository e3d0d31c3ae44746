# SPDX-License-Identifier: Apache-2.0
# A network by netback on a bridge: addresses, 32 MiB (or $MIB) by TCP each way, pings between guests.

HOST=192.168.77.1
MIB=${MIB:-32}
QUIET="[ -e /tmp/quiet ] || mkfifo /tmp/quiet"	# what never ends: nc must not close its side first

start_net() { start "$1" memory=256 "vif=[ 'bridge=xenbr0' ]"; }

connect() {
	start_net left
	LEFT=$(address_of left)
	[[ $LEFT == 192.168.77.* ]] || die "its address is '$LEFT'"
	echo $LEFT > $STATE/left
	same "mac" "$(guest left 'cat /sys/class/net/eth0/address')" \
		"$(xl network-list left | awk 'NR == 2 { print $3 }')"
	ping -c 3 $LEFT
	guest left "ping -c 3 $HOST"
}

to_guest() {
	local wanted
	head -c ${MIB}M /dev/urandom > /tmp/data
	wanted=$(md5sum < /tmp/data)
	tell left "$QUIET; nc -l -p 5000 <> /tmp/quiet > /tmp/data; md5sum < /tmp/data; wc -c < /tmp/data"
	sleep 1
	nc -w 5 $(cat $STATE/left) 5000 < /tmp/data
	same "what the guest got" "$(answer left 120)" "$wanted"$'\n'$((MIB << 20))
}

from_guest() {
	local wanted got
	wanted=$(guest left "md5sum < /tmp/data")
	rm -f /tmp/data
	eval "$QUIET"
	nc -l -p 5001 <> /tmp/quiet > /tmp/back &
	sleep 1
	guest left "nc -w 5 $HOST 5001 < /tmp/data; rm /tmp/data" 120
	wait $!
	same "bytes" $(stat -c %s /tmp/back) $((MIB << 20))
	same "what dom0 got" "$(md5sum < /tmp/back)" "$wanted"
	rm -f /tmp/back
}

between_guests() {
	start_net right
	guest right "ping -c 5 $(cat $STATE/left)"
	guest left "ping -c 5 $(address_of right)"
}

unplug() {
	xl destroy left
	xl shutdown -w right
	wait_gone right
	same "interfaces left" "$(ls /sys/class/net | grep vif)" ""
}

step network-connect connect
then_step network-to-guest to_guest
then_step network-from-guest from_guest
then_step network-guests between_guests
then_step network-unplug unplug
