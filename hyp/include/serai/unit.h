/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units: every subject with its life-cycle functions, in dependency order (units.c). Forward for
 * init and create, backwards for undoing and destroy. Any function may be NULL.
 */
#ifndef SERAI_UNIT_H
#define SERAI_UNIT_H

struct domain;
struct domain_config;
struct vcpu;

struct unit {
	const char *name;
	int (*init)(void);
	int (*cpu_init)(unsigned int cpu); /* on the CPU itself */
	int (*domain_create)(struct domain *d, const struct domain_config *cfg);
	/* While the vcpus still exist, none of them running: cut what others may reach. Preemptible. */
	int (*domain_close)(struct domain *d);
	/* -XEN_ERESTART: preempted, call again. Must cope with a domain that was half made. */
	int (*domain_destroy)(struct domain *d);
	int (*vcpu_create)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
	void (*dump)(struct domain *d);
};

extern const struct unit units[];
extern const unsigned int units_count;

#endif
