/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restarting domains of the device tree (header: restart.h).
 *
 * A restart goes by a timer on the CPU that the domain had: it is destroyed in slices, which leave
 * the CPU to others in between; then its number is free, even while others have its pages mapped, and
 * it is built again as at boot. A record belongs to the one who moved it from IDLE (the end of a
 * domain comes once) until it is IDLE again, so there is no lock. The list of records does not
 * change after start-up.
 */
#include <serai/arch.h>
#include <serai/boot.h>
#include <serai/builder.h>
#include <serai/cmdline.h>
#include <serai/console.h>
#include <serai/compiler.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/evtchn.h>
#include <serai/launch.h>
#include <serai/printk.h>
#include <serai/restart.h>
#include <serai/string.h>
#include <serai/vpl011.h>
#include <libfdt.h>

#define SLICE	     (100 * NS_PER_US) /* of work at a time */
#define SLICE_REST   (300 * NS_PER_US) /* for others on that CPU, before the next slice */
#define LIMIT_PERIOD (60 * NS_PER_S)
#define SECRET_BYTES 32
#define SEED_NAMES   2
#define SEED_USES    16 /* uses of the firmware's seed from there on: a domain's secret */

enum restart_state {
	RESTART_IDLE,
	RESTART_KILL,  /* the old domain, or one that could not be completed, is destroyed */
	RESTART_BUILD,
};

struct restart {
	struct restart *next;
	struct domain *domain; /* referenced while in KILL */
	u32 state;	       /* enum restart_state */
	bool hopeless;	       /* what is destroyed could not be built */
	struct timer timer;
	nstime_t period; /* when the period began in which are counted: */
	u32 in_period, total;
	struct domain_config config;
	char name[16];
	struct range banks[2];
	u32 nr_banks;
	struct launch_file files[LAUNCH_FILES];
	u32 nr_files;
	u64 entry, fdt;
	struct uart_place uart;
	bool vpl011, xenstore;
	struct seed_place {
		u8 *at; /* NULL: none */
		u32 len;
	} seeds[SEED_NAMES];
	u8 secret[SECRET_BYTES]; /* new seeds come from */
};

static struct restart *restarts;
static u32 pending;

static struct restart *restart_find(domid_t id)
{
	struct restart *r = restarts;

	while (r && r->config.id != id)
		r = r->next;
	return r;
}

bool restart_keeps_id(domid_t id)
{
	return restart_find(id) != NULL;
}

u32 restarts_pending(void)
{
	return READ_ONCE(pending);
}

/* --------------------------------------------------------------------------- making it again -- */

static void seeds_renew(struct restart *r)
{
	for (u32 i = 0; i < SEED_NAMES; i++)
		if (r->seeds[i].at)
			seed_derive(r->secret, sizeof(r->secret), r->total, i, r->seeds[i].at,
				    r->seeds[i].len);
}

/* What was built when this fails goes with the domain. */
static int fill_domain(struct restart *r, struct domain *d)
{
	struct range_set banks = { r->nr_banks, ARRAY_SIZE(r->banks), r->banks };
	int rc = guest_ram_build(d, &banks);

	if (rc)
		return rc;
	rc = guest_devices_build(d, r->vpl011 ? &r->uart : NULL);
	rc = rc ? rc : launch_prepare(d, &banks, r->files, r->nr_files);
	if (rc)
		guest_ram_free(d, &banks);
	return rc;
}

static void restart_fails(struct restart *r, int rc)
{
	pr_err("d%u (%s) cannot be restarted (%d); it stays off\n", r->config.id, r->name, rc);
	console_guest_forget(r->config.id);
	WRITE_ONCE(r->state, RESTART_IDLE);
	atomic_sub_return(&pending, 1);
	domain_report_last();
}

static void step_build(struct restart *r)
{
	struct domain *d;
	int rc = domain_create(&r->config, &d);

	if (rc) {
		restart_fails(r, rc);
		return;
	}
	rc = fill_domain(r, d);
	if (rc) {
		r->domain = d;
		atomic_add_return(&d->refs, 1);
		r->hopeless = true;
		WRITE_ONCE(r->state, RESTART_KILL);
		timer_arm(&r->timer, time_now());
		return;
	}
	seeds_renew(r);
	vcpu_arch_boot(d->vcpus[0], r->entry, r->fdt);
	if (r->xenstore)
		guest_connect_xenstore(d);
	WRITE_ONCE(r->state, RESTART_IDLE);
	atomic_sub_return(&pending, 1);
	launch_start(d);
}

/* ------------------------------------------------------------------------- destroying it first -- */

