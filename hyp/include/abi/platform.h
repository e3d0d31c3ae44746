/* SPDX-License-Identifier: Apache-2.0 */
/* platform_op (public/platform.h): what Arm has. */
#ifndef ABI_PLATFORM_H
#define ABI_PLATFORM_H

#include <serai/types.h>

#define XENPF_INTERFACE_VERSION 0x03000001U
#define XENPF_settime64		62

struct abi_platform_settime64 {
	u64 secs;
	u32 nsecs, mbz;
	u64 system_time;
};

struct abi_platform_op {
	u32 cmd, interface_version;
	union {
		struct abi_platform_settime64 settime64;
		u8 pad[128];
	} u;
};

#endif
