# SPDX-License-Identifier: Apache-2.0
# A guest with more virtual CPUs than the machine has: all of them work, go and come back.

# column NUMBER: of xl vcpu-list, whose columns are name, ID, VCPU, CPU, state, time, affinity.
column() { xl vcpu-list eight | awk -v n=$1 'NR > 1 { print $n }'; }

eight() {
	start eight vcpus=8 memory=192
	same "CPUs" $(guest eight nproc) 8
	same "virtual CPUs" "$(column 3 | tr '\n' ' ')" "0 1 2 3 4 5 6 7 "
	same "on line" $(xl list eight | awk 'NR == 2 { print $4 }') 8
	same "affinity" "$(column 7 | sort -u)" all
}

# The same sum on each, bound to it, at the same time.
all_work() {
	local sum="n=0; s=0; while [ \$n -lt 20000 ]; do n=\$((n + 1)); s=\$((s + n)); done; echo \$s"
	column 6 > $STATE/before
	guest eight "for c in 0 1 2 3 4 5 6 7; do taskset -c \$c sh -c '$sum' & done; wait" 300 |
		sort | uniq -c | awk '{ print $1, $2 }' > $STATE/sums
	same "what they computed" "$(cat $STATE/sums)" "8 200010000"
	column 6 > $STATE/after
	xl vcpu-list eight
	same "virtual CPUs that worked" $(paste $STATE/before $STATE/after | awk '$2 > $1' | wc -l) 8
	same "CPUs that they used" "$(column 4 | sort -u | grep -c '[01]')" 2
}

# The guest itself gives up one after the other.
off_and_on() {
	guest eight "for c in 1 2 3 4 5 6 7; do echo 0 > /sys/devices/system/cpu/cpu\$c/online; done" 120
	same "CPUs left" $(guest eight nproc) 1
	same "states" "$(column 5 | tail -n 7 | sort -u)" "--p"
	guest eight "for c in 1 2 3 4 5 6 7; do echo 1 > /sys/devices/system/cpu/cpu\$c/online; done" 120
	same "CPUs again" $(guest eight nproc) 8
	all_work
}

shut_down() {
	xl shutdown -w eight
	wait_gone eight
}

step crowd-start eight
then_step crowd-work all_work
then_step crowd-off-on off_and_on
then_step crowd-end shut_down
