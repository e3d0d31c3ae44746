/* SPDX-License-Identifier: Apache-2.0 */
/* What the C library lacks of serai/string.h. By itself, for programs that need nothing else. */
#include <serai/compiler.h>
#include <serai/string.h>

__weak_sym size_t str_copy(char *dst, const char *src, size_t size)
{
	size_t n = strlen(src), m = n < size ? n : size - 1;

	memcpy(dst, src, m);
	dst[m] = 0;
	return n;
}
