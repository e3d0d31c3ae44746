/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_io: dom0's console, and an early one of other domains where the operator allows it (in
 * debug builds he does). Text goes through a small buffer, chunk by chunk.
 */
#include <abi/hvm_op.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>

#define CHUNK	  128
#define COUNT_MAX 0x7fffffffU

/* arg: count, buffer. Both move with the progress. */
static long guest_write(u64 *arg)
{
	u32 left = (u32)arg[0];
	char text[CHUNK];

	while (left) {
		u32 n = MIN(left, (u32)CHUNK);

		if (copy_from_guest_raw(text, arg[1], n))
			return -XEN_EFAULT;
		console_guest_write(text, n);
		left -= n;
		arg[0] = left;
		arg[1] += n;
		if (left && hypercall_preempted())
			return -XEN_ERESTART;
	}
	return 0;
}

static long guest_read(u64 *arg)
{
	u32 count = (u32)arg[0], done = 0;
	char text[CHUNK];

	while (done < count) {
		u32 want = MIN(count - done, (u32)CHUNK);
		u32 n = (u32)console_guest_read(text, want);

		if (n && copy_to_guest_raw(arg[1] + done, text, n))
			return -XEN_EFAULT;
		done += n;
		if (n < want)
			break;
	}
	return (long)done;
}

/* What is typed is dom0's alone; others have their UART. */
static bool may_use(u32 cmd)
{
	u32 flags = current_domain()->flags;

	return (flags & DOMAIN_CONTROL) || ((flags & DOMAIN_CONSOLE) && cmd == CONSOLEIO_write);
}

long do_console_io(u64 *arg)
{
	if (!may_use((u32)arg[0]))
		return -XEN_EPERM;
	if ((u32)arg[1] > COUNT_MAX)
		return -XEN_EINVAL;
	switch ((u32)arg[0]) {
	case CONSOLEIO_write:
		return guest_write(&arg[1]);
	case CONSOLEIO_read:
		return guest_read(&arg[1]);
	default:
		return -XEN_ENOSYS;
	}
}
