#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that are still missing, after saying which and why.
#   install-deps.sh build    what `make` needs
#   install-deps.sh run      and `make run`
#   install-deps.sh check    and `make check` (default)
# On a terminal it asks first; as root without one it installs; otherwise it uses sudo.
set -eu
export LC_ALL=C

say() { echo "deps: $*" >&2; }
die() { say "$*"; exit 1; }

# package, what shows that it is there (a command, or a file), what it is for
BUILD_DEPS='
gcc-aarch64-linux-gnu	aarch64-linux-gnu-gcc	the arm64 compiler
binutils-aarch64-linux-gnu	aarch64-linux-gnu-ld	the arm64 linker
kconfig-frontends-nox	kconfig-conf	the configuration
python3	python3	scripts of the build
ca-certificates	/etc/ssl/certs/ca-certificates.crt	fetching packages over https'
RUN_DEPS='
qemu-system-arm	qemu-system-aarch64	the machine to run on
device-tree-compiler	dtc	device trees of guests and tests
e2fsprogs	/usr/sbin/mkfs.ext4	disks of guests'
CHECK_DEPS='
gcc	gcc	unit tests on this machine
libc6-dev	/usr/include/stdio.h	unit tests on this machine
libcmocka-dev	/usr/include/cmocka.h	unit tests on this machine
libfdt-dev	/usr/include/libfdt.h	device trees in unit tests
libxen-dev	/usr/include/xen/xen.h	public headers to compare ours with
universal-ctags	ctags-universal	length of functions
cloc	cloc	lines of code
clang	clang	the second compiler
gcc-arm-linux-gnueabihf	arm-linux-gnueabihf-gcc	a 32-bit guest
zlib1g-dev	/usr/include/zlib.h	to compare our unpacking with
libclang-rt-dev	/usr/share/doc/libclang-rt-dev	fuzzers
lld	ld.lld	the second linker
llvm	llvm-objcopy	tools of the second compiler'

case ${1:-check} in
build) wanted=$BUILD_DEPS ;;
run) wanted=$BUILD_DEPS$RUN_DEPS ;;
check) wanted=$BUILD_DEPS$RUN_DEPS$CHECK_DEPS ;;
*) die "there is no set of packages '$1'; known are build, run and check" ;;
esac

is_there() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# Reads the table on stdin, prints the missing packages, says what each is for.
list_missing() {
	while IFS='	' read -r package probe purpose; do
		[ -n "$package" ] && ! is_there "$probe" || continue
		say "missing: $package ($purpose)"
		echo "$package"
	done
}

missing=$(echo "$wanted" | list_missing | tr '\n' ' ')
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || die "this is not a Debian system; install what gives you the" \
	"programs above by hand and try again"

root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "run this as root: apt-get install $missing"
	root="sudo"
fi

if [ -t 0 ] && [ -t 2 ] && [ -z "${CI:-}" ]; then
	printf 'deps: install them now with apt-get? [Y/n] ' >&2
	read -r answer
	case $answer in
	[nN]*) die "nothing was installed; to do it yourself: apt-get install $missing" ;;
	esac
else
	root="$root${root:+ -n}"
fi

say "installing $missing"
# The package lists may be too old or absent: read them once more before giving up.
# shellcheck disable=SC2086
install() { $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >&2; }
install || {
	say "reading the package lists and trying again"
	$root apt-get update >&2 && install
} || die "the packages could not be installed (see above); is there a network, and does" \
	"'apt-get install $missing' work as root?"
