# SPDX-License-Identifier: Apache-2.0
# .config -> C header: y becomes 1, numbers and strings are copied, n is left undefined.
BEGIN { print "/* made from .config */"; print "#ifndef SERAI_AUTOCONF_H"; print "#define SERAI_AUTOCONF_H" }
/^CONFIG_[A-Z0-9_]+=/ {
	split_at = index($0, "=")
	value = substr($0, split_at + 1)
	if (value != "n")
		print "#define " substr($0, 1, split_at - 1) " " (value == "y" ? "1" : value)
}
END { print "#endif" }
