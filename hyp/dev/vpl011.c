/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's UART (header: vpl011.h). Like the real Xen's it has the SBSA subset only: any other
 * register is a data abort.
 *
 * Of what is typed the guest sees a FIFO of 32; behind it more wait for their turn. The guest may
 * send BUDGET characters at once and RATE per second; after that its transmit FIFO is full until
 * the refill timer fires, as if the line were slow. Nothing is lost of one that looks at FR, or sends
 * half a FIFO when it is interrupted, as Linux does.
 *
 * Or the line is a ring in a page that is shared with another domain's tool: nothing of it is
 * believed but that it is there. Its end is told after the lock was dropped.
 *
 * One lock per UART; FR is read without. The interrupt's level is what RIS & IMSC say.
 */
#include <abi/console.h>
#include <abi/guest_layout.h>
#include <serai/arch.h>
#include <serai/atomic.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/lock.h>
#include <serai/mmio.h>
#include <serai/printk.h>
#include <serai/time.h>
#include <serai/vpl011.h>

enum {
	UARTDR = 0x00,
	UARTRSR = 0x04,
	UARTFR = 0x18,
	UARTIMSC = 0x38,
	UARTRIS = 0x3c,
	UARTMIS = 0x40,
	UARTICR = 0x44,
};

#define FR_RXFE 0x10 /* nothing received */
#define FR_TXFF 0x20 /* no room to send */
#define FR_RXFF 0x40
#define FR_TXFE 0x80

#define INT_RX	0x10 /* the receive FIFO is half full */
#define INT_TX	0x20
#define INT_RT	0x40 /* something was received */

#define FIFO_SIZE 32
#define FIFO_HALF (FIFO_SIZE / 2)
#define IN_SIZE	  1024 /* power of two */

#define BUDGET	      262144U
#define RATE	      16384U
#define LINE_COST     8U /* the end of a line costs as much as its prefix */
#define REFILL_PERIOD (NS_PER_S / 8)

struct vpl011 {
	u32 fr, ris, imsc;
	bool level;
	u32 spi;
	struct console_guest guest; /* its lock covers all of this */
	struct domain *domain;
	u32 head, tail; /* of in[], free running: next to read, next to write */
	u32 budget, late; /* late: how many more are taken though the FIFO is said to be full */
	nstime_t filled; /* up to when the budget was given */
	char in[IN_SIZE];
	struct timer refill;
	struct guest_area ring; /* .va is NULL: the line is the console */
	u32 port;
};

static inline struct abi_console_ring *ring_of(struct vpl011 *u)
{
	return u->ring.va;
}

static void update_level(struct vpl011 *u)
{
	bool level = u->ris & u->imsc;

	if (likely(level == u->level))
		return;
	u->level = level;
	domain_arch_set_spi_level(u->domain, u->spi, level);
}

/* --- receiving --- */

static void show_waiting(struct vpl011 *u)
{
	u32 waiting = u->tail - u->head;

	if (!waiting)
		return;
	u->fr &= ~FR_RXFE;
	if (waiting >= FIFO_SIZE)
		u->fr |= FR_RXFF;
	u->ris |= INT_RT;
	if (waiting >= FIFO_HALF)
		u->ris |= INT_RX;
}

/* Takes from the ring what there is room for. */
static void ring_take(struct vpl011 *u)
{
	struct abi_console_ring *r = ring_of(u);
	u32 cons = READ_ONCE(r->in_cons), prod = load_acquire(&r->in_prod);
	u32 n = MIN(prod - cons, IN_SIZE - (u->tail - u->head));

	if (prod - cons > sizeof(r->in))
		return;
	for (; n; n--)
		u->in[u->tail++ & (IN_SIZE - 1)] = READ_ONCE(r->in[cons++ % sizeof(r->in)]);
	store_release(&r->in_cons, cons);
	show_waiting(u);
}

static u32 read_data(struct vpl011 *u)
{
	u32 c, left;

	if (u->head == u->tail)
		return 0;
	c = (u8)u->in[u->head++ & (IN_SIZE - 1)];
	if (ring_of(u))
		ring_take(u);
	left = u->tail - u->head;
	if (left < FIFO_SIZE)
		u->fr &= ~FR_RXFF;
	if (left < FIFO_HALF)
		u->ris &= ~INT_RX;
	if (!left) {
		u->fr |= FR_RXFE;
		u->ris &= ~INT_RT;
	}
	update_level(u);
	return c;
}