static void step_kill(struct restart *r)
{
	struct domain *d = r->domain;

	timer_interrupt_by(time_now() + SLICE);
	if (domain_kill(d)) {
		timer_arm(&r->timer, time_now() + (this_cpu()->current ? SLICE_REST : 0));
		return;
	}
	if (r->hopeless) {
		r->hopeless = false;
		domain_put(d);
		restart_fails(r, -XEN_ENOMEM);
		return;
	}
	domain_free_id(d);
	domain_put(d);
	WRITE_ONCE(r->state, RESTART_BUILD);
	timer_arm(&r->timer, time_now());
	evtchn_send_virq_global(VIRQ_DOM_EXC);
}

static void restart_step(void *arg)
{
	struct restart *r = arg;

	if (r->state == RESTART_KILL)
		step_kill(r);
	else if (r->state == RESTART_BUILD)
		step_build(r);
}

/* --------------------------------------------------------------------------------- the request -- */

static bool is_wanted(const struct domain *d)
{
	switch (d->shutdown_code) {
	case SHUTDOWN_reboot:
		return true;
	case SHUTDOWN_crash:
	case SHUTDOWN_watchdog:
		return options.dom0less_restart_always;
	default:
		return false;
	}
}

/* So that a domain that cannot come up does not fill the console for ever. */
static bool is_allowed(struct restart *r)
{
	nstime_t now = time_now();

	if (!r->in_period || now - r->period > LIMIT_PERIOD) {
		r->period = now;
		r->in_period = 0;
	}
	if (r->in_period < options.restart_limit) {
		r->in_period++;
		return true;
	}
	pr_err("d%u (%s): restarted %u times within a minute, now it stays off; "
	       "restart_limit=N allows more\n",
	       r->config.id, r->name, r->in_period);
	return false;
}

bool restart_request(struct domain *d)
{
	struct restart *r = d->by_tools ? NULL : restart_find(d->id);

	if (!r || r->state != RESTART_IDLE || !is_wanted(d) || !is_allowed(r))
		return false;
	r->total++;
	pr_info("d%u (%s) %s: restarting\n", d->id, r->name,
		d->shutdown_code == SHUTDOWN_reboot ? "restarts" :
		d->shutdown_code == SHUTDOWN_crash ? "has crashed" :
						     "missed its watchdog");
	atomic_add_return(&d->refs, 1);
	atomic_add_return(&pending, 1);
	d->restarting = true;
	r->domain = d;
	WRITE_ONCE(r->state, RESTART_KILL);
	timer_move(&r->timer, d->vcpus[0]->unit.cpu);
	timer_arm(&r->timer, time_now());
	return true;
}

/* --------------------------------------------------------------------------------- at boot -- */

/* Where the tree has its seeds, and what later ones are made of. */
static void __init seeds_keep(struct restart *r, void *tree, const struct boot_info *bi)
{
	static const char *const names[SEED_NAMES] __initconst = { "rng-seed", "kaslr-seed" };
	int chosen = fdt_path_offset(tree, "/chosen"), from = fdt_path_offset(bi->fdt, "/chosen");

	for (u32 i = 0; i < SEED_NAMES && chosen >= 0 && from >= 0; i++) {
		u8 part[SECRET_BYTES];
		int len, from_len;
		const void *seed = fdt_getprop(tree, chosen, names[i], &len);
		const void *firmware = fdt_getprop(bi->fdt, from, names[i], &from_len);

		if (!seed || len <= 0 || !firmware || from_len <= 0)
			continue;
		r->seeds[i].at = (u8 *)tree + ((const u8 *)seed - (const u8 *)tree);
		r->seeds[i].len = (u32)len;
		seed_derive(firmware, (size_t)from_len, r->config.id, SEED_USES + i, part,
			    sizeof(part));
		for (u32 k = 0; k < SECRET_BYTES; k++)
			r->secret[k] ^= part[k];
	}
}

int __init restart_keep(const struct restart_plan *p, void *tree, const struct boot_info *bi)
{
	struct restart *r = mem_alloc(sizeof(*r));

	if (!r || timer_reserve(1)) {
		mem_free(r);
		return -XEN_ENOMEM;
	}
	r->config = p->config;
	str_copy(r->name, p->config.name, sizeof(r->name));
	r->config.name = r->name;
	r->nr_banks = p->banks->nr;
	for (u32 i = 0; i < p->banks->nr; i++)
		r->banks[i] = p->banks->r[i];
	r->nr_files = p->nr_files;
	for (u32 i = 0; i < p->nr_files; i++) {
		r->files[i] = p->files[i];
		r->files[i].heap = NULL;
	}
	r->entry = p->entry;
	r->fdt = p->fdt;
	r->vpl011 = p->uart;
	if (p->uart)
		r->uart = *p->uart;
	r->xenstore = p->xenstore;
	seeds_keep(r, tree, bi);
	timer_init(&r->timer, restart_step, r, cpu_id());
	r->next = restarts;
	restarts = r;
	return 0;
}
