/* SPDX-License-Identifier: Apache-2.0 */
/* The page that a console's two ends share (public/io/console.h). */
#ifndef ABI_CONSOLE_H
#define ABI_CONSOLE_H

#include <serai/types.h>

struct abi_console_ring {
	char in[1024], out[2048]; /* to the domain, from it */
	u32 in_cons, in_prod, out_cons, out_prod; /* free running */
};

#endif
