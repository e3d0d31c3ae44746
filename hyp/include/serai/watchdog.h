/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's watchdog timers and sched_op's other state. */
#ifndef SERAI_WATCHDOG_H
#define SERAI_WATCHDOG_H

struct domain;
struct domain_config;
struct vcpu;

int sched_op_domain_create(struct domain *d, const struct domain_config *cfg);
int sched_op_domain_destroy(struct domain *d);
int sched_op_vcpu_create(struct vcpu *v);
void sched_op_vcpu_destroy(struct vcpu *v);

#endif
