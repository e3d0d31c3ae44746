/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restarting domains of the device tree. What such a domain was made of is kept, so that when it
 * asks for a restart (or with dom0less=restart-always fails) it is destroyed and made again under
 * its number and name. Nobody else would do it: dom0's tools do not know these domains.
 */
#ifndef SERAI_RESTART_H
#define SERAI_RESTART_H

#include <serai/boot.h>
#include <serai/domain.h>
#include <serai/launch.h>
#include <serai/range.h>
#include <serai/types.h>

struct uart_place;

/* All that is needed to make a domain without the machine's devices again. */
struct restart_plan {
	struct domain_config config;
	const struct range_set *banks; /* two at most */
	const struct launch_file *files; /* as for launch_prepare() */
	u32 nr_files;
	u64 entry, fdt; /* guest addresses */
	const struct uart_place *uart; /* NULL: none */
	bool xenstore;
};

/*
 * While starting, after launch_prepare(). Keeps the plan and what files[].heap points to. tree: the
 * device tree as generated, one of the files; it gets new seeds at every restart. -XEN_ENOMEM.
 */
int restart_keep(const struct restart_plan *p, void *tree, const struct boot_info *bi);

/* d has shut down: true when it will be made again. */
bool restart_request(struct domain *d);
/* A domain of that number may be made again. */
bool restart_keeps_id(domid_t id);
/* Domains on their way between end and beginning. */
u32 restarts_pending(void);

#endif
