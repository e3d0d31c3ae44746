/* SPDX-License-Identifier: Apache-2.0 */
/* Binary heap: the children of place i are at 2i + 1 and 2i + 2. */
#include <serai/minheap.h>

static void put(struct minheap *h, u32 i, struct minheap_node *n)
{
	h->nodes[i] = n;
	n->slot = i + 1;
}

/* Place i is a hole: finds the place for n at or above it. */
static void sift_up(struct minheap *h, u32 i, struct minheap_node *n)
{
	while (i) {
		u32 parent = (i - 1) / 2;

		if (h->nodes[parent]->key <= n->key)
			break;
		put(h, i, h->nodes[parent]);
		i = parent;
	}
	put(h, i, n);
}

/* The same, at or below it. */
static void sift_down(struct minheap *h, u32 i, struct minheap_node *n)
{
	for (;;) {
		u32 child = 2 * i + 1;

		if (child >= h->nr)
			break;
		if (child + 1 < h->nr && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= n->key)
			break;
		put(h, i, h->nodes[child]);
		i = child;
	}
	put(h, i, n);
}

void minheap_insert(struct minheap *h, struct minheap_node *n)
{
	sift_up(h, h->nr++, n);
}

void minheap_remove(struct minheap *h, struct minheap_node *n)
{
	u32 i = n->slot - 1;
	struct minheap_node *last = h->nodes[--h->nr];

	n->slot = 0;
	if (last == n)
		return;
	if (i && last->key < h->nodes[(i - 1) / 2]->key)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

void minheap_rekey(struct minheap *h, struct minheap_node *n, s64 key)
{
	s64 old = n->key;

	n->key = key;
	if (key < old)
		sift_up(h, n->slot - 1, n);
	else
		sift_down(h, n->slot - 1, n);
}
