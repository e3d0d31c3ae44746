/* SPDX-License-Identifier: Apache-2.0 */
/* Doubly linked ring lists; an empty list points at itself. No locks, no state. */
#ifndef SERAI_LIST_H
#define SERAI_LIST_H

#include <serai/compiler.h>
#include <serai/types.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

/* Inserts n before pos; with the list's head that is the tail. */
static inline void list_insert_before(struct list *n, struct list *pos)
{
	n->next = pos;
	n->prev = pos->prev;
	pos->prev->next = n;
	pos->prev = n;
}

static inline void list_add_tail(struct list *n, struct list *head)
{
	list_insert_before(n, head);
}

/* Takes n out and leaves it an empty list, so that list_empty(n) says "on no list". */
static inline void list_del(struct list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

#endif
