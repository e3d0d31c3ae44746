/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of vgic_lr.c as vgic_lr_v2.c has them, for machines with a GICv2. */
#ifndef ARCH_VGIC_LR_V2_H
#define ARCH_VGIC_LR_V2_H

#include <arch/vgic_lr.h>

/* Every function of vgic_lr.c that others call. */
#define VGIC_LR_FUNCTIONS(X)                                                         \
	X(vgic_eval) X(vgic_pend_private) X(vgic_eval_posted) X(vgic_refill)         \
	X(vgic_update_hcr) X(vgic_lr_maintenance) X(vgic_lr_save) X(vgic_lr_load)    \
	X(vgic_lr_flush) X(vgic_publish_lrs) X(vgic_view_lrs) X(vgic_lr_deliverable) \
	X(vgic_unpend_sgi) X(vgic_view_sgi)

#define VGIC_LR_DECLARE(name) extern __typeof__(name) v2_##name;
VGIC_LR_FUNCTIONS(VGIC_LR_DECLARE)
#undef VGIC_LR_DECLARE

#endif
