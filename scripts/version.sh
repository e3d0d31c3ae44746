#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints version.h. Arguments: version, compiler. The date is the commit's, never the clock's,
# so that two builds of one source are identical.
set -eu

changeset=unknown
epoch=${SOURCE_DATE_EPOCH:-}
if commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
	changeset="git:$commit"
	git diff --quiet HEAD -- 2>/dev/null || changeset="$changeset-dirty"
	[ -n "$epoch" ] || epoch=$(git log -1 --format=%ct)
fi
epoch=${epoch:-0}

printf '%s\n' '#ifndef SERAI_VERSION_H' '#define SERAI_VERSION_H'
printf '#define %s "%s"\n' \
	SERAI_VERSION "$1" \
	SERAI_COMPILER "$2" \
	SERAI_COMPILE_BY serai \
	SERAI_COMPILE_DOMAIN "" \
	SERAI_COMPILE_DATE "$(LC_ALL=C date -u -d "@$epoch")" \
	SERAI_CHANGESET "$(LC_ALL=C date -u -d "@$epoch" '+%a %b %e %H:%M:%S %Y +0000') $changeset"
echo '#endif'
