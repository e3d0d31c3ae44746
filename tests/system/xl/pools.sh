# SPDX-License-Identifier: Apache-2.0
# CPU pools at run time: made, filled, guests moved in and out while they work, taken apart.

pool_of() { xl list -c "$1" | awk 'NR == 2 { print $NF }'; }
cpu_of() { xl vcpu-list "$1" | awk -v vcpu=${2:-0} 'NR > 1 && $3 == vcpu { print $4 }'; }
cpus_of_pool() { xl cpupool-list -c "$1" | awk 'NR == 2 { print $2 }'; }

# works NAME: it computes, and answers.
works() { same "sum" $(guest $1 "n=0; s=0; while [ \$n -lt 1000 ]; do n=\$((n + 1)); s=\$((s + n)); done; echo \$s") 500500; }

make_pool() {
	xl cpupool-list
	same "CPUs of Pool-0" $(cpus_of_pool Pool-0) 0,1
	refuses xl cpupool-create "name='second'" "cpus=['1']"
	xl cpupool-cpu-remove Pool-0 1
	same "CPUs of Pool-0" $(cpus_of_pool Pool-0) 0
	xl cpupool-create "name='second'" "sched='credit2'" "cpus=['1']"
	same "CPUs of the second" $(cpus_of_pool second) 1
	same "its policy" $(xl cpupool-list second | awk 'NR == 2 { print $3 }') credit2
}

start_in_pool() {
	start inside "pool='second'"
	same "pool" $(pool_of inside) second
	works inside
	same "CPU" $(cpu_of inside) 1
	refuses xl cpupool-destroy second
}

migrate() {
	start mover vcpus=2
	same "pool" $(pool_of mover) Pool-0
	xl cpupool-migrate mover second
	same "pool" $(pool_of mover) second
	works mover
	same "CPUs" "$(cpu_of mover 0) $(cpu_of mover 1)" "1 1"
	xl cpupool-migrate mover Pool-0
	same "pool" $(pool_of mover) Pool-0
	works mover
	same "CPUs" "$(cpu_of mover 0) $(cpu_of mover 1)" "0 0"
	same "domains of the pools" "$(xl cpupool-list | awk 'NR > 1 { print $1, $5 }' | sort | tr '\n' ' ')" \
		"Pool-0 2 second 1 "
	xl destroy mover
}

many_moves() {
	local n
	guest inside "(while :; do :; done) > /dev/null 2>&1 &"
	for n in 1 2 3 4 5 6 7 8 9 10; do
		xl cpupool-migrate inside Pool-0
		xl cpupool-migrate inside second
	done
	works inside
	xl destroy inside
}

rename_and_destroy() {
	xl cpupool-rename second other
	same "CPUs" $(cpus_of_pool other) 1
	xl cpupool-destroy other
	refuses xl cpupool-list other
	xl cpupool-cpu-add Pool-0 1
	same "CPUs of Pool-0" $(cpus_of_pool Pool-0) 0,1
	start after vcpus=2
	works after
	xl destroy after
}

step pool-make make_pool
step pool-start start_in_pool
step pool-migrate migrate
step pool-many-moves many_moves
step pool-destroy rename_and_destroy
