#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the Debian packages that the build, `make run` and the tests need, and unpacks them
# into a cache. It uses an apt state of its own with the machine's own Debian sources: the
# machine's architectures, sources, package lists and installed packages stay as they are.
# Versions are what the sources offer on the day of the first fetch; `update` looks again.
#
#   fetch-debian.sh [GROUP...]   groups: libfdt busybox kernel xen (the default), boards, toolstack,
#                                armhf, qemu10, libxen13, debian13
#   fetch-debian.sh path WHAT    prints where WHAT is: kernel modules busybox xen libfdt.a
#                                libfdt-include zcu102.dtb rpi4.dtb toolstack kernel32 busybox32
#                                qemu10 qemu10-share xen13 libxen13-include toolstack13 cache;
#                                fetches it first if it is not there
#   fetch-debian.sh update       looks for newer versions of everything fetched so far
#
# The cache is $SERAI_CACHE, by default ~/.cache/serai; it can be deleted at any time.
set -eu
export LC_ALL=C

CACHE=${SERAI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/serai}
NOW=$CACHE/current
SUITE=bookworm

say() { echo "fetch: $*" >&2; }
die() { say "$*"; exit 1; }

# ---- a private apt ----------------------------------------------------------------------------

# Copies the Debian entries of the machine's sources (both formats) to folder $1, with suite
# $SUITE replaced by $2 if given; architecture limits are dropped.
copy_sources() {
	rm -rf "$1"
	mkdir -p "$1"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$file" ] || continue
		sed -n -e 's/arch=[^] ]*//; s/\[ *\]//' \
			-e "/^deb .*[ /]$SUITE\\(-updates\\|-security\\|\\/updates\\)\\{0,1\\} .*main/p" \
			"$file" > "$1/$(basename "$file" .list)-line.list"
	done
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -f "$file" ] || continue
		awk -v suite="$SUITE" 'BEGIN { RS = ""; ORS = "\n\n" }
			$0 ~ "Suites:[^\n]*" suite && /Components:[^\n]*main/ && !/Enabled: *no/ {
				gsub(/(^|\n)(#|Architectures:)[^\n]*/, ""); sub(/^\n/, ""); print }' \
			"$file" > "$1/$(basename "$file")"
	done
	find "$1" -type f -empty -delete
	[ -n "$(ls "$1")" ] || die "no Debian 12 ($SUITE) source is configured in /etc/apt;" \
		"add one (man sources.list) and try again"
	[ -z "${2:-}" ] || use_suite "$1" "$2"
}

# Leaves only the entries for $SUITE itself and turns them into entries for suite $2.
use_suite() {
	sed -i -n "s/ $SUITE / $2 /p" $(ls -d "$1"/*.list 2>/dev/null) /dev/null 2>/dev/null || true
	for file in "$1"/*.sources; do
		[ -f "$file" ] || continue
		awk -v suite="$SUITE" -v to="$2" 'BEGIN { RS = ""; ORS = "\n\n" }
			$0 ~ "Suites:([^\n]* )?" suite "( |\n|$)" {
				sub(/Suites:[^\n]*/, "Suites: " to); print }' "$file" > "$file.new"
		mv "$file.new" "$file"
	done
	find "$1" -type f -empty -delete
}

# private_apt TOOL ARGS...: an apt program on the state $APT_STATE for architecture $APT_ARCH.
private_apt() {
	tool=$1
	shift
	[ -t 2 ] && quiet=-o=Serai::Tty=1 || quiet=-q
	"$tool" "$quiet" -o Dir::State="$APT_STATE" -o Dir::State::status="$APT_STATE/status" \
		-o Dir::State::lists="$APT_STATE/lists" -o Dir::Cache="$APT_STATE/cache" \
		-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$APT_STATE/sources" \
		-o APT::Architecture="$APT_ARCH" -o APT::Architectures="$APT_ARCH" \
		-o APT::Sandbox::User=root -o APT::Update::Error-Mode=any -o Acquire::Languages=none \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
		-o APT::Update::Post-Invoke-Success::=true "$@"
}

# use_apt NAME ARCH [SUITE]: picks the state; fetches package lists if it has none yet.
use_apt() {
	APT_STATE=$CACHE/apt/$1
	APT_ARCH=$2
	[ ! -e "$APT_STATE/ready" ] || return 0
	mkdir -p "$APT_STATE/lists/partial" "$APT_STATE/cache/archives/partial"
	: > "$APT_STATE/status"
	copy_sources "$APT_STATE/sources" "${3:-}"
	say "reading the package lists of Debian ${3:-$SUITE} for $2"
	private_apt apt-get update >&2 || die "the package lists could not be read (see above)." \
		"Is there a network, and does 'apt update' work on this machine? Then try again"
	touch "$APT_STATE/ready"
}

# depends_on PACKAGE PREFIX: the first dependency of PACKAGE that begins with PREFIX.
depends_on() {
	private_apt apt-cache depends "$1" | sed -n "s/^ *Depends: \\($2[^ ]*\\).*/\\1/p" | head -n 1
}

# download PACKAGE: leaves the .deb's path in $DEB.
download() {
	[ -n "$1" ] || die "a package could not be resolved in the lists under $APT_STATE;" \
		"delete $CACHE and try again"
	version=$(private_apt apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Filename: .*\///p' | head -n 1)
	[ -n "$version" ] || die "Debian's package $1 ($APT_ARCH) is not in the configured sources"
	# apt writes the epoch, which the archive's file name lacks: look for what it really wrote
	mkdir -p "$CACHE/deb/part"
	DEB=$CACHE/deb/$version
	[ ! -s "$DEB" ] || return 0
	say "downloading $version"
	rm -f "$CACHE"/deb/part/*
	(cd "$CACHE/deb/part" && private_apt apt-get download "$1" >&2) || return 1
	mv "$CACHE"/deb/part/*.deb "$DEB"
}

# get PACKAGE: download; stale package lists are read again once.
get() {
	download "$1" && return 0
	say "reading the package lists again"
	private_apt apt-get update >&2 && download "$1" && return 0
	die "package $1 could not be downloaded (see above). Is there a network? Then try again"
}

# unpack FOLDER [PATHS...]: the files of $DEB into $CACHE/root/FOLDER; empty PATHS: all.
unpack() {
	ROOT=$CACHE/root/$1
	shift
	mkdir -p "$ROOT"
	dpkg-deb --fsys-tarfile "$DEB" | tar -x -C "$ROOT" "$@" ||
		die "$DEB could not be unpacked; delete it and try again"
}

# publish NAME PATH: `path NAME` answers PATH from now on.
publish() {
	[ -e "$2" ] || die "$DEB does not hold ${2#"$ROOT"}; Debian changed its layout"
	mkdir -p "$NOW"
	ln -sfn "$2" "$NOW/$1.new"
	mv -T "$NOW/$1.new" "$NOW/$1"
}

# ---- the groups -------------------------------------------------------------------------------

deb_name() { basename "$DEB" .deb; }

fetch_libfdt() {
	use_apt arm64 arm64
	get libfdt-dev
	unpack "$(deb_name)" --wildcards ./usr/include '*/libfdt.a' ./usr/share/doc
	publish libfdt-include "$ROOT/usr/include"
	publish libfdt.a "$ROOT/usr/lib/aarch64-linux-gnu/libfdt.a"
}

fetch_busybox() {
	use_apt arm64 arm64
	get busybox-static
	unpack "$(deb_name)"
	publish busybox "$ROOT/bin/busybox"
}

# The kernel and its modules.
fetch_kernel() {
	use_apt arm64 arm64
	get "$(depends_on linux-image-arm64 linux-image-)"
	unpack "$(deb_name)" --wildcards './boot/*' './usr/share/doc/*' './lib/modules/*'
	image=$(ls "$ROOT"/boot/vmlinuz-*)
	if gzip -t "$image" 2>/dev/null; then
		gzip -dc "$image" > "$ROOT/boot/Image"
	else
		ln -sf "$(basename "$image")" "$ROOT/boot/Image"
	fi
	publish kernel "$ROOT/boot/Image"
	for modules in "$ROOT"/lib/modules/*; do
		publish modules "$modules"
	done
}

# Device trees of boards that QEMU emulates.
fetch_boards() {
	use_apt arm64 arm64
	get "$(depends_on linux-image-arm64 linux-image-)"
	unpack "$(deb_name)" --wildcards '*/zynqmp-zcu102-rev1.0.dtb' '*/bcm2711-rpi-4-b.dtb'
	for trees in "$ROOT"/usr/lib/linux-image-*; do
		publish zcu102.dtb "$trees/xilinx/zynqmp-zcu102-rev1.0.dtb"
		publish rpi4.dtb "$trees/broadcom/bcm2711-rpi-4-b.dtb"
	done
}

fetch_xen() {
	use_apt arm64 arm64
	get "$(depends_on xen-system-arm64 xen-hypervisor-)"
	unpack "$(deb_name)" --wildcards './boot/*' './usr/share/doc/*'
	for image in "$ROOT"/boot/xen-*-arm64; do
		publish xen "$image"
	done
}

# unpack_with_dependencies NAME PACKAGE...: these and all that they depend on, not configured.
unpack_with_dependencies() {
	ROOT=$CACHE/root/$1
	shift
	archives=$APT_STATE/cache/archives
	rm -f "$archives"/*.deb
	private_apt apt-get install -y --download-only --no-install-recommends "$@" >&2 ||
		{ private_apt apt-get update >&2 && private_apt apt-get install -y \
			--download-only --no-install-recommends "$@" >&2; } ||
		die "the packages could not be downloaded (see above). Is there a network?"
	rm -rf "$ROOT"
	mkdir -p "$ROOT"
	for DEB in "$archives"/*.deb; do
		dpkg-deb --fsys-tarfile "$DEB" | tar -x -C "$ROOT" --keep-directory-symlink \
			--exclude=./usr/share/doc --exclude=./usr/share/man \
			--exclude=./usr/share/locale || die "$DEB is broken"
	done
}

# The root of a control domain: Xen's tools and what its scripts need.
TOOLSTACK="xenstore-utils bash coreutils util-linux iproute2 libc-bin"

fetch_toolstack() {
	use_apt arm64 arm64
	say "downloading Debian's Xen tools and what they depend on (32 MB)"
	unpack_with_dependencies toolstack xen-utils-4.17 $TOOLSTACK
	publish toolstack "$ROOT"
}

# The next release's Xen: the headers alone, and the hypervisor with its tools.
fetch_libxen13() {
	use_apt trixie arm64 trixie
	get libxen-dev
	unpack "$(deb_name)" ./usr/include
	publish libxen13-include "$ROOT/usr/include"
}

fetch_debian13() {
	use_apt trixie arm64 trixie
	get "$(depends_on xen-system-arm64 xen-hypervisor-)"
	unpack "$(deb_name)" --wildcards './boot/*' './usr/share/doc/*'
	for image in "$ROOT"/boot/xen-*-arm64; do
		publish xen13 "$image"
	done
	say "downloading Debian 13's Xen tools and what they depend on (50 MB)"
	unpack_with_dependencies toolstack13 xen-utils-4.20 $TOOLSTACK
	publish toolstack13 "$ROOT"
}

# A kernel and a busybox for 32-bit guests; of the release itself.
fetch_armhf() {
	use_apt armhf armhf "$SUITE"
	get busybox-static
	unpack "$(deb_name)"
	publish busybox32 "$ROOT/bin/busybox"
	get "$(depends_on linux-image-armmp-lpae linux-image-)"
	unpack "$(deb_name)" --wildcards './boot/*' './usr/share/doc/*'
	for image in "$ROOT"/boot/vmlinuz-*; do
		publish kernel32 "$image"
	done
}

# A newer QEMU for this machine's own architecture, beside the installed one.
fetch_qemu10() {
	native=$(dpkg --print-architecture)
	use_apt backports "$native" "$SUITE-backports"
	get qemu-system-arm
	folder=$(deb_name)
	for package in qemu-system-arm qemu-system-common qemu-system-data; do
		get "$package"
		unpack "$folder"
	done
	publish qemu10-share "$ROOT/usr/share/qemu"
	publish qemu10 "$ROOT/usr/bin/qemu-system-aarch64"
}

group_of() {
	case $1 in
	libfdt.a | libfdt-include) echo libfdt ;;
	modules) echo kernel ;;
	zcu102.dtb | rpi4.dtb) echo boards ;;
	kernel32 | busybox32) echo armhf ;;
	qemu10-share) echo qemu10 ;;
	xen13 | toolstack13) echo debian13 ;;
	libxen13-include) echo libxen13 ;;
	busybox | kernel | xen | toolstack | qemu10) echo "$1" ;;
	*) die "'$1' is not known; known are: kernel modules busybox xen" \
		"libfdt.a libfdt-include zcu102.dtb rpi4.dtb toolstack kernel32 busybox32 qemu10" \
		"qemu10-share xen13 libxen13-include toolstack13 cache" ;;
	esac
}

# The name whose presence says that a whole group is there (it is published last).
mark_of() {
	case $1 in
	libfdt) echo libfdt.a ;;
	kernel) echo modules ;;
	boards) echo rpi4.dtb ;;
	armhf) echo kernel32 ;;
	libxen13) echo libxen13-include ;;
	debian13) echo toolstack13 ;;
	*) echo "$1" ;;
	esac
}

ensure() {
	for group in "$@"; do
		mark=$NOW/$(mark_of "$group")
		[ ! -e "$mark" ] || continue
		command -v dpkg-deb >/dev/null || die "dpkg-deb is missing; this needs a Debian system"
		mkdir -p "$CACHE/root" || die "the cache $CACHE cannot be written; choose another" \
			"folder with SERAI_CACHE=/some/folder"
		exec 9> "$CACHE/lock"
		flock 9
		[ -e "$mark" ] || "fetch_$group"
		exec 9>&-
		say "$group: $(readlink -f "$mark")"
	done
}

update() {
	had=
	for group in libfdt busybox kernel xen boards toolstack armhf qemu10 libxen13 debian13; do
		[ ! -e "$NOW/$(mark_of "$group")" ] || had="$had $group"
	done
	rm -rf "$NOW" "$CACHE"/apt/*/ready
	ensure ${had:-libfdt busybox kernel xen}
}

main() {
	case ${1:-} in
	path)
		[ $# -eq 2 ] || die "usage: fetch-debian.sh path WHAT"
		[ "$2" != cache ] || { echo "$CACHE"; return; }
		group=$(group_of "$2")
		ensure "$group"
		readlink -f "$NOW/$2"
		;;
	update) update ;;
	-h | --help) sed -n '3,/^set/s/^# \{0,1\}//p' "$0" ;;
	"") ensure libfdt busybox kernel xen ;;
	*)
		for group in "$@"; do
			case $group in
			libfdt | busybox | kernel | xen | boards | toolstack | armhf | \
				qemu10 | libxen13 | debian13) ;;
			*) die "there is no group '$group'; known are: libfdt busybox kernel xen" \
				"boards toolstack armhf qemu10 libxen13 debian13" ;;
			esac
		done
		ensure "$@"
		;;
	esac
}

main "$@"
