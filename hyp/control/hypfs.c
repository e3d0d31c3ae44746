/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypfs_op: a small tree of facts about the hypervisor, const tables here but for one directory for
 * each pool of CPUs. Some parameters may be written.
 *
 * A read gives the entry's header, then the contents if there is room for all of them. A directory
 * lists its entries with names padded as tools expect it. Pools stay as they are meanwhile.
 */
#include "control.h"
#include <abi/hypfs.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/guest_copy.h>
#include <serai/hypercall.h>
#include <serai/printk.h>
#include <serai/sched.h>
#include <serai/string.h>
#include <version.h>

#define NAME_OFFSET offsetof(struct abi_hypfs_dirlistentry, name)
#define NAME_MAX    32 /* of a listed name, with its zero */
#define ITEM_WORDS  6	 /* room for one listed entry */
#define TEXT_MAX    32	 /* of what is written or made up, with its zero */

struct node {
	const char *name;
	u8 type, encoding;
	u8 max_write;		    /* 0: read only */
	const struct node *entries; /* of a directory; ends with a nameless one */
	const void *data;	    /* of everything else */
	u32 size;		    /* 0: the string's */
	const u8 *end;		    /* instead of a size */
	const u32 *number;	    /* instead of data: shown as a string */
	long (*write)(const struct node *n, const char *text);
	bool pools; /* a directory with a directory for each pool, all with these entries */
};

/* What a node of a pool or of a number is made of; another name, another text each time. */
struct made {
	struct node node;
	char text[TEXT_MAX];
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

static long level_write(const struct node *n, const char *text)
{
	return console_set_level(n->data == options.guest_loglvl, text) ? 0 : -XEN_EINVAL;
}

static long number_write(const struct node *n, const char *text)
{
	char *end;
	u64 value = strtoul(text, &end, 0);

	if (strlen(text) >= n->max_write || value > n->size)
		return -XEN_ERANGE;
	if (end == text || *end || !value)
		return -XEN_EINVAL;
	WRITE_ONCE(*(u32 *)n->number, (u32)value);
	return 0;
}

/* Units are single vcpus. */
static long granularity_write(const struct node *n, const char *text)
{
	return strlen(text) >= n->max_write ? -XEN_ENOSPC : -XEN_EINVAL;
}

#define LEVEL(n, t)                                                                        \
	{ .name = n, .type = XEN_HYPFS_TYPE_STRING, .data = t, .max_write = 16, \
	  .write = level_write }
#define NUMBER(n, v, most)                                                                    \
	{ .name = n, .type = XEN_HYPFS_TYPE_STRING, .number = &(v), .size = most, \
	  .max_write = 12, .write = number_write }

static const struct node params[] = {
	NUMBER("gnttab_max_frames", options.gnttab_max_frames, GNTTAB_FRAMES_LIMIT),
	NUMBER("gnttab_max_maptrack_frames", options.gnttab_max_maptrack_frames,
	       MAPTRACK_FRAMES_LIMIT),
	LEVEL("guest_loglvl", options.guest_loglvl),
	LEVEL("loglvl", options.loglvl),
	{ 0 },
};

static const struct node pool[] = {
	{ .name = "sched-gran", .type = XEN_HYPFS_TYPE_STRING, .data = "cpu", .max_write = 8,
	  .write = granularity_write },
	{ 0 },
};

static const struct node top[] = {
	DIR("buildinfo", buildinfo),
	{ .name = "cpupool", .type = XEN_HYPFS_TYPE_DIR, .entries = pool, .pools = true },
	DIR("params", params),
	{ 0 },
};

static const struct node root = DIR("", top);

/*
 * The entry of a directory behind the one before, NULL: the first or none. A pool's is put together
 * in m, which holds the one before.
 */
static const struct node *entry_next(const struct node *dir, const struct node *before,
				     struct made *m)
{
	const struct cpupool *p;

