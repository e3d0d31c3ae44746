# SPDX-License-Identifier: Apache-2.0
# Disks and networks that come and go while the guest runs.

block_attach() {
	start hot "vif=[ 'bridge=xenbr0' ]"
	refuses guest hot "[ -b /dev/xvdb ]"
	xl block-attach hot phy:/dev/vdb1 xvdb w
	wait_for 20 guest hot "[ -b /dev/xvdb ]"
	same "size in sectors" $(guest hot "cat /sys/block/xvdb/size") $(cat /sys/block/vdb/vdb1/size)
	guest hot "dd if=/dev/urandom of=/dev/xvdb bs=1M count=4; sync"
	xl block-list hot
	same "disks" $(xl block-list hot | awk 'NR > 1' | wc -l) 1
	refuses xl block-attach hot phy:/dev/nothing xvdc w
}

block_detach() {
	local wanted
	wanted=$(guest hot "head -c 4194304 /dev/xvdb | md5sum")
	xl block-detach hot xvdb
	wait_for 20 guest hot "[ ! -b /dev/xvdb ]"
	same "disks" $(xl block-list hot | awk 'NR > 1' | wc -l) 0
	same "sum in dom0" "$(dd if=/dev/vdb1 iflag=direct bs=1M count=4 2>/dev/null | md5sum)" "$wanted"
	xl block-attach hot phy:/dev/vdb1 xvdc r
	wait_for 20 guest hot "[ -b /dev/xvdc ]"
	same "sum at another place" "$(guest hot 'head -c 4194304 /dev/xvdc | md5sum')" "$wanted"
	xl block-detach hot xvdc
}

network_attach() {
	xl network-attach hot bridge=xenbr0 mac=00:16:3e:11:22:33
	wait_for 20 guest hot "[ -e /sys/class/net/eth1 ]"
	same "mac" "$(guest hot 'cat /sys/class/net/eth1/address')" 00:16:3e:11:22:33
	guest hot "ip address add 192.168.77.201/24 dev eth1; ip link set eth1 up; ip link set eth0 down"
	wait_for 20 guest hot "ping -c 1 -W 1 -I eth1 192.168.77.1"
	same "interfaces" $(xl network-list hot | awk 'NR > 1' | wc -l) 2
}

network_detach() {
	xl network-detach hot 1
	wait_for 20 guest hot "[ ! -e /sys/class/net/eth1 ]"
	same "interfaces" $(xl network-list hot | awk 'NR > 1' | wc -l) 1
	guest hot "ip link set eth0 up"
	wait_for 20 guest hot "ping -c 1 -W 1 192.168.77.1"
}

again_and_again() {
	local n
	for n in 1 2 3 4 5; do
		xl block-attach hot phy:/dev/vdb2 xvdb w
		wait_for 20 guest hot "[ -b /dev/xvdb ]"
		guest hot "dd if=/dev/xvdb of=/dev/null bs=1M count=1"
		xl block-detach hot xvdb
		wait_for 20 guest hot "[ ! -b /dev/xvdb ]"
	done
	xl destroy hot
	same "devices left in xenstore" "$(xenstore-ls /local/domain/0/backend 2>/dev/null | grep -c frontend-id)" 0
}

step block-attach block_attach
then_step block-detach block_detach
then_step network-attach network_attach
then_step network-detach network_detach
then_step hotplug-again again_and_again
