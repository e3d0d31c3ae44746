# SPDX-License-Identifier: Apache-2.0
# A guest's second console: an SBSA UART that the hypervisor emulates and xenconsoled reads.

LINE_LOG=$LOGS/guest-line-vuart0.log	# what came of it

# line INPUT [SECONDS]: types that on the UART by xl console, which wants a terminal and ends at
# Ctrl-]; prints what it has said until then.
line() {
	{ sleep 0.5; printf "%s" "$1"; sleep ${2:-2}; printf "\035"; } |
		python3 -c 'import pty; pty.spawn(["xl", "console", "-t", "vuart", "line"])' | tr -d '\r'
}

# Linux has a driver for its memory's address from the first line, and another for its interrupt.
boot_on_it() {
	EXTRA="earlycon=pl011,0x22000000 console=ttyAMA0" start line 'vuart="sbsa_uart"'
	wait_for 20 grep -qs "^guest is up" $LINE_LOG
	grep "Booting Linux on physical CPU" $LINE_LOG
	grep "bootconsole \[pl11\] enabled" $LINE_LOG
	grep "22000000.sbsa-pl011: ttyAMA0 at MMIO 0x22000000.*is a SBSA" $LINE_LOG
	xenstore-ls /local/domain/$(domid line)/vuart
}

say_and_hear() {
	guest line "stty -F /dev/ttyAMA0 raw -echo; echo 'out of the guest' > /dev/ttyAMA0"
	wait_for 10 grep -q "^out of the guest" $LINE_LOG
	tell line "head -n 1 /dev/ttyAMA0"
	line $'into the guest\n'
	same "what the guest heard" "$(answer line)" "into the guest"
}

# More than the ring and all FIFOs hold, each way.
much() {
	local wanted
	guest line "seq 1 2000 > /dev/ttyAMA0; echo end of it > /dev/ttyAMA0"
	wait_for 20 grep -q "^end of it" $LINE_LOG
	wanted=$(seq 1 2000 | md5sum)
	same "sum of what came" "$(tr -d '\r' < $LINE_LOG | sed -n '/^1$/,/^2000$/p' | md5sum)" "$wanted"
	tell line "head -n 1000 /dev/ttyAMA0 | md5sum"
	line "$(seq 1 1000)"$'\n' 4
	same "sum of what went" "$(answer line)" "$(seq 1 1000 | md5sum)"
}

# A shell of its own there.
shell_on_it() {
	guest line "stty -F /dev/ttyAMA0 sane -echo; setsid sh -i < /dev/ttyAMA0 > /dev/ttyAMA0 2>&1 &"
	line $'echo $((6 * 7)) is $(tty)\n' > $STATE/line
	cat $STATE/line
	grep "42 is /dev/ttyAMA0" $STATE/line
	guest line "grep -i 'uart-pl011' /proc/interrupts"
}

end_of_it() {
	xl reboot line
	wait_for 60 eval "[ \$(grep -c '^guest is up' $LINE_LOG) -eq 2 ]"
	wait_for 20 exists line
	xl destroy line
	start plain
	refuses guest plain "devmem 0x22000018"
	xl destroy plain
}

step vuart-boot boot_on_it
then_step vuart-both-ways say_and_hear
then_step vuart-much much
then_step vuart-shell shell_on_it
then_step vuart-end end_of_it
