/* SPDX-License-Identifier: Apache-2.0 */
/* xen_version: who we are and what the caller may rely on. */
#include <abi/version.h>
#include <serai/cmdline.h>
#include <serai/domain.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/string.h>
#include <version.h>

#define ABI_MAJOR    4
#define ABI_MINOR    17
#define VIRT_START   0x200000 /* nothing uses it on Arm; what Xen says */
#define NOTE_DESC    16	      /* of the build id's ELF note: header 12, name "GNU" */
#define EXTRAVERSION "-serai"
#define CAPABILITIES "xen-3.0-aarch64 xen-3.0-armv7l "

/* The linker's note with the build id. */
extern const u8 __build_id_start[], __build_id_end[];

typedef long version_fn(u64 handle);

static long get_version(u64 handle)
{
	return ABI_MAJOR << 16 | ABI_MINOR;
}

static long get_extraversion(u64 handle)
{
	struct abi_extraversion v = { EXTRAVERSION };

	return copy_to_guest(handle, &v);
}

static long get_compile_info(u64 handle)
{
	struct abi_compile_info info = { { 0 }, { 0 }, { 0 }, { 0 } };

	str_copy(info.compiler, SERAI_COMPILER, sizeof(info.compiler));
	str_copy(info.compile_by, SERAI_COMPILE_BY, sizeof(info.compile_by));
	str_copy(info.compile_domain, SERAI_COMPILE_DOMAIN, sizeof(info.compile_domain));
	str_copy(info.compile_date, SERAI_COMPILE_DATE, sizeof(info.compile_date));
	return copy_to_guest(handle, &info);
}

static long get_capabilities(u64 handle)
{
	static const struct abi_capabilities caps = { CAPABILITIES };

	return copy_to_guest(handle, &caps);
}

static long get_changeset(u64 handle)
{
	struct abi_changeset c;

	str_copy(c.s, SERAI_CHANGESET, sizeof(c.s));
	return copy_to_guest_raw(handle, c.s, strlen(c.s) + 1);
}

static long get_platform_parameters(u64 handle)
{
	struct abi_platform_parameters p = { VIRT_START };

	return copy_to_guest(handle, &p);
}

static u32 features_of(const struct domain *d)
{
	u32 f = BIT(XENFEAT_writable_page_tables) | BIT(XENFEAT_auto_translated_physmap) |
		BIT(XENFEAT_memory_op_vnode_supported) | BIT(XENFEAT_ARM_SMCCC_supported) |
		BIT(XENFEAT_runstate_phys_area);

	if (d->flags & DOMAIN_HARDWARE)
		f |= BIT(XENFEAT_dom0);
	f |= d->flags & DOMAIN_DIRECT_MAP ? BIT(XENFEAT_direct_mapped)
					   : BIT(XENFEAT_not_direct_mapped);
	return f;
}

static long get_features(u64 handle)
{
	struct abi_feature_info info;

	if (copy_from_guest(&info, handle))
		return -XEN_EFAULT;
	if (info.submap_idx)
		return -XEN_EINVAL;
	info.submap = features_of(current_domain());
	return copy_to_guest(handle, &info);
}

static long get_pagesize(u64 handle)
{
	return PAGE_SIZE;
}

static long get_guest_handle(u64 handle)
{
	static const struct abi_domain_handle none;

	return copy_to_guest(handle, &none);
}

static long get_commandline(u64 handle)
{
	static const char denied[] = "<denied>";

	if (!caller_is_control())
		return copy_to_guest_raw(handle, denied, sizeof(denied));
	return copy_to_guest_raw(handle, cmdline_text, sizeof(cmdline_text));
}

/* struct abi_build_id with any contents; a NULL handle asks for the size. */
static long put_sized(u64 handle, const void *data, size_t size)
{
	u32 len;

	if (handle && copy_from_guest(&len, handle))
		return -XEN_EFAULT;
	if (handle && !len)
		return -XEN_EINVAL;
	if (!handle)
		return (long)size;
	if (size > len)
		return -XEN_ENOBUFS;
	if (copy_to_guest_raw(handle + offsetof(struct abi_build_id, buf), data, size))
		return -XEN_EFAULT;
	return (long)size;
}

static long get_build_id(u64 handle)
{
	u32 size = (u32)(__build_id_end - __build_id_start);

	if (!caller_is_control())
		return -XEN_EPERM;
	return size <= NOTE_DESC ? -XEN_ENODATA :
				   put_sized(handle, __build_id_start + NOTE_DESC, size - NOTE_DESC);
}

/* Since Xen 4.18: texts of any length, without a zero at their end. */
static long get_extraversion2(u64 handle)
{
	return put_sized(handle, EXTRAVERSION, sizeof(EXTRAVERSION) - 1);
}

static long get_capabilities2(u64 handle)
{
	return put_sized(handle, CAPABILITIES, sizeof(CAPABILITIES) - 1);
}

static long get_changeset2(u64 handle)
{
	return put_sized(handle, SERAI_CHANGESET, strlen(SERAI_CHANGESET));
}

static long get_commandline2(u64 handle)
{
	return caller_is_control() ? put_sized(handle, cmdline_text, strlen(cmdline_text)) :
				     -XEN_EPERM;
}

static version_fn *const version_ops[] = {
	[XENVER_version] = get_version,
	[XENVER_extraversion] = get_extraversion,
	[XENVER_compile_info] = get_compile_info,
	[XENVER_capabilities] = get_capabilities,
	[XENVER_changeset] = get_changeset,
	[XENVER_platform_parameters] = get_platform_parameters,
	[XENVER_get_features] = get_features,
	[XENVER_pagesize] = get_pagesize,
	[XENVER_guest_handle] = get_guest_handle,
	[XENVER_commandline] = get_commandline,
	[XENVER_build_id] = get_build_id,
	[XENVER_extraversion2] = get_extraversion2,
	[XENVER_capabilities2] = get_capabilities2,
	[XENVER_changeset2] = get_changeset2,
	[XENVER_commandline2] = get_commandline2,
};

long do_xen_version(u64 *arg)
{
	if (unlikely(arg[0] >= ARRAY_SIZE(version_ops)))
		return -XEN_ENOSYS;
	return version_ops[arg[0]](arg[1]);
}
