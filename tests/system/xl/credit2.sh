# SPDX-License-Identifier: Apache-2.0
# Weights, caps and the rate limit of credit2: set, read back, and measured by what two guests that
# always want the same CPU get of it.

SECONDS_MEASURED=4

# Columns of xl sched-credit2's line of a domain: name, ID, weight, cap.
weight_of() { xl sched-credit2 -d "$1" | awk 'NR == 2 { print $3 }'; }
cap_of() { xl sched-credit2 -d "$1" | awk 'NR == 2 { print $4 }'; }
rate_of() { xl sched-credit2 -s -p "$1" | sed -n 's/.*ratelimit=\([0-9]*\)us.*/\1/p'; }

# shares: what busy1 and busy2 get, in tenths of a per cent of a CPU.
shares() {
	xentop -b -i 2 -d $SECONDS_MEASURED |
		awk '$1 == "NAME" { round++ } round == 2 { share[$1] = $4 * 10 }
			END { print share["busy1"], share["busy2"] }'
}

# shares_are WANTED1 WANTED2: each within 5 %.
shares_are() {
	local got
	sleep 1
	got=$(shares)
	echo "shares: $got; wanted: $*"
	awk -v wanted="$*" 'BEGIN { split(wanted, w) }
		{ for (n in w) if ($n < w[n] * 0.95 || $n > w[n] * 1.05) exit 1 }' <<< "$got" ||
		die "the shares are $got instead of $*"
}

parameters() {
	xl sched-credit2
	same "weight of dom0" $(weight_of 0) 256
	same "cap of dom0" $(cap_of 0) 0
	same "rate limit" $(rate_of Pool-0) 1000
	xl sched-credit2 -s -p Pool-0 -r 2000
	same "rate limit, changed" $(rate_of Pool-0) 2000
	refuses xl sched-credit2 -s -p Pool-0 -r 50
	refuses xl sched-credit2 -s -p Pool-0 -r 500001
	same "rate limit, afterwards" $(rate_of Pool-0) 2000
	xl sched-credit2 -s -p Pool-0 -r 1000
	refuses xl sched-credit2 -d 0 -w 0
	refuses xl sched-credit2 -d 0 -w 65536
	refuses xl sched-credit2 -d 0 -c 201
	xl sched-credit2 -d 0 -w 65535
	same "weight of dom0" $(weight_of 0) 65535
	xl sched-credit2 -d 0 -w 256
	refuses xl sched-credit2 -d nobody -w 256
	refuses xl sched-credit -d 0
}

# A guest's configuration sets them, too.
configured() {
	config tuned cpu_weight=512 cap=25
	xl create -p $STATE/tuned.cfg
	same "weight" $(weight_of tuned) 512
	same "cap" $(cap_of tuned) 25
	xl destroy tuned
}

# Dom0 leaves the guests' CPU alone.
two_busy() {
	local name
	xl vcpu-pin 0 all 0
	for name in busy1 busy2; do
		start $name "cpus='1'"
		same "weight" $(weight_of $name) 256
	done
	for name in busy1 busy2; do
		guest $name "(while :; do :; done) > /dev/null 2>&1 &"
	done
	shares_are 500 500
}

weights() {
	xl sched-credit2 -d busy1 -w 512
	same "weight" $(weight_of busy1) 512
	shares_are 667 333
	xl sched-credit2 -d busy2 -w 1536
	shares_are 250 750
}

caps() {
	xl sched-credit2 -d busy2 -w 256
	xl sched-credit2 -d busy1 -c 25
	same "cap" $(cap_of busy1) 25
	same "weight, still" $(weight_of busy1) 512
	shares_are 250 750
	xl pause busy2
	shares_are 250
	xl sched-credit2 -d busy1 -c 0
	shares_are 1000
	xl destroy busy2
	xl destroy busy1
	xl vcpu-pin 0 all all
}

step credit2-parameters parameters
step credit2-configured configured
step credit2-equal two_busy
then_step credit2-weights weights
then_step credit2-caps caps
