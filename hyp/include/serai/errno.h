/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error numbers of the guest ABI (Xen's public errno.h; the values are those of Linux).
 * Functions return them negated.
 */
#ifndef SERAI_ERRNO_H
#define SERAI_ERRNO_H

enum {
	XEN_EPERM = 1,
	XEN_ENOENT = 2,
	XEN_ESRCH = 3,
	XEN_EIO = 5,
	XEN_ENXIO = 6,
	XEN_E2BIG = 7,
	XEN_EAGAIN = 11,
	XEN_ENOMEM = 12,
	XEN_EACCES = 13,
	XEN_EFAULT = 14,
	XEN_EBUSY = 16,
	XEN_EEXIST = 17,
	XEN_ENODEV = 19,
	XEN_EINVAL = 22,
	XEN_ENOSPC = 28,
	XEN_EDOM = 33,
	XEN_ERANGE = 34,
	XEN_ENOSYS = 38,
	XEN_ENODATA = 61,
	XEN_EOVERFLOW = 75,
	XEN_EILSEQ = 84,
	XEN_ERESTART = 85, /* inside the hypervisor only: preempted, call again */
	XEN_EOPNOTSUPP = 95,
	XEN_EADDRINUSE = 98,
	XEN_EADDRNOTAVAIL = 99,
	XEN_ENOBUFS = 105,
};

#endif
