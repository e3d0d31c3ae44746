# SPDX-License-Identifier: Apache-2.0
# What becomes of a guest that crashed: each on_crash of xl.

DUMPS=/var/lib/xen/dump

# Debian's arm64 kernel does not tell the hypervisor of its panics, so dom0 says that it crashed.
declare_crash() {
	python3 - $(domid $1) <<-'END'
		import ctypes, glob, sys
		xen = ctypes.CDLL(glob.glob("/usr/lib/aarch64-linux-gnu/libxenctrl.so.4.*")[0])
		xen.xc_interface_open.restype = ctypes.c_void_p
		handle = ctypes.c_void_p(xen.xc_interface_open(None, None, 0))
		sys.exit(xen.xc_domain_shutdown(handle, int(sys.argv[1]), 3) != 0)
	END
}

# crash NAME ACTION: a guest with that action crashes.
crash() {
	start $1 "on_crash='$2'"
	domid $1 > $STATE/$1.id
	mark $1
	declare_crash $1
}

# restarted NAME: another domain of that name takes commands.
restarted() {
	wait_agent $1
	wait_for 20 exists $1
	[ $(domid $1) -gt $(cat $STATE/$1.id) ] || die "it is still domain $(domid $1)"
	guest $1 true
}

# dumped NAME: there is a core of its memory, an ELF file.
dumped() {
	local file
	file=$(ls $DUMPS/*$1* | head -n 1)
	[ $(stat -c %s $file) -gt $((128 << 20)) ] || die "the core has $(stat -c %s $file) bytes"
	same "magic" "$(head -c 4 $file | tail -c 3)" ELF
	rm $file
}

with_destroy() {
	crash c1 destroy
	wait_gone c1
}

with_restart() {
	crash c2 restart
	restarted c2
	xl destroy c2
}

with_preserve() {
	crash c3 preserve
	wait_for 20 has_state c3 c
	same "domain" $(domid c3) $(cat $STATE/c3.id)
	xl list c3
	xl destroy c3
	gone c3
}

with_rename_restart() {
	local old
	crash c4 rename-restart
	restarted c4
	old=$(cat $STATE/c4.id)
	wait_for 20 has_state $old c
	xl list
	[ $(xl domname $old) != c4 ] || die "the old one is not renamed"
	xl destroy $old
	xl destroy c4
}

with_coredump_destroy() {
	crash c5 coredump-destroy
	wait_gone c5 100
	dumped c5
}

with_coredump_restart() {
	crash c6 coredump-restart
	restarted c6
	dumped c6
	xl destroy c6
}

mkdir -p $DUMPS
step crash-destroy with_destroy
step crash-restart with_restart
step crash-preserve with_preserve
step crash-rename-restart with_rename_restart
step crash-coredump-destroy with_coredump_destroy
step crash-coredump-restart with_coredump_restart
