# SPDX-License-Identifier: Apache-2.0
# What stays behind: of guests that come and go, paused and at work, and of an xl killed at work.
#
# Nothing may, and free memory is compared to the page. But the hypervisor's tables for what dom0
# itself maps stay as long as dom0 does, and its kernel may map the next guest at other places: so a
# set of rounds is repeated until it took nothing. Serai tells how many pages those tables take;
# together with them free memory is as much after each set.

ROUNDS=${ROUNDS:-50}
SETS=5
PORT=5002

# Of the whole machine, as the debug key m told last; xl info rounds to MiB.
free_pages() {
	xl dmesg | sed -n 's/.*Dom heap: \([0-9]*\)kB free.*/\1/p; s/.*KiB, \([0-9]*\) KiB free.*/\1/p' |
		tail -n 1 | awk '{ print $1 / 4 }'
}

# Those of dom0's tables of stage 2 and of mappings of grants, as keys m and g told last.
dom0_pages() {
	xl dmesg | awk '/ d0 dom0: .* tables/ { tables = $(NF - 1) }
		/ d0: grant table .* mappings/ { mappings = $(NF - 1) }
		END { print tables + mappings / 256 }'
}

# xl, its hotplug scripts, nc.
programs() { ps | awk '$3 ~ /^(xl|nc)$/ || $4 ~ /xen.scripts/ { print $3, $4, $5 }'; }
no_scripts() { ! programs | grep scripts; }

# What must be the same before and after, beside free memory.
census() {
	xl debug-keys g
	xl debug-keys m
	if [ $(dom0_pages) -gt 0 ]; then
		echo "pages: $(($(free_pages) + $(dom0_pages))) free or dom0's tables"
	fi
	xl list | awk 'NR > 1 { print "domain", $2 }'
	xenstore-ls -f / | sed 's/ = .*//'
	ls /sys/class/net /sys/bus/xen-backend/devices /var/lib/xen
	programs
}

# same_census BEFORE: backends, hotplug scripts and what looks after a guest may take their time.
same_census() {
	local now
	for _ in $(seq 60); do
		now=$(census)
		[ "$now" != "$1" ] || return 0
		sleep 0.5
	done
	die "changed: $(diff <(echo "$1") <(echo "$now") | grep '^[-+]')"
}

# leaves_nothing FUNCTION [ARGUMENTS]
leaves_nothing() {
	local before free
	before=$(census)
	for _ in $(seq $SETS); do
		free=$(free_pages)
		"$@"
		same_census "$before"
		echo "free pages before the set: $free, after it: $(free_pages)"
		[ $(free_pages) -lt $free ] || break
	done
	same "free pages" $(free_pages) $free
}

# What dom0's programs and kernel make with the first guest, and keep.
first_guest() {
	working_guest 5
	create_and_destroy
}

# ---- guests that come and go -------------------------------------------------------------------

create_and_destroy() {
	xl create -p $STATE/churn.cfg
	xl destroy churn
}

paused_rounds() {
	for _ in $(seq $ROUNDS); do
		create_and_destroy
	done
}

# It is destroyed while it writes to its disk and sends to dom0.
working_guest() {
	local listener
	start churn "${DEVICES[@]}"
	nc -l -p $PORT > /dev/null &
	listener=$!
	tell churn "dd if=/dev/zero of=/dev/xvda bs=64k count=999 & nc 192.168.77.1 $PORT < /dev/zero"
	sleep 0.$1
	xl destroy churn
	kill $listener || true
	wait $listener || true
}

# It is destroyed somewhere in its boot.
booting_guest() {
	xl create $STATE/churn.cfg
	sleep 0.$1
	xl destroy churn
}

running_rounds() {
	booting_guest 4
	working_guest 2
	working_guest 8
}

# ---- xl create is killed -----------------------------------------------------------------------

# kill_after SECONDS: what it left is destroyed. Its hotplug scripts work on, and would write to
# xenstore once more behind xl destroy.
kill_after() {
	local pid id
	xl create $STATE/churn.cfg &
	pid=$!
	sleep $1
	kill -9 $pid || true
	wait $pid || true
	sleep 1		# what it had just forked is a script by then
	wait_for 30 no_scripts
	xl list
	for id in $(xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do
		xl destroy $id
	done
}

# At tenths of the time that it takes, and a little later.
killed_rounds() {
	local start=$EPOCHREALTIME whole tenth
	xl create $STATE/churn.cfg
	whole=$(seconds_since $start)
	xl destroy churn
	for tenth in 1 2 3 4 5 6 7 8 9 10 12; do
		kill_after $(awk "BEGIN { print $whole * $tenth / 10 }")
	done
}

DEVICES=("disk=[ 'phy:/dev/vdb1,xvda,w' ]" "vif=[ 'bridge=xenbr0' ]")
config churn "${DEVICES[@]}"
step churn-first first_guest
step churn-paused leaves_nothing paused_rounds
step churn-running leaves_nothing running_rounds
step churn-killed leaves_nothing killed_rounds
