/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/control/domctl_device.c hyp/core/access.c hyp/core/irq.c hyp/boot/range.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* Devices for a domain by domctl: who may have what, what is mapped, whose interrupts they are. */
#include "../../hyp/control/domctl.h"
#include "messages.h"
#include "world.h"

#include <serai/access.h>
#include <serai/evtchn.h>
#include <serai/irq.h>
#include <serai/runstate.h>
#include <serai/vpl011.h>

#define RTC   0x9010UL /* a page of registers that dom0 may give away */
#define FLASH 0x4000UL
#define RTC_IRQ 34
#define VIRTUAL 64 /* interrupts that a guest's controller has */

static u32 linked[IRQS_MAX]; /* by physical number: the virtual one */
static enum irq_type type_of[IRQS_MAX];
static u32 virq_set, virq_to;

void guest_printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(messages, sizeof(messages), fmt, ap);
	va_end(ap);
}

void *mem_alloc(size_t size)
{
	return calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}

u32 irq_arch_lines(void)
{
	return 256;
}

void irq_arch_enable(u32 irq)
{
}

void irq_arch_disable(u32 irq)
{
}

void irq_arch_set_type(u32 irq, enum irq_type type)
{
	type_of[irq] = type;
}

void irq_arch_set_target(u32 irq, unsigned int cpu)
{
}

int domain_arch_assign_spi(struct domain *d, u32 virq, u32 irq)
{
	if (virq >= VIRTUAL)
		return -XEN_EINVAL;
	linked[irq] = virq;
	return 0;
}

void domain_arch_unassign_spi(struct domain *d, u32 virq)
{
	linked[virq] = 0;
}

void domain_arch_inject_hw_spi(struct domain *d, u32 virq, u32 irq)
{
}

static u64 time_run;
static int next_port, ring_answer;

void runstate_snapshot(struct vcpu *v, struct abi_runstate_info *out)
{
	*out = (struct abi_runstate_info){ .time[RUNSTATE_running] = time_run };
}

int evtchn_alloc_own(struct domain *d, domid_t remote)
{
	assert_int_equal(remote, 0);
	return next_port;
}

void evtchn_close_own(struct domain *d, u32 port)
{
	assert_int_equal(port, next_port);
	next_port++;
}

int vpl011_ring_create(struct domain *d, const struct uart_place *at, gfn_t ring, u32 port)
{
	assert_int_equal(ring.v, 0x39003);
	assert_int_equal(port, next_port);
	if (!ring_answer)
		d->vuart = (void *)d;
	return ring_answer;
}

int evtchn_set_virq_handler(u32 virq, domid_t id)
{
	virq_set = virq;
	virq_to = id;
	return virq < 24 ? 0 : -XEN_EINVAL;
}

static int setup(void **state)
{
	world_init();
	memset(linked, 0, sizeof(linked));
	memset(type_of, 0, sizeof(type_of));
	assert_int_equal(irq_init(), 0);
	assert_int_equal(access_domain_open(&world[0], 4), 0);
	access_set_memory(&world[0], RTC << PAGE_SHIFT, (RTC + 1) << PAGE_SHIFT, true);
	access_set_memory(&world[0], FLASH << PAGE_SHIFT, (FLASH + 0x100) << PAGE_SHIFT, true);
	access_set_irq(&world[0], RTC_IRQ, true);
	access_set_irq(&world[0], 70, true);
	irq_desc(RTC_IRQ)->type = IRQ_TYPE_LEVEL;
	return 0;
}

static int balanced(void **state)
{
	irq_domain_close(&world[1]);
	free(irq_desc(0));
	for (u32 i = 0; i < 3; i++)
		access_domain_destroy(&world[i]);
	assert_int_equal(world_refs, 0);
	return 0;
}

/* --- registers --- */

static long permit(u64 first, u64 nr, u8 allow)
{
	struct abi_domctl op = { .u.iomem_permission = { first, nr, allow } };

	return domctl_iomem_permission(&world[1], &op);
}

static long map(u64 g, u64 m, u64 nr, u32 add)
{
	struct abi_domctl op = { .u.memory_mapping = { g, m, nr, add, 0 } };

	return domctl_memory_mapping(&world[1], &op);
}

static void memory_permission(void **state)
{
	assert_int_equal(permit(RTC, 1, 1), 0);
	assert_true(access_has_memory(&world[1], RTC << PAGE_SHIFT, (RTC + 1) << PAGE_SHIFT));
	/* What dom0 has not got nobody gets from it: RAM, holes, one page too many. */
	assert_int_equal(permit(HOST_RAM_BASE >> PAGE_SHIFT, 1, 1), -XEN_EPERM);
	assert_int_equal(permit(RTC - 1, 1, 1), -XEN_EPERM);
	assert_int_equal(permit(RTC, 2, 1), -XEN_EPERM);
	assert_int_equal(permit(0, 0, 1), -XEN_EPERM);
	assert_int_equal(permit(1UL << 52, 1, 1), -XEN_EPERM);
	assert_int_equal(permit(1, ~0UL, 1), -XEN_EPERM);
	assert_int_equal(permit(~0UL, 2, 1), -XEN_EINVAL);
	/* A guest that were in control has nothing to give. */
	world_enter(1);
	assert_int_equal(permit(FLASH, 1, 1), -XEN_EPERM);
	world_enter(0);
	assert_int_equal(permit(RTC, 1, 0), 0);
	assert_false(access_has_memory(&world[1], RTC << PAGE_SHIFT, (RTC + 1) << PAGE_SHIFT));
}

