/* SPDX-License-Identifier: Apache-2.0 */
/* hypfs_op (public/hypfs.h). */
#ifndef ABI_HYPFS_H
#define ABI_HYPFS_H

#include <serai/types.h>

#define XEN_HYPFS_VERSION	    1
#define XEN_HYPFS_MAX_PATHLEN	    1024
#define XEN_HYPFS_OP_get_version    0
#define XEN_HYPFS_OP_read	    1
#define XEN_HYPFS_OP_write_contents 2

enum abi_hypfs_type {
	XEN_HYPFS_TYPE_DIR = 0,
	XEN_HYPFS_TYPE_BLOB = 1,
	XEN_HYPFS_TYPE_STRING = 2,
	XEN_HYPFS_TYPE_UINT = 3,
};

enum abi_hypfs_encoding {
	XEN_HYPFS_ENC_PLAIN = 0,
	XEN_HYPFS_ENC_GZIP = 1,
};

struct abi_hypfs_direntry {
	u8 type, encoding;
	u16 pad;
	u32 content_len, max_write_len;
};

struct abi_hypfs_dirlistentry {
	struct abi_hypfs_direntry e;
	u16 off_next;
	char name[];
};

#endif
