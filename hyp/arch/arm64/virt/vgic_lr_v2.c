/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vgic_lr.c once more, over the virtual interface of a GICv2 instead of ICH_*: the names that
 * others call have a prefix here, and gicv2.c directs the calls to them.
 */
#include <arch/gich.h> /* in the place of arch/ich.h */
#include <arch/vgic_lr_v2.h>

#define vgic_eval	    v2_vgic_eval
#define vgic_pend_private   v2_vgic_pend_private
#define vgic_eval_posted    v2_vgic_eval_posted
#define vgic_refill	    v2_vgic_refill
#define vgic_update_hcr	    v2_vgic_update_hcr
#define vgic_lr_maintenance v2_vgic_lr_maintenance
#define vgic_lr_save	    v2_vgic_lr_save
#define vgic_lr_load	    v2_vgic_lr_load
#define vgic_lr_flush	    v2_vgic_lr_flush
#define vgic_publish_lrs    v2_vgic_publish_lrs
#define vgic_view_lrs	    v2_vgic_view_lrs
#define vgic_lr_deliverable v2_vgic_lr_deliverable
#define vgic_unpend_sgi	    v2_vgic_unpend_sgi
#define vgic_view_sgi	    v2_vgic_view_sgi

#include "vgic_lr.c"
