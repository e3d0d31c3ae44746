/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated machine keeps of a vcpu and a domain. Included by serai/domain.h. */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include <arch/vgic.h>
#include <serai/lock.h>
#include <serai/time.h>
#include <serai/types.h>

struct trap_frame {
	u64 x[31];
	u64 pc;
};

struct vcpu_arch {
	struct trap_frame frame;
	struct vgic_vcpu vgic;
	unsigned int upcalls;	  /* vcpu_arch_raise_upcall() */
	unsigned int unmasked;	  /* vcpu_arch_unmask_irq() */
	unsigned int switched_in, switched_out;
	u32 requests;		  /* all that vcpu_arch_requests() was given */
	bool irq_pending;	  /* the answer of vcpu_arch_irq_pending() */
};

struct domain_arch {
	struct vgic_domain vgic;
	struct mmio_map *mmio;
	u32 width;		  /* domain_arch_set_width() */
	u32 last_spi;
	bool spi_level;		  /* domain_arch_set_spi_level() of last_spi */
};

#endif
