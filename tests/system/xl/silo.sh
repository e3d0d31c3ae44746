# SPDX-License-Identifier: Apache-2.0
# By default guests cannot share: one that should use a driver domain's network gets no connection.

. ./driver_domain.sh

refused() {
	local path
	start front "vif=[ 'bridge=xenbr0,backend=drv' ]"
	path=/local/domain/$(domid front)/device/vif/0
	same "backend" $(xenstore-read $path/backend-id) $(domid drv)
	wait_for 20 eval "[ \$(xenstore-read $path/state) = 6 ]"	# closed
	guest front "dmesg | grep 'vif vif-0: 1 allocating event channel'"
	same "interfaces" "$(guest front 'ls /sys/class/net')" lo
	same "answer" "$(guest drv 'echo alive')" alive
}

ends() {
	xl destroy front
	wait_for 20 eval '[ -z "$(interfaces_of_driver)" ]'
	xl destroy drv
	losetup -d /dev/loop0
	same "domains in xenstore" "$(xenstore-list /local/domain)" 0
}

step silo-start start_driver
then_step silo-refused refused
then_step silo-end ends
