/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary heap of nodes that are part of something else, smallest key first. The owner gives the
 * array; a node knows its place, so any node can be taken out. No locks.
 */
#ifndef SERAI_MINHEAP_H
#define SERAI_MINHEAP_H

#include <serai/types.h>

struct minheap_node {
	s64 key;
	u32 slot; /* place + 1; 0: in no heap */
};

struct minheap {
	struct minheap_node **nodes;
	u32 nr, capacity;
};

static inline struct minheap_node *minheap_first(const struct minheap *h)
{
	return h->nr ? h->nodes[0] : NULL;
}

/* n->key is set; there must be room. */
void minheap_insert(struct minheap *h, struct minheap_node *n);
/* n is in the heap. */
void minheap_remove(struct minheap *h, struct minheap_node *n);
/* Gives a node that is in the heap another key. */
void minheap_rekey(struct minheap *h, struct minheap_node *n, s64 key);

#endif