static void too_many_ranges(void **state)
{
	long rc = 0;
	u32 n;

	for (n = 0; n < 0x100 && !rc; n += 2)
		rc = permit(FLASH + n, 1, 1);
	assert_int_equal(rc, -XEN_ENOSPC);
	assert_true(n > 32);
	assert_int_equal(permit(FLASH, 0x100, 1), 0); /* one range */
}

static void mapping(void **state)
{
	enum p2m_type t;

	assert_int_equal(map(RTC, RTC, 1, 1), -XEN_EPERM);
	assert_int_equal(permit(RTC, 1, 1), 0);
	assert_int_equal(permit(FLASH, 0x100, 1), 0);
	assert_int_equal(map(0x50, RTC, 1, 1), 0);
	assert_int_equal(p2m_lookup(&world[1].p2m, gfn(0x50), &t).v, RTC);
	assert_int_equal(t, P2M_MMIO_DEV);
	assert_int_equal(map(0x100, FLASH, 64, 1), 0);
	assert_int_equal(map(0x100, FLASH, 65, 1), -XEN_E2BIG);
	assert_int_equal(map(0x100, FLASH, 0, 1), -XEN_EINVAL);
	assert_int_equal(map(~0UL, FLASH, 2, 1), -XEN_EINVAL);
	assert_int_equal(map(0x100, ~0UL - 1, 2, 1), -XEN_EINVAL);
	/* Leave that ended stops mapping, and what is there stays. */
	assert_int_equal(permit(RTC, 1, 0), 0);
	assert_int_equal(map(0x51, RTC, 1, 1), -XEN_EPERM);
	assert_int_equal(p2m_lookup(&world[1].p2m, gfn(0x50), &t).v, RTC);
}

static void unmapping(void **state)
{
	u64 ram = world_give_ram(&world[1], 0x200, 0);
	enum p2m_type t;

	assert_int_equal(permit(FLASH, 0x100, 1), 0);
	assert_int_equal(map(0x100, FLASH, 2, 1), 0);
	/* Neither RAM nor other registers go with it. */
	assert_int_equal(map(0x200, FLASH, 1, 0), 0);
	assert_int_equal(p2m_lookup(&world[1].p2m, gfn(0x200), &t).v, ram);
	assert_int_equal(map(0x100, FLASH + 1, 1, 0), 0);
	assert_int_equal(p2m_lookup(&world[1].p2m, gfn(0x100), &t).v, FLASH);
	assert_int_equal(map(0x100, FLASH, 2, 0), 0);
	p2m_lookup(&world[1].p2m, gfn(0x101), &t);
	assert_int_equal(t, P2M_INVALID);
}

static void dying(void **state)
{
	struct abi_domctl bind = { .u.bind_pt_irq = { RTC_IRQ, PT_IRQ_TYPE_SPI, { { RTC_IRQ } } } };

	assert_int_equal(permit(RTC, 1, 1), 0);
	world[1].dying = true;
	assert_int_equal(map(RTC, RTC, 1, 1), -XEN_EINVAL);
	assert_int_equal(domctl_bind_pt_irq(&world[1], &bind), -XEN_EBUSY);
	access_domain_destroy(&world[1]);
	assert_int_equal(permit(RTC, 1, 1), -XEN_EINVAL);
}

/* --- interrupts --- */

static long irq_op(domctl_fn *fn, u32 irq, u32 type, u16 spi)
{
	struct abi_domctl op = { .u.bind_pt_irq = { irq, type, { { spi } } } };

	return fn(&world[1], &op);
}