/* What finds no room is lost. */
static void guest_input(struct console_guest *g, char c)
{
	struct vpl011 *u = container_of(g, struct vpl011, guest);

	lock_take(&u->guest.lock);
	if (u->tail - u->head < IN_SIZE)
		u->in[u->tail++ & (IN_SIZE - 1)] = c;
	show_waiting(u);
	update_level(u);
	lock_drop(&u->guest.lock);
}

/* --- sending --- */

/* There is none left: a new budget for the time that passed. */
static void budget_fill(struct vpl011 *u)
{
	nstime_t now = time_now();
	u64 passed = MIN((u64)(now - u->filled), (u64)BUDGET / RATE * NS_PER_S);

	u->budget = (u32)(passed * RATE / NS_PER_S);
	u->filled = now;
}

/* The budget is used up: what passed since it was filled counts, or the guest has to wait. */
static __cold_path void budget_end(struct vpl011 *u)
{
	budget_fill(u);
	if (u->budget)
		return;
	u->fr = (u->fr & ~FR_TXFE) | FR_TXFF;
	u->ris &= ~INT_TX;
	u->late = FIFO_HALF;
	timer_arm(&u->refill, u->filled + REFILL_PERIOD);
}

static void refill(void *arg)
{
	struct vpl011 *u = arg;

	lock_take(&u->guest.lock);
	budget_fill(u);
	u->fr = (u->fr & ~FR_TXFF) | FR_TXFE;
	u->ris |= INT_TX;
	update_level(u);
	lock_drop(&u->guest.lock);
}

/* As full as the other end says. The interrupt lets a guest send half a FIFO without looking. */
static void ring_show_room(struct vpl011 *u)
{
	struct abi_console_ring *r = ring_of(u);
	u32 used = READ_ONCE(r->out_prod) - load_acquire(&r->out_cons);

	u->fr &= ~(FR_TXFF | FR_TXFE);
	u->ris &= ~INT_TX;
	if (!used)
		u->fr |= FR_TXFE;
	if (used >= sizeof(r->out))
		u->fr |= FR_TXFF;
	if (used <= sizeof(r->out) - FIFO_HALF)
		u->ris |= INT_TX;
}

static void ring_put(struct vpl011 *u, char c)
{
	struct abi_console_ring *r = ring_of(u);
	u32 prod = READ_ONCE(r->out_prod);

	WRITE_ONCE(r->out[prod % sizeof(r->out)], c);
	store_release(&r->out_prod, prod + 1);
	ring_show_room(u);
	update_level(u);
}

void vpl011_ring_event(struct domain *d)
{
	struct vpl011 *u = READ_ONCE(d->vuart);

	if (!u)
		return;
	lock_take(&u->guest.lock);
	ring_take(u);
	ring_show_room(u);
	update_level(u);
	lock_drop(&u->guest.lock);
}

/* A character sent while there is no room is lost. */
static void write_data(struct vpl011 *u, char c)
{
	u32 cost = c == '\n' ? LINE_COST : 1;

	if (unlikely(u->fr & FR_TXFF)) {
		if (u->late) {
			u->late--;
			console_guest_put(&u->guest, &c, 1);
		}
		return;
	}
	if (ring_of(u)) {
		ring_put(u, c);
		return;
	}
	console_guest_put(&u->guest, &c, 1);
	u->ris |= INT_TX;
	u->budget -= MIN(cost, u->budget);
	if (unlikely(!u->budget))
		budget_end(u);
	update_level(u);
}

/* --- registers --- */

/* Both ends look at the ring when they are told; that may be once too often. */
static void ring_notify(struct vpl011 *u)
{
	if (ring_of(u))
		domain_actions.uart_notify(u->domain, u->port);
}

static __cold_path bool refuse_access(u64 off)
{
	guest_printk(LOG_WARNING, "vpl011 (SBSA subset) has no register %#lx of this size\n", off);
	return false;
}

