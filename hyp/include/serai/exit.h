/* SPDX-License-Identifier: Apache-2.0 */
/* The slow exit path. */
#ifndef SERAI_EXIT_H
#define SERAI_EXIT_H

struct vcpu;

/* Does what cpu->work asks for and idles until there is a vcpu to run; returns it. */
struct vcpu *exit_work(void);

#endif
