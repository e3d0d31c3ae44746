/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for tests of the virtual GIC: NCPU CPUs with four list registers each, a physical GIC
 * as far as a guest's interrupts need it, NVCPU vcpus of one domain, and a model of what their
 * interrupts should be. The guest is played by acknowledging and ending interrupts.
 */
#ifndef TESTS_HOST_VGIC_HOUSE_H
#define TESTS_HOST_VGIC_HOUSE_H

/* The real header first: arch/host has a stand-in of the same name. */
#include <arch/vgic_lr.h>

#include <arch/gic.h>
#include <arch/host.h>
#include <arch/ich.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/irq.h>
#include <serai/mmio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define NCPU   4
#define NVCPU  6
#define NINTID 128
#define DIST   0x08000000UL
#define RDIST  0x080a0000UL
/* With a GICv2: where the hardware has GICC and GICV. */
#define GICC   0x08010000UL
#define GICV   0x08040000UL

struct model_irq {
	bool pending, line, level, active, enabled, hw;
	u8 prio;
	u8 senders; /* of an SGI that is pending, on a GICv2 */
	u32 target;
};

struct test_vcpu {
	struct vcpu v;
	int cpu; /* -1: not running */
	u32 nr_acked;
	u32 acked[64];
	u32 acked_prio[64];
	bool vt_line;
};

struct vgic_house {
	struct fake_ich ich[NCPU];
	struct {
		bool active, enabled;
	} ppi[NCPU];
	struct {
		bool pending, active, enabled;
	} spi[NINTID];
	struct test_vcpu vcpu[NVCPU];
	struct domain dom;
	struct vcpu *vcpus[NVCPU];
	struct model_irq priv[NVCPU][32], irq[NINTID];
	bool enabled;
	u32 guest_weight; /* how often the guest acknowledges and ends, against all other steps */
	u32 (*source)(u32 n); /* instead of the random numbers */
	bool wild; /* the guest does what the model does not know: what is inactive may be ended */
	struct {
		u64 gfn, mfn, nr; /* what is mapped for the guest's CPU interface */
	} gicv;
	u64 random, acks, overflows, evictions, repeats, flushes;
};
extern struct vgic_house t;

/* Below n. */
u32 rnd(u32 n);
/* Plays on this CPU. */
void on_cpu(u32 cpu);
struct test_vcpu *running_on(u32 cpu);
/* Everything that running CPUs would do before they run guest code. */
void settle(void);
void switch_out(struct test_vcpu *w, bool power_off);
void switch_in(struct test_vcpu *w, u32 cpu);
struct model_irq *model(u32 vcpu, u32 intid);
bool is_pending(const struct model_irq *m);
/* The interrupt could be taken by vcpu i, which settled. */
bool deliverable(u32 i, u32 intid);
/* No interrupt is in two list registers or overflows. */
void check_places(void);
/* A device drives its line, from any CPU. */
void device_level(u32 vcpu, u32 intid, bool level);
/* The line of an SPI goes up once; it is low before and after. */
void device_edge(u32 intid);
/* The guest reads ICC_IAR1_EL1; calm: its handler silences the device. */
bool guest_ack(struct test_vcpu *w, bool calm);
/* The guest writes ICC_EOIR1_EL1 with EOImode 0. */
bool guest_eoi(struct test_vcpu *w);
/* A guest access to GICD or GICR. */
bool access_frame(struct test_vcpu *w, u64 gpa, u32 size, bool write, u64 *val);
void write_reg(struct test_vcpu *w, u64 gpa, u32 size, u64 val);
/* A register with one bit for each interrupt; in vcpu's redistributor for private ones. */
u64 bit_reg(u32 vcpu, u32 intid, u64 reg);
/* A read that is repeated for as long as other CPUs must answer first. */
u64 read_repeating(struct test_vcpu *w, u64 gpa);
/* A domain of NVCPU vcpus, none of which runs; the distributor is off. */
void start(u64 seed);
/* The same on a machine with a GICv2. */
void start_v2(u64 seed);
bool is_v2(void);
void finish(void);
bool is_off(u32 vcpu);

#endif
