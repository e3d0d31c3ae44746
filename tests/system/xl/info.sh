# SPDX-License-Identifier: Apache-2.0
# What the tools say of the machine, and what they are refused.

# field NAME: of xl info
field() { xl info | awk -F ' *: ' -v n="$1" '$1 == n { print $2 }'; }

# has COMMAND... -- PATTERN: what it prints has the pattern, though it may fail.
has() {
	local pattern=${!#} said
	said=$("${@:1:$#-2}" 2>&1 || true)
	echo "$said"
	grep -q -e "$pattern" <<< "$said" || die "${*:1:$#-2}: nowhere '$pattern' but '${said:0:200}'"
}

machine() {
	same nr_cpus "$(field nr_cpus)" 2
	same max_cpu_id "$(field max_cpu_id)" 1
	same nr_nodes "$(field nr_nodes)" 1
	same total_memory "$(field total_memory)" 2048
	same free_cpus "$(field free_cpus)" 0
	same outstanding_claims "$(field outstanding_claims)" 0
	same xen_scheduler "$(field xen_scheduler)" credit2
	same xen_caps "$(field xen_caps | xargs)" "xen-3.0-aarch64 xen-3.0-armv7l"
	same version "$(field xen_major).$(field xen_minor)" 4.17
	[ $(field free_memory) -gt 1024 ] && [ $(field free_memory) -lt 1536 ] || die "free_memory"
	has xl info -- '^virt_caps.*hvm.* hap'
}

topology() {
	has xl info -n -- '^  1: *0 *0 *0'
	has xl info -n -- '^ *0: *2048 *1[0-9]* *20$'
	has xenpm get-cpu-topology -- '^CPU1.*0.*0.*0$'
}

domains() {
	has xl list -- '^Domain-0  *0  *512  *2 '
	has xl list -v -- '^Domain-0 .* 00000000-0000-0000-0000-000000000000 '
	same "vcpus" "$(xl vcpu-list | awk '$1 == "Domain-0"' | wc -l)" 2
	has xl vcpu-list -- '^Domain-0  *0  *1 .* all / all'
	has xl cpupool-list -- '^Pool-0  *2  *credit2  *y  *1$'
	has xl cpupool-list -c -- '^Pool-0  *0,1$'
}

# The header and one line for each domain.
top_once() {
	has env TERM=vt100 xentop -b -i1 -- 'NAME  *STATE  *CPU(sec)'
	has env TERM=vt100 xentop -b -i1 -- ' Domain-0 .* 2 '
}

log() {
	[ $(xl dmesg | wc -c) -gt 500 ] || die "the log is short"
	xl dmesg -c | tail -n 2
	same "the log, once cleared" "$(xl dmesg)" ""
	xl debug-keys h
	has xl dmesg -- "'h' pressed"
	xl debug-keys hq
	[ $(xl dmesg | grep -c "pressed") -eq 3 ] || die "not three keys in the log"
}

filesystem() {
	local name
	for name in buildinfo/ config cpupool/ 0/ params/ loglvl gnttab_max_frames; do
		has xenhypfs tree -- "^ *$name"
	done
	has xenhypfs cat /buildinfo/config -- '^CONFIG_[A-Z0-9_]*=y'
	same major $(xenhypfs cat /buildinfo/version/major) 4
	same minor $(xenhypfs cat /buildinfo/version/minor) 17
	same granularity $(xenhypfs cat /cpupool/0/sched-gran) cpu
	xl set-parameters gnttab_max_frames=48
	same frames $(xenhypfs cat /params/gnttab_max_frames) 48
	xenhypfs write /params/gnttab_max_frames 64
	same frames $(xenhypfs cat /params/gnttab_max_frames) 64
	xenhypfs write /params/loglvl all
	has xenhypfs cat /params/loglvl -- '^all'
	refuses xenhypfs write /params/loglvl nonsense
	refuses xenhypfs write /buildinfo/version/major 5
	refuses xenhypfs cat /params/nothing
}

# What neither has.
refusals() {
	has xenpm get-cpufreq-para -- 'failed to get cpufreq parameter'
	refuses xen-livepatch list
	refuses xenlockprof
	refuses xenperf
	refuses xencov read
	refuses xl getenforce
}

step machine machine
step topology topology
step domains domains
step top top_once
step log log
step filesystem filesystem
step refusals refusals
