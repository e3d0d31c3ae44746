/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that restart the machine or switch it off, for boards whose firmware has no PSCI. The
 * boot code finds the device by its compatible string; the functions return when nothing happened.
 */
#ifndef SERAI_POWER_H
#define SERAI_POWER_H

#include <serai/types.h>

struct power_driver {
	const char *compatible;
	/* 0, -XEN_ENOMEM when the registers cannot be mapped, -XEN_ENODEV. */
	int (*init)(paddr_t base, size_t size);
	void (*restart)(void);
	void (*off)(void);
};

extern const struct power_driver *const power_drivers[]; /* NULL: not in this build */
extern const unsigned int power_drivers_count;

#endif
