# SPDX-License-Identifier: Apache-2.0
# What tells how the machine is: trace buffers, debug keys, the registers of a guest.

TRACE=/tmp/trace

# Two seconds of everything; xenalyze must follow every CPU through all of it.
trace() {
	local domain
	timeout -s INT 2 xentrace -D -e all -S 64 $TRACE || [ $? -eq 124 ]
	[ -s $TRACE ] || die "xentrace wrote nothing"
	xenalyze --dump-all $TRACE > $TRACE.dump 2>&1
	xenalyze --summary $TRACE > $TRACE.summary 2>&1
	for domain in 0 32767; do
		grep -q -- "|-- Domain $domain --|" $TRACE.summary || die "nothing of domain $domain"
	done
	for change in "blocked->runnable" "runnable->running" "running->blocked"; do
		grep -q "runstate_change d0v0 $change" $TRACE.dump || die "vcpu 0 never went $change"
	done
	if grep -E "FATAL|Strange|unexpected" $TRACE.dump $TRACE.summary; then
		die "xenalyze wonders"
	fi
}

# A domain that comes and goes while only scheduling is traced, with one page of buffer.
trace_domain() {
	local pid id
	xentrace -D -e 0x6f000 $TRACE &
	pid=$!
	sleep 1
	start traced
	id=$(domid traced)
	xl destroy traced
	sleep 1
	kill -INT $pid
	wait $pid || true
	xenalyze --dump-all $TRACE > $TRACE.dump 2>&1
	for what in "creating domain d$id" "sched_init_domain d$id" "runstate_change d${id}v0"; do
		grep -q "$what" $TRACE.dump || die "no record of: $what"
	done
}

# Every key that both have says something; dom0 goes on.
keys() {
	local key before after
	for key in h q r e a g m H t 0 d i; do
		before=$(xl dmesg | cksum)
		xl debug-keys $key
		after=$(xl dmesg | cksum)
		[ "$key" = i ] || [ "$before" != "$after" ] || die "key $key says nothing"
	done
	xl debug-keys qreg
}

# Registers and a stack of a guest that sleeps in its kernel.
registers() {
	start ctx vcpus=2
	xenctx -a $(domid ctx) 0 > $TRACE
	grep -Eqi "PC: +ffff[0-9a-f]{12}" $TRACE || die "no kernel address in PC: $(head -n 3 $TRACE)"
	grep -Eqi "CPSR" $TRACE || die "no CPSR"
	xenctx -a $(domid ctx) 1 > $TRACE
	xenctx $(domid ctx) 7 2>&1 | grep -q "Invalid argument" || die "vcpu 7 has registers"
	same "answer afterwards" "$(guest ctx "echo alive")" alive
	xl destroy ctx
}

step observe-trace trace
step observe-trace-domain trace_domain
step observe-keys keys
step observe-registers registers
