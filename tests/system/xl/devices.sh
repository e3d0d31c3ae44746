# SPDX-License-Identifier: Apache-2.0
# A device of the machine in a guest: the clock, whose registers and interrupt xl gives away.
# Withheld: pl031@9010000

CLOCK="iomem=[ '0x9010,1' ]"
ALARM="irqs=[ 34 ]"
# A part of a tree, for Linux to find it.
TREE="device_tree='/scenarios/pl031.dtb'"

# devmem GUEST ADDRESS: as a decimal number
devmem() { echo $(($(guest $1 "devmem $2 32"))); }

# What each PL031 says of itself at the end of its page.
is_clock() {
	local offset id=""
	for offset in fe0 fe4 fe8 fec ff0 ff4 ff8 ffc; do
		id+=" $(devmem $1 $2$offset)"
	done
	same "identity" "$id" " 49 16 20 0 13 240 5 177"
}

registers() {
	local then now
	same "clocks of dom0" "$(ls /sys/class/rtc)" ""
	start reader "$CLOCK"
	is_clock reader 0x9010
	then=$(devmem reader 0x9010000)
	guest reader "sleep 3"
	now=$(devmem reader 0x9010000)
	# The emulator's clock is that of its host, whose seconds are shorter than the machine's.
	[ $((now - then)) -ge 3 ] && [ $((now - then)) -le 300 ] || die "it went from $then to $now"
	refuses guest reader "devmem 0x9011000"
	refuses guest reader "devmem 0x900ffff 8"
}

# Registers may be anywhere in the guest; two guests see the same.
elsewhere() {
	local match=0x12345678
	start other "iomem=[ '0x9010,1@0x9020' ]"
	is_clock other 0x9020
	refuses guest other "devmem 0x9010000"
	guest other "devmem 0x9020004 32 $match"
	same "what one wrote and the other read" $(devmem reader 0x9010004) $((match))
	xl destroy other
	xl destroy reader
}

alarms() { guest $1 "awk '/rtc-pl031/ { print \$2 }' /proc/interrupts"; }

# rings NAME: its driver is told of the time.
rings() {
	local before
	guest $1 "dmesg | grep 'rtc-pl031 9010000.pl031: registered as rtc0'"
	before=$(alarms $1)
	guest $1 "echo +2 > /sys/class/rtc/rtc0/wakealarm; sleep 4"
	same "alarms" $(($(alarms $1) - before)) 1
}

interrupt() {
	start alarm "$CLOCK" "$ALARM" "$TREE"
	rings alarm
}

# create_refused WHY LINE...: xl must say why it makes no such guest.
create_refused() {
	config refused "${@:2}"
	refuses xl create $STATE/refused.cfg
	grep -q -- "$1" <<< "$SAID" || die "xl says '$SAID' instead of '$1'"
	refuses xl domid refused
}

refused() {
	create_refused "irq 34" "$CLOCK" "$ALARM"		# it is the other guest's
	create_refused "irq 33" "irqs=[ 33 ]"			# the hypervisor's
	create_refused "irq 79" "irqs=[ 79 ]"			# of dom0's disk
	create_refused "iomem range 9000-9000" "iomem=[ '0x9000,1' ]"	# the hypervisor's UART
	create_refused "iomem range 80a0-80a0" "iomem=[ '0x80a0,1' ]"	# its interrupt controller
	create_refused "iomem range 50000-50000" "iomem=[ '0x50000,1' ]"	# RAM
	create_refused "iomem range 9010-9110" "iomem=[ '0x9010,0x101' ]"
	rings alarm
}

# Its end gives back both.
again() {
	xl destroy alarm
	start next "$CLOCK" "$ALARM" "$TREE"
	rings next
	xl shutdown -w next
	wait_gone next
	start last
	refuses guest last "devmem 0x9010fe0"
	xl destroy last
}

step devices-registers registers
then_step devices-elsewhere elsewhere
step devices-interrupt interrupt
then_step devices-refused refused
then_step devices-again again
