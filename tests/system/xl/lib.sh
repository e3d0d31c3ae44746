# SPDX-License-Identifier: Apache-2.0
# What the scenarios share; run by /scenarios/run in the control domain, with bash.
#
# A scenario is a file NAME.sh of functions and of lines `step NAME FUNCTION` or `then_step NAME
# FUNCTION`, each of which prints "T: PASS NAME (SECONDS)" or "T: FAIL NAME why". Every command of the
# function must succeed, unless it stands in a condition. Seconds are those of the machine's clock,
# which follows instructions. A line "# Hypervisor: ARGUMENTS" boots a control domain of its own, with
# these arguments of the hypervisor.

STATE=/run/rig			# configurations, notes
LOGS=/var/log/xen		# where xenconsoled writes what guests say
KERNEL=/boot/Image
RAMDISK=/boot/guest.cpio.gz

mkdir -p $STATE

# ---- steps -------------------------------------------------------------------------------------

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'; }

# step NAME FUNCTION [ARGUMENTS]
step() {
	local name=$1 start=$EPOCHREALTIME status
	shift
	rm -f $STATE/why
	(
		set -eE
		trap '[ -e $STATE/why ] || echo "line $LINENO of ${FUNCNAME[0]}: $BASH_COMMAND" > $STATE/why' ERR
		"$@"
	) > $STATE/log 2>&1 < /dev/null
	status=$?
	if [ $status -eq 0 ]; then
		echo "T: PASS $name ($(seconds_since $start))"
		PASSED=yes
		return
	fi
	PASSED=no
	echo "T: FAIL $name $(tr '\n' ' ' 2>/dev/null < $STATE/why || echo "status $status")"
	{
		tail -n 15 $STATE/log
		xl list
		tail -n 8 $(ls -t $LOGS/guest-*.log | head -n 2)
	} 2>&1 < /dev/null | tr -d '\r' | sed 's/^/T# /'
	clean
}

# then_step NAME FUNCTION [ARGUMENTS]: only if the step before has passed. (In
# `step a f && step b g` the shell would go on behind commands of f that fail.)
then_step() {
	[ $PASSED = yes ] || return 0
	step "$@"
}

# die WHY: the step has failed.
die() {
	[ -e $STATE/why ] || echo "$*" > $STATE/why
	exit 1
}

# same WHAT GOT WANTED
same() { [ "$2" = "$3" ] || die "$1 is '$2' instead of '$3'"; }

# refuses COMMAND...: it must fail, though not by waiting in vain; what it said is in $SAID.
refuses() {
	if SAID=$("$@" 2>&1); then die "'$*' succeeded: $SAID"; fi
	[ ! -e $STATE/why ] || exit 1
	echo "$SAID"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || die "in vain waited for: $*"
		sleep 0.2
	done
}

# ---- guests ------------------------------------------------------------------------------------

# config NAME [LINE...]: writes the guest's configuration; a LINE replaces the usual one.
config() {
	local name=$1 line
	shift
	declare -A lines=([kernel]="\"$KERNEL\"" [ramdisk]="\"$RAMDISK\"" [memory]=128 [vcpus]=1
		[extra]="\"console=hvc0 agent name=$name ${EXTRA:-}\"" [name]="\"$name\"")
	for line in "$@"; do
		lines[${line%%=*}]=${line#*=}
	done
	for line in "${!lines[@]}"; do
		echo "$line=${lines[$line]}"
	done > $STATE/$name.cfg
}

# start NAME [LINE...]: makes a guest and waits until it takes commands.
start() {
	config "$@"
	mark $1
	xl create $STATE/$1.cfg
	wait_agent $1
}

domid() { xl domid "$1"; }
exists() { xl domid "$1" >/dev/null 2>&1; }
gone() { ! exists "$1"; }
wait_gone() { wait_for ${2:-60} gone "$1"; }

# state NAME: the letters of xl list, such as -b---- or ---sc-
state() { xl list "$1" | awk 'NR == 2 { print $5 }'; }
has_state() { [[ $(state "$1") == *"$2"* ]]; }

log_of() { echo $LOGS/guest-$1.log; }

# mark NAME: what its console says from now on is what the next waits look at.
mark() { stat -c %s $(log_of $1) 2>/dev/null > $STATE/$1.mark || echo 0 > $STATE/$1.mark; }
said() { tail -c +$(($(cat $STATE/$1.mark) + 1)) $(log_of $1) 2>/dev/null | tr -d '\r'; }
has_said() { said "$1" | grep -q -- "$2"; }

# wait_console NAME PATTERN [SECONDS]
wait_console() { wait_for ${3:-60} has_said $1 "$2"; }
wait_agent() { wait_console $1 "^agent is ready" ${2:-120}; }

# tell NAME COMMAND: has the guest run it, waits for nothing. Its number is in $NUMBER.
tell() {
	NUMBER=$(($(cat $STATE/number 2>/dev/null || echo 0) + 1))
	echo $NUMBER > $STATE/number
	mark $1
	echo "$NUMBER $2" > $(xenstore-read /local/domain/$(domid $1)/console/tty)
}

# answer NAME [SECONDS]: waits for the answer to what it was told last, prints it, returns its status.
answer() {
	wait_console $1 "^$NUMBER> " ${2:-60}
	said $1 | sed -n "/^<$NUMBER\$/,/^$NUMBER> /p" | sed '1d; $d'
	return $(said $1 | sed -n "s/^$NUMBER> //p")
}

# guest NAME COMMAND [SECONDS]: both.
guest() {
	tell "$1" "$2"
	answer "$1" ${3:-60}
}

address_of() { guest $1 "ip -4 -o address show eth0" | awk '{ sub("/.*", "", $4); print $4 }'; }

# clean: no guest is left.
clean() {
	local id
	for id in $(xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do
		xl destroy $id
	done > /dev/null 2>&1
	pkill_own
}

# Programs that a step left behind, among them the xl that looks after a guest.
pkill_own() {
	local pid
	for pid in $(pidof xl xenstore-watch nc); do
		kill $pid
	done 2>/dev/null
	return 0
}
