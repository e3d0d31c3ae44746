# SPDX-License-Identifier: Apache-2.0
# A disk by blkback: 64 MiB (or $MIB) written and read back, in the guest, in dom0, and after a reboot.

DISK=/dev/vdb1
MIB=${MIB:-64}

write_disk() {
	start disk "disk=[ 'phy:$DISK,xvda,w' ]"
	guest disk "cat /sys/block/xvda/size"
	same "size in sectors" $(guest disk "cat /sys/block/xvda/size") $(cat /sys/block/vdb/vdb1/size)
	guest disk "dd if=/dev/urandom bs=1M count=$MIB | tee /dev/xvda | md5sum > /tmp/sum; sync; cat /tmp/sum" 200 |
		awk '{ print $1 }' | tail -n 1 > $STATE/sum
	[ $(wc -c < $STATE/sum) -eq 33 ] || die "the guest's sum is '$(cat $STATE/sum)'"
}

sum_in_guest() {
	guest disk "echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/xvda bs=1M count=$MIB 2>/dev/null | md5sum" 200 |
		awk '{ print $1 }'
}

read_disk() { same "sum of what was read back" $(sum_in_guest) $(cat $STATE/sum); }

read_in_dom0() {
	same "sum of dom0's partition" \
		$(dd if=$DISK iflag=direct bs=1M count=$MIB | md5sum | cut -d' ' -f1) $(cat $STATE/sum)
}

read_after_reboot() {
	mark disk
	tell disk reboot
	wait_agent disk
	wait_for 20 exists disk
	read_disk
}

read_only() {
	start ro "disk=[ 'phy:/dev/vdb2,xvda,r' ]"
	same "ro" $(guest ro "cat /sys/block/xvda/ro") 1
	refuses guest ro "dd if=/dev/zero of=/dev/xvda bs=4k count=1 conv=fsync"
	guest ro "dd if=/dev/xvda of=/dev/null bs=1M count=4"
}

unplug() {
	xl destroy ro
	xl shutdown -w disk
	wait_gone disk
	same "devices left in xenstore" "$(xenstore-list /local/domain/0/backend/vbd 2>/dev/null)" ""
}

step disk-write write_disk
then_step disk-read read_disk
then_step disk-dom0 read_in_dom0
then_step disk-reboot read_after_reboot
then_step disk-read-only read_only
then_step disk-unplug unplug
