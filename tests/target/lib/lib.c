// SPDX-License-Identifier: Apache-2.0
/* Start of the C part, strings, console output, TAP lines and the end of the run. */
#include "guest.h"

static unsigned int checks, failures;

void *memcpy(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	while (n--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint8_t *d = dst;

	while (n--)
		*d++ = (uint8_t)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

bool str_contains(const char *s, const char *part)
{
	size_t n = strlen(part);

	for (; strlen(s) >= n; s++)
		if (memcmp(s, part, n) == 0)
			return true;
	return false;
}

/* ---- formatting: %s %c %d %u %x with l, width and zero fill ---- */

struct sink {
	char *buf;
	size_t size, len;
};

static void put(struct sink *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len++] = c;
}

static void put_number(struct sink *out, uint64_t v, unsigned int base, int width, char fill)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n < width--)
		put(out, fill);
	while (n)
		put(out, digits[--n]);
}

static const char *format_one(struct sink *out, const char *f, va_list *ap)
{
	char fill = ' ';
	int width = 0;
	bool wide = false;
	uint64_t v;

	if (*f == '0')
		fill = *f++;
	while (*f >= '0' && *f <= '9')
		width = width * 10 + *f++ - '0';
	while (*f == 'l') {
		wide = true;
		f++;
	}
	switch (*f) {
	case 's':
		for (const char *s = va_arg(*ap, const char *); *s; s++)
			put(out, *s);
		break;
	case 'c':
		put(out, (char)va_arg(*ap, int));
		break;
	case 'd':
		v = wide ? va_arg(*ap, uint64_t) : (uint64_t)va_arg(*ap, int);
		if ((int64_t)v < 0) {
			put(out, '-');
			v = -v;
		}
		put_number(out, v, 10, width, fill);
		break;
	case 'u':
	case 'x':
		v = wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
		put_number(out, v, *f == 'u' ? 10 : 16, width, fill);
		break;
	default:
		put(out, *f);
	}
	return f + 1;
}

int str_format(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink out = { buf, size, 0 };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = format_one(&out, fmt + 1, &args);
		else
			put(&out, *fmt++);
	}
	va_end(args);
	buf[out.len] = 0;
	return (int)out.len;
}

#define UARTFR	0x18
#define FR_TXFF 0x20

static void uart_write(const char *s, int n)
{
	while (n--) {
		while (mmio_read32(machine.uart.base + UARTFR) & FR_TXFF)
			;
		mmio_write32(machine.uart.base, (uint8_t)*s++);
	}
}

/*
 * Whole lines go out in one hypercall, so that no other message gets between. A guest that is not
 * dom0 is refused that and has a UART instead.
 */
void print(const char *fmt, ...)
{
	static char line[512];
	static int used;
	va_list ap;

	va_start(ap, fmt);
	used += str_format(line + used, sizeof(line) - (size_t)used, fmt, ap);
	va_end(ap);
	if (line[used - 1] == '\n' || used > 400) {
		if (machine.uart.size)
			uart_write(line, used);
		else
			hypercall(HC_console_io, CONSOLEIO_write, (uint64_t)used, (uint64_t)line, 0);
		used = 0;
	}
}

/* ---- TAP ---- */

static bool report(const char *name, bool ok)
{
	checks++;
	if (!ok)
		failures++;
	print("%s %u - %s", ok ? "ok" : "not ok", checks, name);
	return ok;
}

bool check(const char *name, bool ok)
{
	report(name, ok);
	print("%s", ok ? "\n" : " # got 0 want 1\n");
	return ok;
}

static void print_value(int64_t v)
{
	if (v > -100000 && v < 100000)
		print("%ld", v);
	else
		print("0x%lx", v);
}

bool check_eq(const char *name, int64_t got, int64_t want)
{
	if (!report(name, got == want)) {
		print(" # got ");
		print_value(got);
		print(" want ");
		print_value(want);
	}
	print("\n");
	return got == want;
}

bool check_range(const char *name, int64_t got, int64_t min, int64_t max)
{
	bool ok = got >= min && got <= max;

	if (!report(name, ok)) {
		print(" # got ");
		print_value(got);
		print(" want %ld..%ld", min, max);
	}
	print("\n");
	return ok;
}

bool check_eqf(int64_t got, int64_t want, const char *fmt, ...)
{
	char name[128];
	va_list ap;

	va_start(ap, fmt);
	str_format(name, sizeof(name), fmt, ap);
	va_end(ap);
	return check_eq(name, got, want);
}

static _Noreturn void power_off(void)
{
	struct sched_shutdown sd = { SHUTDOWN_poweroff };

	for (;;)
		hc_sched(SCHEDOP_shutdown, &sd);
}

_Noreturn void guest_exit(void)
{
	print("1..%u\n", checks);
	print("# end: %u failures\n", failures);
	power_off();
}

_Noreturn void guest_abort(const char *why)
{
	print("Bail out! %s\n", why);
	power_off();
}

/* ---- start ---- */

void guest_start(const void *fdt, uint64_t cntpct, uint64_t cntvct);

void guest_start(const void *fdt, uint64_t cntpct, uint64_t cntvct)
{
	machine.entry_cntpct = cntpct;
	machine.entry_cntvct = cntvct;
	if (!fdt_parse(fdt, &machine))
		guest_abort("device tree not understood");
	mmu_build(&machine);
	mmu_enable();
	gic_init_dist();
	gic_init_cpu();
	vtimer_init();
	irq_enable();
	guest_main();
	guest_exit();
}
