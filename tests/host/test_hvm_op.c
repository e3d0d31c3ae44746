/* SPDX-License-Identifier: Apache-2.0 */
/* sources: hyp/core/hvm_op.c hyp/core/vm_assist.c hyp/core/console_io.c hyp/core/physdev.c hyp/mm/frame.c hyp/mm/heap.c hyp/mm/p2m.c */
/* The small hypercalls: parameters, the one assist, a domain's console, nothing for physdev. */
#include "world.h"

#include <abi/hvm_op.h>
#include <serai/console.h>

#define NOBODY 0x7000

/* --- a console --- */

static char said[4096], typed[4096];
static size_t nr_said, nr_typed;

void console_guest_write(const char *text, size_t n)
{
	assert_in_range(n, 1, 128);
	memcpy(said + nr_said, text, n);
	nr_said += n;
}

size_t console_guest_read(char *buf, size_t n)
{
	n = MIN(n, nr_typed);
	memcpy(buf, typed, n);
	memmove(typed, typed + n, nr_typed - n);
	nr_typed -= n;
	return n;
}

static int setup(void **state)
{
	world_init();
	nr_said = nr_typed = 0;
	return 0;
}

static long hvm(u64 op, domid_t id, u32 index, u64 *value)
{
	struct abi_hvm_param_arg p = { .domid = id, .index = index, .value = *value };
	u64 h = host_guest_put(&p, sizeof(p)), arg[5] = { op, h };
	long rc = do_hvm_op(arg);

	*value = ((struct abi_hvm_param_arg *)host_guest_ptr(h))->value;
	assert_int_equal(world_refs, 0);
	return rc;
}

static long get(domid_t id, u32 index)
{
	u64 v = 0x1234;

	return hvm(HVMOP_get_param, id, index, &v) ?: (long)v;
}

static long set(domid_t id, u32 index, u64 v)
{
	return hvm(HVMOP_set_param, id, index, &v);
}

/* Section 7 of XEN-4.17-REFERENCE.md: every index. */
static void own_parameters(void **state)
{
	for (domid_t id = 0; id < 2; id++) {
		world_enter(id);
		for (u32 i = 0; i <= 100; i++) {
			bool readable = i <= 2 || i == 17 || i == 18;
			bool known = readable || i == 28;

			world[id].hvm_params[MIN(i, 38U)] = 0x77;
			assert_int_equal(get(DOMID_SELF, i), readable ? 0x77
							     : known  ? -XEN_EPERM
								      : -XEN_EINVAL);
			assert_int_equal(set(DOMID_SELF, i, 5), known ? -XEN_EPERM : -XEN_EINVAL);
		}
	}
	assert_int_equal(get(DOMID_SELF, 0xffffffff), -XEN_EINVAL);
}

static void parameters_of_others(void **state)
{
	assert_int_equal(set(1, HVM_PARAM_STORE_PFN, 99), 0);
	assert_int_equal(get(1, HVM_PARAM_STORE_PFN), 99);
	assert_int_equal(set(1, HVM_PARAM_MONITOR_RING_PFN, 98), 0);
	assert_int_equal(get(1, HVM_PARAM_MONITOR_RING_PFN), 98);
	assert_int_equal(set(1, 3, 98), -XEN_EINVAL);
	assert_int_equal(get(NOBODY, 0), -XEN_ESRCH);
	world_enter(1);
	assert_int_equal(get(DOMID_SELF, HVM_PARAM_STORE_PFN), 99);
	assert_int_equal(get(0, HVM_PARAM_STORE_PFN), -XEN_EPERM);
	assert_int_equal(set(2, HVM_PARAM_STORE_PFN, 1), -XEN_EPERM);
}

static void hvm_faults(void **state)
{
	u64 arg[5] = { HVMOP_get_param, HOST_BAD_GVA };

	assert_int_equal(do_hvm_op(arg), -XEN_EFAULT);
	arg[0] = HVMOP_set_param;
	assert_int_equal(do_hvm_op(arg), -XEN_EFAULT);
	host.fail_copy_in = 2;
	assert_int_equal(get(DOMID_SELF, 0), -XEN_EFAULT);
	arg[0] = 99;
	assert_int_equal(do_hvm_op(arg), -XEN_ENOSYS);
	arg[0] = HVMOP_guest_request_vm_event;
	assert_int_equal(do_hvm_op(arg), -XEN_EINVAL);
	arg[1] = 0;
	assert_int_equal(do_hvm_op(arg), 0);
}

