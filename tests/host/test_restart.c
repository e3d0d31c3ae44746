// SPDX-License-Identifier: Apache-2.0
/* sources: hyp/boot/seed.c */
/*
 * When and how domains of the device tree are restarted: who asks for it, how often it is allowed,
 * in which order things happen, and what becomes of a domain that cannot be made again. What is
 * around is recorded here; the whole on real hardware is in tests/system/restart.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"
#include "tree.h"
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/restart.h>
#include <serai/time.h>
#include <serai/vpl011.h>

#define ID 3

#include "../../hyp/boot/restart.c"

struct options options;
static struct fake {
	struct domain d, *made;
	struct vcpu v, *vcpus[1];
	struct timer *timer;
	int kill_rc, create_rc, ram_rc, launch_rc;
	u32 kills, freed_ids, puts, creates, launches, ram_frees, forgotten, virqs, last_reports;
	bool xenstore, vpl011;
	u64 pc, x0;
	struct launch_file files[LAUNCH_FILES];
} f;

/* --- what is around --- */

nstime_t time_now(void)
{
	return host.now;
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg, unsigned int cpu)
{
	*t = (struct timer){ .fn = fn, .arg = arg, .cpu = cpu };
}

void timer_arm(struct timer *t, nstime_t deadline)
{
	t->deadline = deadline;
	f.timer = t;
}

void timer_move(struct timer *t, unsigned int cpu)
{
	t->cpu = cpu;
}

void timer_interrupt_by(nstime_t t)
{
}

int timer_reserve(unsigned int count)
{
	return 0;
}

void timer_unreserve(unsigned int count)
{
}

void *mem_alloc(size_t size)
{
	return calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	assert_int_equal(cfg->id, ID);
	assert_string_equal(cfg->name, "guest");
	assert_int_equal(f.creates, f.freed_ids - 1);
	f.creates++;
	*out = &f.d;
	return f.create_rc;
}

int domain_kill(struct domain *d)
{
	assert_ptr_equal(d, &f.d);
	f.kills++;
	return f.kill_rc;
}

void domain_free_id(struct domain *d)
{
	f.freed_ids++;
}

void domain_put(struct domain *d)
{
	f.puts++;
}

void domain_report_last(void)
{
	f.last_reports++;
}

int guest_ram_build(struct domain *d, const struct range_set *banks)
{
	assert_int_equal(banks->nr, 1);
	assert_int_equal(banks->r[0].start, 0x40000000);
	return f.ram_rc;
}

void guest_ram_free(struct domain *d, const struct range_set *banks)
{
	f.ram_frees++;
}

int guest_devices_build(struct domain *d, const struct uart_place *uart)
{
	f.vpl011 = uart->base == 0x22000000 && uart->spi == 32;
	return 0;
}

void guest_connect_xenstore(struct domain *d)
{
	f.xenstore = true;
}

int launch_prepare(struct domain *d, const struct range_set *banks, const struct launch_file *files,
		   u32 nr)
{
	memcpy(f.files, files, nr * sizeof(*files));
	return f.launch_rc;
}

void launch_start(struct domain *d)
{
	f.launches++;
}

void vcpu_arch_boot(struct vcpu *v, u64 pc, u64 x0)
{
	f.pc = pc;
	f.x0 = x0;
}

void console_guest_forget(domid_t id)
{
	assert_int_equal(id, ID);
	f.forgotten++;
}

void evtchn_send_virq_global(u32 virq)
{
	assert_int_equal(virq, VIRQ_DOM_EXC);
	f.virqs++;
}

/* --- a guest that is kept --- */

static void *tree, *firmware;

static void make_trees(void)
{
	static const u8 seed[32] = { 1, 2, 3 };

	firmware = calloc(1, 4096);
	tree = calloc(1, 4096);
	for (int i = 0; i < 2; i++) {
		void *t = i ? tree : firmware;

		assert_int_equal(fdt_create_empty_tree(t, 4096), 0);
		assert_true(fdt_add_subnode(t, 0, "chosen") > 0);
		assert_int_equal(fdt_setprop(t, fdt_path_offset(t, "/chosen"), "rng-seed", seed,
					     sizeof(seed)), 0);
	}
}

static struct uart_place place = { 0x22000000, 32 };

static int keep(void)
{
	struct range bank = { 0x40000000, 0x44000000 };
	struct range_set banks = { 1, 1, &bank };
	struct launch_file file = { .gpa = 0x43000000, .size = 4096, .heap = tree };
	struct boot_info bi = { .fdt = firmware };
	struct restart_plan plan = { .config = { .id = ID, .name = "guest", .nr_vcpus = 1 },
				     .banks = &banks, .files = &file, .nr_files = 1,
				     .entry = 0x40080000, .fdt = 0x43000000, .uart = &place,
				     .xenstore = true };

	return restart_keep(&plan, tree, &bi);
}

static int start(void **state)
{
	host_init(1);
	memset(&f, 0, sizeof(f));
	memset(&options, 0, sizeof(options));
	options.restart_limit = 3;
	messages_clear();
	f.d.id = ID;
	f.d.vcpus = f.vcpus;
	f.vcpus[0] = &f.v;
	make_trees();
	assert_int_equal(keep(), 0);
	return 0;
}

static int stop(void **state)
{
	free(restarts);
	restarts = NULL;
	free(tree);
	free(firmware);
	return 0;
}