	if (!dir->pools) {
		before = before ? before + 1 : dir->entries;
		return before && before->name ? before : NULL;
	}
	p = cpupool_next(before ? before->size + 1 : 0);
	if (!p)
		return NULL;
	/* No directory needs its size. */
	m->node = (struct node){ .name = m->text, .type = XEN_HYPFS_TYPE_DIR,
				 .entries = dir->entries, .size = p->id };
	snprintf(m->text, sizeof(m->text), "%u", p->id);
	return &m->node;
}

static u32 listed_size(const struct node *n)
{
	return (u32)(NAME_OFFSET + ROUND_UP(strlen(n->name) + 1, sizeof(u32)));
}

static u32 node_size(const struct node *n)
{
	const struct node *e = NULL;
	struct made m;
	u32 size = n->size;

	if (n->type == XEN_HYPFS_TYPE_DIR) {
		for (size = 0; (e = entry_next(n, e, &m)) != NULL;)
			size += listed_size(e);
	} else if (n->number) {
		size = (u32)snprintf(m.text, sizeof(m.text), "%u", READ_ONCE(*n->number)) + 1;
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
					    .content_len = node_size(n),
					    .max_write_len = n->max_write };
}

static long dir_read(const struct node *n, u64 buf)
{
	const struct node *e, *next;
	struct made m;

	for (e = entry_next(n, NULL, &m); e; e = next) {
		u64 item[ITEM_WORDS] = { 0 };
		struct abi_hypfs_dirlistentry *d = (void *)item;
		u32 size = listed_size(e);

		d->e = node_header(e);
		str_copy((char *)item + NAME_OFFSET, e->name, NAME_MAX);
		next = entry_next(n, e, &m);
		d->off_next = (u16)(next ? size : 0);
		if (copy_to_guest_raw(buf, item, size))
			return -XEN_EFAULT;
		buf += size;
	}
	return 0;
}

static long node_read(const struct node *n, u64 buf, u64 room)
{
	struct abi_hypfs_direntry header = node_header(n);
	char text[TEXT_MAX];

	if (room < sizeof(header))
		return -XEN_EINVAL;
	if (copy_to_guest(buf, &header))
		return -XEN_EFAULT;
	if (room - sizeof(header) < header.content_len)
		return -XEN_ENOBUFS;
	buf += sizeof(header);
	if (n->type == XEN_HYPFS_TYPE_DIR)
		return dir_read(n, buf);
	if (!n->number)
		return copy_to_guest_raw(buf, n->data, header.content_len);
	snprintf(text, sizeof(text), "%u", *n->number);
	return copy_to_guest_raw(buf, text, header.content_len);
}

static long node_write(const struct node *n, u64 buf, u64 len)
{
	char text[TEXT_MAX];

	if (!n->write)
		return -XEN_EACCES;
	if (!len)
		return -XEN_EDOM;
	if (copy_from_guest_raw(text, buf, MIN(len, (u64)TEXT_MAX)))
		return -XEN_EFAULT;
	if (len > TEXT_MAX)
		return -XEN_EINVAL;
	if (memchr(text, 0, len) != text + len - 1)
		return -XEN_EDOM;
	return n->write(n, text);
}

/* The entry of a directory whose name is the first len bytes at name. */
static const struct node *dir_find(const struct node *n, const char *name, size_t len,
				   struct made *m)
{
	const struct node *e = NULL;

	if (n->type != XEN_HYPFS_TYPE_DIR)
		return NULL;
	while ((e = entry_next(n, e, m)) != NULL)
		if (strlen(e->name) == len && !strncmp(e->name, name, len))
			return e;
	return NULL;
}

static const struct node *path_find(const char *path, struct made *m)
{
	const struct node *n = &root;

	while (n && *path) {
		const char *end;

		path++; /* the slash */
		end = strchr(path, '/');
		if (!*path)
			return n->type == XEN_HYPFS_TYPE_DIR ? n : NULL;
		n = dir_find(n, path, end ? (size_t)(end - path) : strlen(path), m);
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

static long path_call(u32 op, const char *path, u64 buf, u64 len)
{
	struct made m;
	const struct node *n = path_find(path, &m);

	if (!n)
		return -XEN_ENOENT;
	switch (op) {
	case XEN_HYPFS_OP_read:
		return node_read(n, buf, len);
	case XEN_HYPFS_OP_write_contents:
		return node_write(n, buf, len);
	default:
		return -XEN_EOPNOTSUPP;
	}
}

/* arg: operation, path, its length with the final zero, buffer, its size. */
long do_hypfs_op(u64 *arg)
{
	char path[XEN_HYPFS_MAX_PATHLEN];
	long rc;

	if ((u32)arg[0] == XEN_HYPFS_OP_get_version)
		return arg[1] || arg[2] || arg[3] || arg[4] ? -XEN_EINVAL : XEN_HYPFS_VERSION;
	rc = path_fetch(path, arg[1], arg[2]);
	if (rc)
		return rc;
	if (!control_enter())
		return -XEN_ERESTART;
	rc = path_call((u32)arg[0], path, arg[3], arg[4]);
	control_leave();
	return rc;
}
