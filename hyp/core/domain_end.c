/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a domain shuts down and there is no dom0 that would hear of it: who reads the console is told,
 * and when nothing is left to run, too.
 */
#include <serai/arch.h>
#include <serai/cmdline.h>
#include <serai/domain.h>
#include <serai/printk.h>

static const char *what_it_did(u8 reason)
{
	static const char *const what[] = {
		"is off", "wanted to be restarted, but stays off",
		"is suspended, and nobody will wake it", "has crashed", "missed its watchdog",
		"wants a soft reset, but there is no dom0 that would do it",
	};

	return reason < ARRAY_SIZE(what) ? what[reason] : "is off for a reason of its own";
}

/* Domains that could still run, or will; with_dom0: dom0 is one of them. */
static u32 count_running(bool *with_dom0)
{
	u32 nr = domain_actions.to_come ? domain_actions.to_come() : 0;
	struct domain *d;

	*with_dom0 = false;
	for (u32 id = 0; (d = domain_get_next(id)); id = d->id + 1U, domain_put(d)) {
		nr += !READ_ONCE(d->shut_down) && !READ_ONCE(d->dying);
		*with_dom0 |= domain_is_control(d);
	}
	return nr;
}

void domain_report_end(struct domain *d)
{
	bool with_dom0;

	count_running(&with_dom0);
	if (with_dom0)
		return;
	pr_info("d%u (%s) %s\n", d->id, d->name, what_it_did(d->shutdown_code));
	domain_report_last();
}

void domain_report_last(void)
{
	bool with_dom0;

	if (count_running(&with_dom0) || with_dom0)
		return;
	if (options.dom0less_poweroff) {
		pr_info("all domains have ended: switching the machine off\n");
		cpu_arch_stop_others();
		cpu_arch_power_off();
	}
	pr_info("all domains have ended and there is no dom0: nothing will happen any more; switch "
		"the machine off, or restart it\n");
}
