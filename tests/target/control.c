// SPDX-License-Identifier: Apache-2.0
/* What dom0 may ask before any tool exists: domctl, sysctl, platform_op and hypfs at the door. */
/* machine: smp=1 vcpus=2 */
#include "guest.h"

static struct xen_domctl dc;
static struct xen_sysctl sc;
static struct xen_platform_op po;

static int64_t domctl(uint32_t cmd, uint32_t version, uint16_t dom)
{
	memset(&dc, 0, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = version;
	dc.domain = dom;
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

static int64_t sysctl(uint32_t cmd, uint32_t version)
{
	memset(&sc, 0, sizeof(sc));
	sc.cmd = cmd;
	sc.interface_version = version;
	return hypercall(HC_sysctl, (uint64_t)&sc, 0, 0, 0);
}

static int64_t platform(uint32_t cmd, uint32_t version)
{
	memset(&po, 0, sizeof(po));
	po.cmd = cmd;
	po.interface_version = version;
	return hypercall(HC_platform_op, (uint64_t)&po, 0, 0, 0);
}

static void check_domctl(void)
{
	const uint32_t v = XEN_DOMCTL_INTERFACE_VERSION;

	check_eq("domctl.old_version", domctl(XEN_DOMCTL_getdomaininfo, 1, 0), -XEN_EACCES);
	check_eq("domctl.getdomaininfo_0", domctl(XEN_DOMCTL_getdomaininfo, v, 0), 0);
	check_eq("domctl.getdomaininfo_pages", (int64_t)dc.u.getdomaininfo.tot_pages, 131072);
	check_eq("domctl.getdomaininfo_none", domctl(XEN_DOMCTL_getdomaininfo, v, DOMID_NONE),
		 -XEN_ESRCH);
	check_eq("domctl.unknown_cmd", domctl(9999, v, 0), -XEN_ENOSYS);
	check_eq("domctl.bad_ptr", hypercall(HC_domctl, UNMAPPED_ADDRESS, 0, 0, 0), -XEN_EFAULT);
}

static void check_sysctl(void)
{
	const uint32_t v = XEN_SYSCTL_INTERFACE_VERSION;

	check_eq("sysctl.old_version", sysctl(XEN_SYSCTL_physinfo, 1), -XEN_EACCES);
	check_eq("sysctl.physinfo", sysctl(XEN_SYSCTL_physinfo, v), 0);
	check_eq("sysctl.physinfo_cpus", sc.u.physinfo.nr_cpus, 1);
	check_eq("sysctl.physinfo_total_pages", (int64_t)sc.u.physinfo.total_pages, 524288);
	check_range("sysctl.physinfo_free_pages", (int64_t)sc.u.physinfo.free_pages, 1,
		    524288 - 131072);
	check_eq("sysctl.sched_id", sysctl(XEN_SYSCTL_sched_id, v), 0);
	check_eq("sysctl.unknown_cmd", sysctl(9999, v), -XEN_ENOSYS);
	check_eq("sysctl.bad_ptr", hypercall(HC_sysctl, UNMAPPED_ADDRESS, 0, 0, 0), -XEN_EFAULT);
}

static void check_platform(void)
{
	check_eq("platform_op.old_version", platform(XENPF_settime64, 1), -XEN_EACCES);
	check_eq("platform_op.settime64", platform(XENPF_settime64, XENPF_INTERFACE_VERSION), 0);
	check_eq("platform_op.unknown_cmd", platform(9999, XENPF_INTERFACE_VERSION), -XEN_ENOSYS);
	check_eq("platform_op.bad_ptr", hypercall(HC_platform_op, UNMAPPED_ADDRESS, 0, 0, 0),
		 -XEN_EFAULT);
}

/* hypfs_op(op, path, path length with its end, buffer, buffer length) */
static int64_t hypfs(uint64_t op, const char *path, void *buf, uint64_t len)
{
	const uint64_t args[5] = { op, (uint64_t)path, path ? strlen(path) + 1 : 0, (uint64_t)buf,
				   len };

	return hypercall5(args, HC_hypfs_op);
}

static void check_hypfs(void)
{
	static uint8_t buf[1024];

	check_eq("hypfs.get_version", hypfs(XEN_HYPFS_OP_get_version, NULL, NULL, 0), 1);
	check_eq("hypfs.read_root", hypfs(XEN_HYPFS_OP_read, "/", buf, sizeof(buf)), 0);
	check_eq("hypfs.read_root_type", ((struct xen_hypfs_direntry *)buf)->type, 0);
	check_eq("hypfs.read_noent", hypfs(XEN_HYPFS_OP_read, "/no/such", buf, sizeof(buf)),
		 -XEN_ENOENT);
	check_eq("hypfs.unknown", hypfs(99, NULL, NULL, 0), -XEN_EINVAL);
	check_eq("hypfs.unknown_with_path", hypfs(99, "/", buf, sizeof(buf)), -XEN_EOPNOTSUPP);
}

void guest_main(void)
{
	check_domctl();
	check_sysctl();
	check_platform();
	check_hypfs();
}
