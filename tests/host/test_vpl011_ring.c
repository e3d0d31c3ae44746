/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/dev/vpl011.c hyp/dev/mmio.c hyp/core/guest_area.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* A guest's UART whose line is a ring in its memory: both directions, full, and lies of the other end. */
#include "world.h"

#include <abi/console.h>
#include <abi/guest_layout.h>
#include <serai/console.h>
#include <serai/mmio.h>
#include <serai/time.h>
#include <serai/vpl011.h>

#define DR   0x00
#define FR   0x18
#define IMSC 0x38
#define RIS  0x3c

#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define FR_TXFE 0x80u
#define INT_RT	0x40u
#define INT_TX	0x20u

#define RING 0x100 /* gfn */
#define PORT 5

static struct abi_console_ring *ring;
static unsigned int told, objects;
static const struct uart_place place = { GUEST_PL011_BASE, GUEST_VPL011_SPI };

void *mem_alloc(size_t size)
{
	objects++;
	return calloc(1, size);
}

void mem_free(void *p)
{
	objects -= !!p;
	free(p);
}

nstime_t time_now(void)
{
	return 0;
}

int timer_reserve(unsigned int count)
{
	return 0;
}

void timer_unreserve(unsigned int count)
{
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu)
{
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	fail_msg("a ring has no budget");
}

void timer_destroy(struct timer *t)
{
}

void console_guest_add(struct console_guest *g)
{
	fail_msg("it is not on the console");
}

void console_guest_remove(struct console_guest *g)
{
	fail_msg("it is not on the console");
}

void console_guest_put(struct console_guest *g, const char *text, size_t n)
{
	fail_msg("it is not on the console");
}

static void notify(struct domain *d, u32 port)
{
	assert_ptr_equal(d, &world[1]);
	assert_int_equal(port, PORT);
	assert_int_equal(this_cpu()->lock_depth, 0);
	told++;
}

/* The port is there before the UART is: who is to bind it may do so, and send, at once. */
static void early_news(void **state)
{
	world_init();
	vpl011_ring_event(&world[1]);
}

static int setup(void **state)
{
	world_init();
	told = objects = 0;
	domain_actions.uart_notify = notify;
	ring = world_frame_bytes(world_give_ram(&world[1], RING, 0));
	memset(ring, 0, sizeof(*ring));
	world_enter(1);
	assert_int_equal(vpl011_ring_create(&world[1], &place, gfn(RING), PORT), 0);
	return 0;
}

static int gone(void **state)
{
	assert_int_equal(vpl011_domain_close(&world[1]), 0);
	assert_int_equal(vpl011_domain_destroy(&world[1]), 0);
	mmio_destroy(&world[1]);
	assert_int_equal(objects, 0);
	return 0;
}

static u32 rd(u64 off)
{
	u64 val = 0;

	assert_true(mmio_handle(&world_vcpu[1], place.base + off, 4, false, &val));
	return (u32)val;
}

static void wr(u64 off, u32 val)
{
	u64 v = val;

	assert_true(mmio_handle(&world_vcpu[1], place.base + off, 4, true, &v));
}

static void sent(void **state)
{
	wr(DR, 'h');
	wr(DR, 'i');
	assert_int_equal(ring->out_prod, 2);
	assert_memory_equal(ring->out, "hi", 2);
	assert_int_equal(told, 2);
	assert_int_equal(rd(FR) & (FR_TXFF | FR_TXFE), 0);
	ring->out_cons = 2;
	vpl011_ring_event(&world[1]);
	assert_int_equal(rd(FR), FR_TXFE | FR_RXFE);
}

/* Who is interrupted may send half a FIFO without looking: there is room for it. */
static void full(void **state)
{
	for (u32 i = 0; i < sizeof(ring->out); i++) {
		assert_int_equal(rd(FR) & FR_TXFF, 0);
		wr(DR, 'a' + i % 26);
		assert_int_equal(rd(RIS) & INT_TX, i + 1 + 16 <= sizeof(ring->out) ? INT_TX : 0);
	}
	assert_int_equal(rd(FR) & (FR_TXFF | FR_TXFE), FR_TXFF);
	wr(DR, '!');
	assert_int_equal(ring->out_prod, sizeof(ring->out));
	assert_memory_equal(ring->out, "abc", 3);
	wr(IMSC, INT_TX);
	assert_false(world[1].arch.spi_level);
	ring->out_cons = 15;
	vpl011_ring_event(&world[1]);
	assert_false(world[1].arch.spi_level);
	assert_int_equal(rd(FR) & FR_TXFF, 0);
	ring->out_cons = 16;
	vpl011_ring_event(&world[1]);
	assert_true(world[1].arch.spi_level);
}

static void received(void **state)
{
	wr(IMSC, INT_RT);
	memcpy(ring->in, "abc", 3);
	ring->in_prod = 3;
	assert_int_equal(rd(FR) & FR_RXFE, FR_RXFE);
	vpl011_ring_event(&world[1]);
	assert_int_equal(ring->in_cons, 3);
	assert_true(world[1].arch.spi_level);
	told = 0;
	assert_int_equal(rd(DR), 'a');
	assert_int_equal(rd(DR), 'b');
	assert_int_equal(told, 2); /* there is room again */
	/* More without an event: it is seen with the next character. */
	ring->in[3] = 'd';
	ring->in_prod = 4;
	assert_int_equal(rd(DR), 'c');
	assert_true(world[1].arch.spi_level);
	assert_int_equal(rd(DR), 'd');
	assert_false(world[1].arch.spi_level);
	assert_int_equal(rd(FR) & FR_RXFE, FR_RXFE);
}

static void lies(void **state)
{
	/* More than a ring holds, in both directions, and indices that run backwards. */
	ring->in_prod = 5000;
	vpl011_ring_event(&world[1]);
	assert_int_equal(rd(FR) & FR_RXFE, FR_RXFE);
	assert_int_equal(ring->in_cons, 0);
	ring->in_cons = ~0U - 1;
	ring->in_prod = 2;
	vpl011_ring_event(&world[1]);
	assert_int_equal(ring->in_cons, 2);
	ring->out_prod = 7;
	ring->out_cons = 9;
	vpl011_ring_event(&world[1]);
	assert_int_equal(rd(FR) & FR_TXFF, FR_TXFF);
	wr(DR, 'x');
	ring->out_cons = ring->out_prod = 0x7fffffff;
	vpl011_ring_event(&world[1]);
	wr(DR, 'y');
	assert_int_equal(ring->out[0x7fffffff % sizeof(ring->out)], 'y');
}

static void no_page(void **state)
{
	world_init();
	objects = 0;
	assert_int_equal(vpl011_ring_create(&world[1], &place, gfn(0x999), PORT), -XEN_EINVAL);
	assert_null(world[1].vuart);
	assert_int_equal(objects, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sent, setup, gone),
		cmocka_unit_test_setup_teardown(full, setup, gone),
		cmocka_unit_test_setup_teardown(received, setup, gone),
		cmocka_unit_test_setup_teardown(lies, setup, gone),
		cmocka_unit_test(early_news),
		cmocka_unit_test(no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