static void interrupts(void **state)
{
	struct abi_domctl op = { .u.irq_permission = { RTC_IRQ, 1, { 0 } } };

	assert_int_equal(domctl_irq_permission(&world[1], &op), 0);
	assert_true(access_has_irq(&world[1], RTC_IRQ));
	op.u.irq_permission.pirq = 33;
	assert_int_equal(domctl_irq_permission(&world[1], &op), -XEN_EPERM);
	op.u.irq_permission.pirq = 5000;
	assert_int_equal(domctl_irq_permission(&world[1], &op), -XEN_EINVAL);

	assert_int_equal(irq_op(domctl_bind_pt_irq, RTC_IRQ, 0, RTC_IRQ), -XEN_EOPNOTSUPP);
	assert_int_equal(irq_op(domctl_bind_pt_irq, RTC_IRQ, PT_IRQ_TYPE_SPI, 35), -XEN_EINVAL);
	assert_int_equal(irq_op(domctl_bind_pt_irq, 33, PT_IRQ_TYPE_SPI, 33), -XEN_EPERM);
	assert_int_equal(irq_op(domctl_bind_pt_irq, 70, PT_IRQ_TYPE_SPI, 70), -XEN_EBUSY);
	assert_int_equal(irq_op(domctl_bind_pt_irq, RTC_IRQ, PT_IRQ_TYPE_SPI, RTC_IRQ), 0);
	assert_int_equal(linked[RTC_IRQ], RTC_IRQ);
	assert_int_equal(type_of[RTC_IRQ], IRQ_TYPE_LEVEL);
	assert_int_equal(irq_op(domctl_bind_pt_irq, RTC_IRQ, PT_IRQ_TYPE_SPI, RTC_IRQ), -XEN_EBUSY);
	assert_int_equal(irq_op(domctl_unbind_pt_irq, RTC_IRQ, PT_IRQ_TYPE_SPI, RTC_IRQ), 0);
	assert_int_equal(linked[RTC_IRQ], 0);
	assert_int_equal(irq_op(domctl_unbind_pt_irq, RTC_IRQ, PT_IRQ_TYPE_SPI, RTC_IRQ),
			 -XEN_EINVAL);
}

/* --- the rest --- */

static void refused_in_words(void **state)
{
	static const char path[] = "/pl031@9010000";
	struct abi_domctl op = { .cmd = XEN_DOMCTL_assign_device };

	op.u.assign_device.dev = XEN_DOMCTL_DEV_DT;
	op.u.assign_device.u.dt.size = sizeof(path) - 1;
	op.u.assign_device.u.dt.path = host_guest_put(path, sizeof(path));
	assert_int_equal(domctl_assign_device(&world[1], &op), -XEN_EOPNOTSUPP);
	assert_said("/pl031@9010000 cannot be assigned to d1");
	op.u.assign_device.u.dt.size = 100000;
	assert_int_equal(domctl_assign_device(&world[1], &op), -XEN_EOPNOTSUPP);
}

static void target(void **state)
{
	struct abi_domctl op = { .u.set_target = { 1 } };

	assert_int_equal(domctl_set_target(&world[1], &op), -XEN_EINVAL);
	op.u.set_target.target = 3;
	assert_int_equal(domctl_set_target(&world[1], &op), -XEN_ESRCH);
	op.u.set_target.target = 2;
	assert_int_equal(domctl_set_target(&world[1], &op), 0);
	assert_ptr_equal(world[1].target, &world[2]);
	assert_int_equal(domctl_set_target(&world[1], &op), -XEN_EINVAL);
	assert_int_equal(world_refs, 1);
}

static void virq_handler(void **state)
{
	struct abi_domctl op = { .u.set_virq_handler = { 3 } };

	assert_int_equal(domctl_set_virq_handler(&world[1], &op), 0);
	assert_int_equal(virq_set, 3);
	assert_int_equal(virq_to, 1);
	world[2].dying = true;
	assert_int_equal(domctl_set_virq_handler(&world[2], &op), -XEN_EINVAL);
	assert_int_equal(virq_to, 1);
}

static void second_console(void **state)
{
	struct abi_domctl op = { .u.vuart_op = { .gfn = 0x39003 } };

	next_port = 7;
	time_run = 0;
	assert_int_equal(domctl_vuart_op(&world[0], &op), -XEN_EPERM);
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EPERM); /* not paused */
	world[1].pause_count = 1;
	time_run = 1;
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EPERM);
	time_run = 0;
	op.u.vuart_op.cmd = 1;
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EINVAL);
	op.u.vuart_op.cmd = 0;
	op.u.vuart_op.type = 1;
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EOPNOTSUPP);
	op.u.vuart_op.type = 0;
	ring_answer = -XEN_EINVAL;
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EINVAL);
	assert_int_equal(next_port, 8); /* it was given back */
	ring_answer = 0;
	assert_int_equal(domctl_vuart_op(&world[1], &op), 0);
	assert_int_equal(op.u.vuart_op.evtchn, 8);
	assert_int_equal(domctl_vuart_op(&world[1], &op), -XEN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_permission, setup, balanced),
		cmocka_unit_test_setup_teardown(too_many_ranges, setup, balanced),
		cmocka_unit_test_setup_teardown(mapping, setup, balanced),
		cmocka_unit_test_setup_teardown(unmapping, setup, balanced),
		cmocka_unit_test_setup_teardown(dying, setup, balanced),
		cmocka_unit_test_setup_teardown(interrupts, setup, balanced),
		cmocka_unit_test_setup_teardown(refused_in_words, setup, balanced),
		cmocka_unit_test_setup_teardown(target, setup, balanced),
		cmocka_unit_test_setup_teardown(virq_handler, setup, balanced),
		cmocka_unit_test_setup_teardown(second_console, setup, balanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
