# SPDX-License-Identifier: Apache-2.0
# What xl does to a running guest: pause, memory, CPUs; what it refuses; several guests at once.

pause_it() {
	start p
	xl pause p
	has_state p p
	tell p "echo awake"
	sleep 3
	if has_said p awake; then die "it works while it is paused"; fi
	xl unpause p
	same "answer" "$(answer p)" awake
	xl destroy p
}

total_kib() { guest balloon "awk '/MemTotal/ { print \$2 }' /proc/meminfo"; }
memory_is() { [ "$(xl list balloon | awk 'NR == 2 { print $3 }')" = "$1" ]; }

balloon() {
	local before free
	start balloon memory=192 acpi=0
	before=$(total_kib)
	free=$(xl info free_memory)
	xl mem-set balloon 128
	wait_for 30 memory_is 128
	same "memory given back" $(($(total_kib) - before)) $((-64 * 1024))
	same "free memory of the machine" $(($(xl info free_memory) - free)) 64
	xl mem-set balloon 192
	wait_for 30 memory_is 192
	same "memory as before" $(total_kib) $before
	same "free memory of the machine" $(xl info free_memory) $free
	guest balloon "dd if=/dev/zero of=/tmp/much bs=1M count=64; rm /tmp/much"
	xl destroy balloon
}

cpus() { guest cpus nproc; }
has_cpus() { [ $(cpus) = "$1" ]; }

vcpu_set() {
	start cpus vcpus=1 maxvcpus=4
	xl vcpu-list cpus
	same "CPUs" $(cpus) 1
	xl vcpu-set cpus 2
	wait_for 20 guest cpus "echo 1 > /sys/devices/system/cpu/cpu1/online"	# Linux waits to be asked
	same "CPUs of the guest" $(cpus) 2
	same "CPUs in xl list" $(xl list cpus | awk 'NR == 2 { print $4 }') 2
	xl vcpu-set cpus 1
	wait_for 30 has_cpus 1
}

affinity() { xl vcpu-list cpus | awk -v n=$1 '$3 == n { print $7 }'; }

vcpu_pin() {
	xl vcpu-set cpus 2
	xl vcpu-pin cpus 0 1
	same "vcpu 0" "$(xl vcpu-list cpus | awk '$3 == 0 { print $7 }')" 1
	guest cpus "n=0; while [ \$n -lt 20000 ]; do n=\$((n + 1)); done"
	same "where it runs" "$(xl vcpu-list cpus | awk '$3 == 0 { print $4 }')" 1
	xl vcpu-pin cpus 0 0
	guest cpus "n=0; while [ \$n -lt 20000 ]; do n=\$((n + 1)); done"
	same "where it runs now" "$(xl vcpu-list cpus | awk '$3 == 0 { print $4 }')" 0
	xl vcpu-pin cpus all all all
	same "vcpu 0 at the end" "$(xl vcpu-list cpus | awk '$3 == 0 { print $7 }')" all
	refuses xl vcpu-pin cpus 0 17
	xl vcpu-list cpus
	xl destroy cpus
}

four() {
	local n
	for n in 1 2 3 4; do
		config four$n "disk=[ 'phy:/dev/vdb$n,xvda,w' ]" "vif=[ 'bridge=xenbr0' ]"
		mark four$n
		xl create $STATE/four$n.cfg
	done
	for n in 1 2 3 4; do
		wait_agent four$n 200
	done
	same "domains" $(xl list | awk 'NR > 1' | wc -l) 5
	for n in 1 2 3 4; do
		guest four$n "for k in 1 2 3 4 5 6 7 8; do echo \$(hostname) \$k; done | dd of=/dev/xvda conv=sync; sync"
		guest four$n "ping -c 2 192.168.77.1"
	done
	for n in 1 2 3 4; do
		same "disk $n" "$(guest four$n 'head -n 1 /dev/xvda')" "four$n 1"
	done
	xl shutdown -a -w
	for n in 1 2 3 4; do
		wait_gone four$n
	done
}

save() {
	start saved
	refuses xl save saved /tmp/saved
	same "what xl says" "$SAID" "command not implemented"
	refuses xl migrate saved localhost
	same "what xl says" "$SAID" "command not implemented"
	guest saved true
	xl destroy saved
}

step pause pause_it
step balloon balloon
step vcpu-set vcpu_set
then_step vcpu-pin vcpu_pin
step four-guests four
step save save