static bool ends_with(u8 code)
{
	f.d.restarting = false;
	f.d.shutdown_code = code;
	return restart_request(&f.d);
}

/* The timer's function, once. */
static void step(void)
{
	struct timer *t = f.timer;

	assert_non_null(t);
	f.timer = NULL;
	t->fn(t->arg);
}

static void restart_once(void)
{
	assert_true(ends_with(SHUTDOWN_reboot));
	step();
	step();
	assert_null(f.timer);
	assert_int_equal(restarts_pending(), 0);
}

/* --- tests --- */

static void test_it_is_destroyed_and_made_again(void **state)
{
	f.v.unit.cpu = 1;
	assert_true(ends_with(SHUTDOWN_reboot));
	assert_said("d3 (guest) restarts: restarting");
	assert_true(f.d.restarting);
	assert_int_equal(f.d.refs, 1);
	assert_int_equal(f.timer->cpu, 1);
	assert_int_equal(restarts_pending(), 1);
	/* It runs still; and is long. */
	f.kill_rc = -XEN_ERESTART;
	for (int i = 0; i < 5; i++)
		step();
	assert_int_equal(f.creates + f.freed_ids + f.puts, 0);
	f.kill_rc = 0;
	step();
	assert_int_equal(f.kills, 6);
	assert_int_equal(f.freed_ids, 1);
	assert_int_equal(f.puts, 1);
	assert_int_equal(f.virqs, 1);
	assert_int_equal(f.creates, 0);
	step();
	assert_int_equal(f.creates, 1);
	assert_int_equal(f.launches, 1);
	assert_true(f.vpl011 && f.xenstore);
	assert_int_equal(f.pc, 0x40080000);
	assert_int_equal(f.x0, 0x43000000);
	assert_null(f.files[0].heap); /* the launch shall not free it */
	assert_int_equal(restarts_pending(), 0);
}

static void test_each_life_has_its_own_seed(void **state)
{
	u8 old[4][32];
	int len;

	for (u32 i = 0; i < 4; i++) {
		const void *seed = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "rng-seed",
					       &len);

		assert_int_equal(len, 32);
		memcpy(old[i], seed, 32);
		for (u32 k = 0; k < i; k++)
			assert_memory_not_equal(old[i], old[k], 32);
		if (i < 3)
			restart_once();
	}
}

static void test_which_ends_are_restarts(void **state)
{
	assert_false(ends_with(SHUTDOWN_poweroff));
	assert_false(ends_with(SHUTDOWN_suspend));
	assert_false(ends_with(SHUTDOWN_crash));
	assert_false(ends_with(SHUTDOWN_watchdog));
	assert_false(ends_with(99));
	f.d.id = 4;
	assert_false(ends_with(SHUTDOWN_reboot)); /* not from the device tree */
	f.d.id = ID;
	assert_silent();
	options.dom0less_restart_always = true;
	assert_false(ends_with(SHUTDOWN_poweroff));
	assert_true(ends_with(SHUTDOWN_crash));
	assert_said("d3 (guest) has crashed: restarting");
	step();
	step();
	assert_true(ends_with(SHUTDOWN_watchdog));
	assert_said("d3 (guest) missed its watchdog: restarting");
	step();
	step();
}

static void test_the_limit_counts_a_minute(void **state)
{
	for (int i = 0; i < 3; i++)
		restart_once();
	messages_clear();
	host.now += 59 * NS_PER_S;
	assert_false(ends_with(SHUTDOWN_reboot));
	assert_said("d3 (guest): restarted 3 times within a minute, now it stays off");
	host.now += 2 * NS_PER_S;
	for (int i = 0; i < 3; i++)
		restart_once();
	assert_false(ends_with(SHUTDOWN_reboot));
}

static void test_a_number_that_is_taken(void **state)
{
	f.create_rc = -XEN_EEXIST;
	assert_true(ends_with(SHUTDOWN_reboot));
	step();
	step();
	assert_said("d3 (guest) cannot be restarted (-17); it stays off");
	assert_int_equal(f.forgotten, 1);
	assert_int_equal(f.last_reports, 1);
	assert_int_equal(restarts_pending(), 0);
	assert_null(f.timer);
}

/* What was made of it goes, in steps too. */
static void test_no_memory(void **state)
{
	for (int i = 0; i < 2; i++) {
		f.ram_rc = i ? 0 : -XEN_ENOMEM;
		f.launch_rc = -XEN_ENOMEM;
		f.kills = f.puts = f.forgotten = 0;
		assert_true(ends_with(SHUTDOWN_reboot));
		step();
		step();
		assert_int_equal(f.ram_frees, i);
		f.kill_rc = -XEN_ERESTART;
		step();
		assert_int_equal(f.forgotten, 0);
		f.kill_rc = 0;
		step();
		assert_int_equal(f.kills, 3);
		assert_int_equal(f.puts, 2);
		assert_int_equal(f.forgotten, 1);
		assert_int_equal(f.launches, 0);
		assert_int_equal(restarts_pending(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_is_destroyed_and_made_again, start, stop),
		cmocka_unit_test_setup_teardown(test_each_life_has_its_own_seed, start, stop),
		cmocka_unit_test_setup_teardown(test_which_ends_are_restarts, start, stop),
		cmocka_unit_test_setup_teardown(test_the_limit_counts_a_minute, start, stop),
		cmocka_unit_test_setup_teardown(test_a_number_that_is_taken, start, stop),
		cmocka_unit_test_setup_teardown(test_no_memory, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
