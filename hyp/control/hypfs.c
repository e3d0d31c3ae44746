/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypfs_op: a small read-only tree of facts about the hypervisor, a const table here.
 *
 * A read gives the entry's header, then the contents if there is room for all of them. A directory
 * lists its entries with names padded as tools expect it.
 */
#include <abi/hypfs.h>
#include <serai/cmdline.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/string.h>
#include <version.h>

#define NAME_OFFSET offsetof(struct abi_hypfs_dirlistentry, name)
#define NAME_MAX    16 /* of a listed name, with its zero */
#define ITEM_WORDS  5	 /* room for one listed entry */

struct node {
	const char *name;
	u8 type, encoding;
	const struct node *entries; /* of a directory; ends with a nameless one */
	const void *data;	    /* of everything else */
	u32 size;		    /* 0: the string's */
	const u8 *end;		    /* instead of a size */
};

extern const u8 config_gz[], config_gz_end[];

static const u32 major = 4, minor = 17;

#define DIR(n, e)      { .name = n, .type = XEN_HYPFS_TYPE_DIR, .entries = e }
#define STRING(n, s)   { .name = n, .type = XEN_HYPFS_TYPE_STRING, .data = s }
#define UINT(n, v)     { .name = n, .type = XEN_HYPFS_TYPE_UINT, .data = &(v), .size = sizeof(v) }

static const struct node compileinfo[] = {
	STRING("compile_by", SERAI_COMPILE_BY),
	STRING("compile_date", SERAI_COMPILE_DATE),
	STRING("compile_domain", SERAI_COMPILE_DOMAIN),
	STRING("compiler", SERAI_COMPILER),
	{ 0 },
};

static const struct node version[] = {
	STRING("extra", "-serai"),
	UINT("major", major),
	UINT("minor", minor),
	{ 0 },
};

static const struct node buildinfo[] = {
	STRING("changeset", SERAI_CHANGESET),
	DIR("compileinfo", compileinfo),
	{ .name = "config", .type = XEN_HYPFS_TYPE_STRING, .encoding = XEN_HYPFS_ENC_GZIP,
	  .data = config_gz, .end = config_gz_end },
	DIR("version", version),
	{ 0 },
};

static const struct node params[] = {
	STRING("guest_loglvl", options.guest_loglvl),
	STRING("loglvl", options.loglvl),
	{ 0 },
};

static const struct node top[] = {
	DIR("buildinfo", buildinfo),
	DIR("params", params),
	{ 0 },
};

static const struct node root = DIR("", top);

static u32 listed_size(const struct node *n)
{
	return (u32)(NAME_OFFSET + ROUND_UP(strlen(n->name) + 1, sizeof(u32)));
}

static u32 node_size(const struct node *n)
{
	u32 size = n->size;

	if (n->type == XEN_HYPFS_TYPE_DIR) {
		for (const struct node *e = n->entries; e->name; e++)
			size += listed_size(e);
	} else if (n->end) {
		size = (u32)(n->end - (const u8 *)n->data);
	} else if (!size) {
		size = (u32)strlen(n->data) + 1;
	}
	return size;
}

static struct abi_hypfs_direntry node_header(const struct node *n)
{
	return (struct abi_hypfs_direntry){ .type = n->type,
					    .encoding = n->encoding,
					    .content_len = node_size(n) };
}

static long dir_read(const struct node *n, u64 buf)
{
	for (const struct node *e = n->entries; e->name; e++) {
		u64 item[ITEM_WORDS] = { 0 };
		struct abi_hypfs_dirlistentry *d = (void *)item;
		u32 size = listed_size(e);

		d->e = node_header(e);
		d->off_next = (u16)(e[1].name ? size : 0);
		str_copy((char *)item + NAME_OFFSET, e->name, NAME_MAX);
		if (copy_to_guest_raw(buf, item, size))
			return -XEN_EFAULT;
		buf += size;
	}
	return 0;
}

static long node_read(const struct node *n, u64 buf, u64 room)
{
	struct abi_hypfs_direntry header = node_header(n);

	if (room < sizeof(header))
		return -XEN_ENOBUFS;
	if (copy_to_guest(buf, &header))
		return -XEN_EFAULT;
	if (room - sizeof(header) < header.content_len)
		return -XEN_ENOBUFS;
	buf += sizeof(header);
	if (n->type == XEN_HYPFS_TYPE_DIR)
		return dir_read(n, buf);
	return copy_to_guest_raw(buf, n->data, header.content_len);
}

/* The entry of a directory whose name is the first len bytes at name. */
static const struct node *dir_find(const struct node *n, const char *name, size_t len)
{
	if (n->type != XEN_HYPFS_TYPE_DIR)
		return NULL;
	for (const struct node *e = n->entries; e->name; e++)
		if (strlen(e->name) == len && !strncmp(e->name, name, len))
			return e;
	return NULL;
}

static const struct node *path_find(const char *path)
{
	const struct node *n = &root;

	while (n && *path) {
		const char *end;

		path++; /* the slash */
		end = strchr(path, '/');
		if (!*path)
			break;
		n = dir_find(n, path, end ? (size_t)(end - path) : strlen(path));
		path = end ? end : path + strlen(path);
	}
	return n;
}

static long path_fetch(char *path, u64 handle, u64 len)
{
	if (!len || len > XEN_HYPFS_MAX_PATHLEN)
		return -XEN_EINVAL;
	if (copy_from_guest_raw(path, handle, len))
		return -XEN_EFAULT;
	if (memchr(path, 0, len) != path + len - 1 || path[0] != '/')
		return -XEN_EINVAL;
	return 0;
}

/* arg: operation, path, its length with the final zero, buffer, its size. */
long do_hypfs_op(u64 *arg)
{
	char path[XEN_HYPFS_MAX_PATHLEN];
	const struct node *n;
	long rc;

	if ((u32)arg[0] == XEN_HYPFS_OP_get_version)
		return arg[1] || arg[2] || arg[3] || arg[4] ? -XEN_EINVAL : XEN_HYPFS_VERSION;
	rc = path_fetch(path, arg[1], arg[2]);
	if (rc)
		return rc;
	n = path_find(path);
	if (!n)
		return -XEN_ENOENT;
	switch ((u32)arg[0]) {
	case XEN_HYPFS_OP_read:
		return node_read(n, arg[3], arg[4]);
	case XEN_HYPFS_OP_write_contents:
		return -XEN_EACCES;
	default:
		return -XEN_EOPNOTSUPP;
	}
}
