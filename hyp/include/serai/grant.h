/* SPDX-License-Identifier: Apache-2.0 */
/* Grant tables: what other subjects may ask of them. */
#ifndef SERAI_GRANT_H
#define SERAI_GRANT_H

#include <serai/compiler.h>
#include <serai/types.h>

struct domain;
struct domain_config;

/* Unit hooks. Destroying is preemptible; grants that others still map keep their frames. */
int grant_domain_create(struct domain *d, const struct domain_config *cfg);
int grant_domain_destroy(struct domain *d);
__cold_path void grant_domain_dump(struct domain *d); /* debug key g */

/*
 * The page of grant table frame idx (of status frame idx), for mapping; the table grows up to it.
 * It is a shared page of d: see frame_share(). -EINVAL: past the limit; -ENOMEM; -ERESTART when
 * preempted while growing.
 */
int grant_map_frame(struct domain *d, u32 idx, bool status, mfn_t *m);

#endif
