// SPDX-License-Identifier: Apache-2.0
/* dom0 gives a device that its tree keeps from it to a running guest: registers and interrupt. */
/* machine: smp=1 vcpus=1 pair=1 peer="nr_spis = <64>;" tree='/ { pl031@9010000 { xen,passthrough; }; };' */
#include "guest.h"

#define RTC_PAGE 0x9010ul
#define RTC_IRQ	 34
#define RTC_DR	 0x0
#define RTC_MR	 0x4
#define RTC_IMSC 0x10
#define RTC_RIS	 0x14
#define RTC_ICR	 0x1c
#define SPI	 4ul

static uint64_t clock_irqs, rtc;

/* ---- what the peer does ---- */

static void on_clock(uint32_t irq, struct trap_frame *frame)
{
	(void)irq;
	(void)frame;
	mmio_write32(rtc + RTC_IMSC, 0);
	clock_irqs++;
}

static int64_t peer_place(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	rtc = scratch_gfn() << PAGE_SHIFT;
	return (int64_t)(rtc >> PAGE_SHIFT);
}

static int64_t peer_id(uint64_t at, uint64_t b, uint64_t c)
{
	uint32_t v;

	(void)b;
	(void)c;
	return probe_read32(rtc + at, &v) ? (int64_t)v : -1;
}

/* The alarm goes off three times; how often the interrupt came. */
static int64_t peer_alarms(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	mmio_write32(rtc + RTC_IMSC, 0);
	for (int i = 0; i < 10 && !mmio_read32(rtc + RTC_RIS); i++)
		mmio_write32(rtc + RTC_MR, mmio_read32(rtc + RTC_DR));
	irq_register(RTC_IRQ, on_clock);
	irq_unmask(RTC_IRQ);
	for (uint64_t i = 1; i <= 3; i++) {
		mmio_write32(rtc + RTC_IMSC, 1);
		if (!wait_for(&clock_irqs, i, 10000))
			break;
	}
	delay_us(1000);
	return (int64_t)clock_irqs;
}

/* Once more, after it was taken away in between. */
static int64_t peer_quiet(uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	mmio_write32(rtc + RTC_IMSC, 1);
	delay_us(2000);
	mmio_write32(rtc + RTC_IMSC, 0);
	return (int64_t)clock_irqs;
}

/* ---- dom0 ---- */

static int64_t domctl(uint32_t cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	static struct xen_domctl dc;
	const uint64_t args[4] = { a, b, c, d };

	memset(&dc, 0, sizeof(dc));
	dc.cmd = cmd;
	dc.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	dc.domain = 1;
	memcpy(&dc.u, args, sizeof(args));
	return hypercall(HC_domctl, (uint64_t)&dc, 0, 0, 0);
}

void guest_main(void)
{
	uint64_t gfn;

	if (!pair_start())
		return;
	gfn = (uint64_t)pair_call(peer_place, 0, 0, 0);
	check_eq("device.not_yet", pair_call(peer_id, 0xfe0, 0, 0), -1);
	check_eq("device.permit", domctl(20, RTC_PAGE, 1, 1, 0), 0);
	check_eq("device.map", domctl(39, gfn, RTC_PAGE, 1, 1), 0);
	check_eq("device.seen", pair_call(peer_id, 0xfe0, 0, 0), 0x31);
	check_eq("device.irq_permit", domctl(19, RTC_IRQ | 1ul << 32, 0, 0, 0), 0);
	check_eq("device.bind", domctl(38, RTC_IRQ | SPI << 32, RTC_IRQ, 0, 0), 0);
	check_eq("device.bind_again", domctl(38, RTC_IRQ | SPI << 32, RTC_IRQ, 0, 0), -XEN_EBUSY);
	check_eq("device.alarms", pair_call(peer_alarms, 0, 0, 0), 3);
	check_eq("device.unbind", domctl(48, RTC_IRQ | SPI << 32, RTC_IRQ, 0, 0), 0);
	check_eq("device.unbind_again", domctl(48, RTC_IRQ | SPI << 32, RTC_IRQ, 0, 0), -XEN_EINVAL);
	check_eq("device.quiet", pair_call(peer_quiet, 0, 0, 0), 3);
	check_eq("device.unmap", domctl(39, gfn, RTC_PAGE, 1, 0), 0);
	check_eq("device.gone", pair_call(peer_id, 0xfe0, 0, 0), -1);
	pair_end();
}