static bool vpl011_read(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	struct vpl011 *u = arg;

	if (unlikely(size > 4))
		return refuse_access(off);
	switch (off) {
	case UARTFR:
		*val = READ_ONCE(u->fr);
		return true;
	case UARTDR:
		lock_take(&u->guest.lock);
		*val = read_data(u);
		lock_drop(&u->guest.lock);
		ring_notify(u);
		return true;
	case UARTRSR:
		*val = 0;
		return true;
	case UARTIMSC:
		*val = READ_ONCE(u->imsc);
		return true;
	case UARTRIS:
		*val = READ_ONCE(u->ris);
		return true;
	case UARTMIS:
		*val = READ_ONCE(u->ris) & READ_ONCE(u->imsc);
		return true;
	default:
		return refuse_access(off);
	}
}

static bool vpl011_write(struct vcpu *v, void *arg, u64 off, u32 size, u64 *val)
{
	struct vpl011 *u = arg;
	u32 mask = (u32)(~0UL >> (64 - size * 8));

	if (unlikely(size > 4))
		return refuse_access(off);
	switch (off) {
	case UARTDR:
		lock_take(&u->guest.lock);
		write_data(u, (char)*val);
		lock_drop(&u->guest.lock);
		ring_notify(u);
		return true;
	case UARTIMSC:
		lock_take(&u->guest.lock);
		u->imsc = (u->imsc & ~mask) | (u32)*val;
		update_level(u);
		break;
	case UARTICR:
		lock_take(&u->guest.lock);
		u->ris &= ~(u32)*val;
		update_level(u);
		break;
	case UARTRSR:
	case UARTFR:
	case UARTRIS:
	case UARTMIS:
		return true;
	default:
		return refuse_access(off);
	}
	lock_drop(&u->guest.lock);
	return true;
}

/* --- life --- */

static int uart_add(struct domain *d, const struct uart_place *at, struct vpl011 *u)
{
	struct mmio_region r = { at->base, GUEST_PL011_SIZE, vpl011_read, vpl011_write, u };
	int rc = timer_reserve(1);

	if (rc)
		return rc;
	rc = mmio_add(d, &r);
	if (rc) {
		timer_unreserve(1);
		return rc;
	}
	lock_init(&u->guest.lock, RANK_VUART);
	timer_init(&u->refill, refill, u, cpu_id());
	u->domain = d;
	u->spi = at->spi;
	u->fr = FR_TXFE | FR_RXFE;
	u->budget = BUDGET;
	u->filled = time_now();
	u->guest.id = d->id;
	u->guest.input = guest_input;
	/* Who has the other end of a ring may have news already. */
	store_release(&d->vuart, u);
	return 0;
}

int vpl011_domain_create(struct domain *d, const struct uart_place *at)
{
	struct vpl011 *u = mem_alloc(sizeof(*u));
	int rc;

	if (!u)
		return -XEN_ENOMEM;
	rc = uart_add(d, at, u);
	if (rc)
		mem_free(u);
	else
		console_guest_add(&u->guest);
	return rc;
}

int vpl011_ring_create(struct domain *d, const struct uart_place *at, gfn_t ring, u32 port)
{
	struct vpl011 *u = mem_alloc(sizeof(*u));
	int rc;

	if (!u)
		return -XEN_ENOMEM;
	u->port = port;
	rc = guest_area_map(&u->ring, d, ring);
	if (!rc)
		rc = uart_add(d, at, u);
	if (rc) {
		guest_area_release(&u->ring);
		mem_free(u);
	}
	return rc;
}

int vpl011_domain_close(struct domain *d)
{
	struct vpl011 *u = d->vuart;

	if (!u)
		return 0;
	if (!ring_of(u)) {
		u->guest.returns = d->restarting;
		console_guest_remove(&u->guest);
	}
	timer_destroy(&u->refill);
	return 0;
}

int vpl011_domain_destroy(struct domain *d)
{
	struct vpl011 *u = d->vuart;

	if (!u)
		return 0;
	timer_unreserve(1);
	guest_area_release(&u->ring);
	d->vuart = NULL;
	mem_free(u);
	return 0;
}