static long assist(u64 cmd, u64 type)
{
	u64 arg[5] = { cmd, type };

	return do_vm_assist(arg);
}

static void vm_assist(void **state)
{
	for (u64 type = 0; type < 70; type++)
		assert_int_equal(assist(VMASST_CMD_enable, type), type == 5 ? 0 : -XEN_EINVAL);
	assert_int_equal(assist(VMASST_CMD_enable, ~0UL), -XEN_EINVAL);
	assert_int_equal(world[0].vm_assist, BIT(5));
	assert_int_equal(assist(2, 5), -XEN_ENOSYS);
	assert_int_equal(assist(VMASST_CMD_disable, 5), 0);
	assert_int_equal(world[0].vm_assist, 0);
}

static long console(u64 cmd, u64 count, u64 buffer, unsigned int *restarts)
{
	u64 arg[5] = { cmd, count, buffer };
	long rc;

	*restarts = 0;
	while ((rc = do_console_io(arg)) == -XEN_ERESTART)
		++*restarts;
	return rc;
}

static void console_writes(void **state)
{
	char text[1000];
	unsigned int restarts;
	u64 h;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	h = host_guest_put(text, sizeof(text));
	assert_int_equal(console(CONSOLEIO_write, sizeof(text), h, &restarts), 0);
	assert_int_equal(restarts, 0);
	assert_int_equal(nr_said, sizeof(text));
	assert_memory_equal(said, text, sizeof(text));
	nr_said = 0;
	host.preempt_always = true;
	assert_int_equal(console(CONSOLEIO_write, sizeof(text), h, &restarts), 0);
	assert_int_equal(restarts, 7);
	assert_int_equal(nr_said, sizeof(text));
	assert_memory_equal(said, text, sizeof(text));
	host.preempt_always = false;
	assert_int_equal(console(CONSOLEIO_write, 0, h, &restarts), 0);
	assert_int_equal(console(CONSOLEIO_write, 1, HOST_BAD_GVA, &restarts), -XEN_EFAULT);
	nr_said = 0;
	host.fail_copy_in = 3;
	assert_int_equal(console(CONSOLEIO_write, sizeof(text), h, &restarts), -XEN_EFAULT);
	assert_int_equal(nr_said, 256);
}

static void console_reads(void **state)
{
	u64 h = host_guest_alloc(1000);
	unsigned int restarts;

	assert_int_equal(console(CONSOLEIO_read, 1000, h, &restarts), 0);
	memset(typed, 'x', nr_typed = 300);
	assert_int_equal(console(CONSOLEIO_read, 200, h, &restarts), 200);
	assert_int_equal(console(CONSOLEIO_read, 1000, h, &restarts), 100);
	assert_memory_equal(host_guest_ptr(h), "xxxx", 4);
	nr_typed = 1;
	assert_int_equal(console(CONSOLEIO_read, 1000, HOST_BAD_GVA, &restarts), -XEN_EFAULT);
}

static void console_refusals(void **state)
{
	unsigned int restarts;

	assert_int_equal(console(2, 0, 0, &restarts), -XEN_ENOSYS);
	assert_int_equal(console(CONSOLEIO_write, 0x80000000, 0, &restarts), -XEN_EINVAL);
	world_enter(1);
	world[1].flags |= DOMAIN_UNRESTRICTED;
	assert_int_equal(console(CONSOLEIO_write, 0, 0, &restarts), -XEN_EPERM);
	assert_int_equal(console(2, 0, 0, &restarts), -XEN_EPERM);
	/* Allowed to write, it still does not read what is typed for dom0. */
	world[1].flags |= DOMAIN_CONSOLE;
	assert_int_equal(console(CONSOLEIO_write, 0, 0, &restarts), 0);
	assert_int_equal(console(CONSOLEIO_read, 0, 0, &restarts), -XEN_EPERM);
}

static void physdev(void **state)
{
	for (u64 cmd = 0; cmd < 40; cmd++) {
		u64 arg[5] = { cmd, 0 };

		assert_int_equal(do_physdev_op(arg), -XEN_ENOSYS);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(own_parameters), T(parameters_of_others), T(hvm_faults),	 T(vm_assist),
		T(console_writes), T(console_reads),	    T(console_refusals), T(physdev),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
