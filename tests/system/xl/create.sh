# SPDX-License-Identifier: Apache-2.0
# xl info and xl list; a guest with a console; how guests end.

info() {
	xl info
	[[ $(xl info xen_version) == 4.* ]] || die "the version is $(xl info xen_version)"
	same "nr_cpus" "$(xl info nr_cpus)" 2
	same "xen_caps" "$(xl info xen_caps | tr -d ' ')" "xen-3.0-aarch64xen-3.0-armv7l"
	[ $(xl info total_memory) -gt 1900 ]
	[ $(xl info free_memory) -gt 1000 ]
	[ -n "$(xl info virt_caps)" ]
}

list() {
	xl list
	same "number of domains" $(xl list | awk 'NR > 1' | wc -l) 1
	same "its line" "$(xl list | awk 'NR == 2 { print $1, $2, $3 }')" "Domain-0 0 512"
	has_state 0 r
	xl vcpu-list
	same "CPUs of dom0" $(xl vcpu-list 0 | awk 'NR > 1' | wc -l) 2
	refuses xl list nobody
	refuses xl domid nobody
}

create() {
	start first 'on_poweroff="preserve"'
	xl list first
	same "domains" $(xl list | awk 'NR > 1' | wc -l) 2
	same "memory" $(xl list first | awk 'NR == 2 { print $3 }') 128
	same "answer" "$(guest first 'echo $((6 * 7)); hostname')" $'42\nfirst'
	refuses guest first "exit 3"
	same "type" "$(guest first 'cat /sys/hypervisor/type')" xen
}

# Kept until its last line is read. xenconsoled reads no ring of a domain that dies, and that of Xen
# 4.20 looks for 32751 domains first when told of an end: xl destroys the guest within that time.
shutdown_it() {
	mark first
	xl shutdown -w first
	wait_console first "reboot: Power down"
	has_state first s
	xl destroy first
	gone first
}

reboot_it() {
	local old
	start second
	old=$(domid second)
	mark second
	xl reboot second
	wait_agent second
	wait_for 20 exists second
	[ $(domid second) -gt $old ] || die "it is still domain $old"
	same "answer" "$(guest second 'echo again')" again
}

destroy_it() {
	xl destroy second
	gone second
	refuses xl destroy second
}

step info info
step list list
step create create
then_step shutdown shutdown_it
step reboot reboot_it
then_step destroy destroy_it
