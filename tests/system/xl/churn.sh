# SPDX-License-Identifier: Apache-2.0
# What stays behind after many rounds of create and destroy.

ROUNDS=${ROUNDS:-12}		# of create and destroy

# free_pages: of the whole machine; xl info rounds to MiB, the debug key tells KiB.
free_pages() {
	xl debug-keys m
	xl dmesg | sed -n 's/.*Dom heap: \([0-9]*\)kB free.*/\1/p; s/.*KiB, \([0-9]*\) KiB free.*/\1/p' |
		tail -n 1 | awk '{ print $1 / 4 }'
}

backends() { xenstore-ls /local/domain/0/backend 2>/dev/null | grep -c frontend-id || true; }

# nothing_left BEFORE: as many free pages as before, no domain, no device.
nothing_left() {
	wait_for 30 eval "[ \$(free_pages) -ge $1 ]"
	same "free pages" $(free_pages) $1
	same "domains" $(xl list | awk 'NR > 1' | wc -l) 1
	same "devices" $(backends) 0
	same "domains in xenstore" "$(xenstore-list /local/domain)" 0
	same "interfaces" "$(ls /sys/class/net | grep -c vif || true)" 0
}

one_set() {
	local n
	for n in $(seq $ROUNDS); do
		xl create -p $STATE/churn.cfg
		xl destroy churn
	done
}

# What dom0 maps may need another table of its second stage, which stays; but not at every set.
rounds() {
	local before set
	one_set
	for set in 1 2 3; do
		before=$(free_pages)
		one_set
		echo "pages before set $set: $before, after it: $(free_pages)"
		[ $(free_pages) -lt $before ] || break
	done
	nothing_left $before
}

config churn "disk=[ 'phy:/dev/vdb1,xvda,w' ]" "vif=[ 'bridge=xenbr0' ]"
step churn-rounds rounds
