/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsnprintf() with the conversions that the hypervisor uses; the result is that of the C library.
 * An unknown conversion is copied as it stands. Needs no state and no memory but the caller's.
 */
#include <serai/compiler.h>
#include <serai/printk.h>
#include <serai/string.h>
#include <serai/types.h>

/* Where characters go; all are counted, those that fit are stored. */
struct sink {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, zero, plus, space, alt, upper, has_precision;
	unsigned int width, precision;
	unsigned int bytes; /* of the argument */
};

static void sink_char(struct sink *s, char c)
{
	if (s->len < s->size)
		s->buf[s->len] = c;
	s->len++;
}

static void sink_fill(struct sink *s, char c, unsigned int n)
{
	while (n--)
		sink_char(s, c);
}

static void sink_text(struct sink *s, const char *text, size_t n, const struct spec *spec)
{
	unsigned int pad = spec->width > n ? spec->width - (unsigned int)n : 0;

	if (!spec->left)
		sink_fill(s, ' ', pad);
	for (size_t i = 0; i < n; i++)
		sink_char(s, text[i]);
	if (spec->left)
		sink_fill(s, ' ', pad);
}

/* Digits from the end of a buffer backwards; says how many. */
static unsigned int digits_of(u64 v, unsigned int base, bool upper, char *end)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned int n = 0;

	for (; v; v /= base)
		*(end - ++n) = set[v % base];
	return n;
}

/* sign: '-', '+', ' ' or 0. */
static void sink_number(struct sink *s, u64 v, unsigned int base, char sign, struct spec *spec)
{
	char buf[24];
	char *end = buf + sizeof(buf);
	unsigned int n = digits_of(v, base, spec->upper, end), total, zeros, pad;
	bool hex_prefix = spec->alt && base == 16 && v;

	zeros = spec->has_precision ? spec->precision : 1;
	zeros = zeros > n ? zeros - n : 0;
	if (spec->alt && base == 8 && !zeros)
		zeros = 1;
	total = n + zeros + (sign ? 1 : 0) + (hex_prefix ? 2 : 0);
	pad = spec->width > total ? spec->width - total : 0;
	if (spec->zero && !spec->left && !spec->has_precision) {
		zeros += pad;
		pad = 0;
	}
	if (!spec->left)
		sink_fill(s, ' ', pad);
	if (sign)
		sink_char(s, sign);
	if (hex_prefix) {
		sink_char(s, '0');
		sink_char(s, spec->upper ? 'X' : 'x');
	}
	sink_fill(s, '0', zeros);
	while (n)
		sink_char(s, *(end - n--));
	if (spec->left)
		sink_fill(s, ' ', pad);
}

static unsigned int parse_number(const char **fmt)
{
	unsigned int n = 0;

	for (; **fmt >= '0' && **fmt <= '9'; (*fmt)++)
		n = n * 10 + (unsigned int)(**fmt - '0');
	return n;
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alt = true;
			break;
		default:
			return fmt;
		}
	}
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
	spec->bytes = sizeof(int);
	if (fmt[0] == 'h') {
		spec->bytes = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	}
	if (fmt[0] == 'l' || fmt[0] == 'z' || fmt[0] == 't' || fmt[0] == 'j') {
		spec->bytes = 8;
		return fmt + (fmt[0] == 'l' && fmt[1] == 'l' ? 2 : 1);
	}
	return fmt;
}

/* The argument list travels by address: va_list may be an array type. */
struct args {
	va_list ap;
};

static const char *parse_spec(const char *fmt, struct spec *spec, struct args *args)
{
	fmt = parse_flags(fmt, spec);
	if (*fmt == '*') {
		int width = va_arg(args->ap, int);

		spec->left |= width < 0;
		spec->width = width < 0 ? 0U - (unsigned int)width : (unsigned int)width;
		fmt++;
	} else {
		spec->width = parse_number(&fmt);
	}
	if (*fmt == '.') {
		fmt++;
		spec->has_precision = true;
		if (*fmt == '*') {
			int precision = va_arg(args->ap, int);

			spec->has_precision = precision >= 0;
			spec->precision = precision < 0 ? 0 : (unsigned int)precision;
			fmt++;
		} else {
			spec->precision = parse_number(&fmt);
		}
	}
	return parse_length(fmt, spec);
}

static void sink_signed(struct sink *s, struct spec *spec, struct args *args)
{
	s64 v = spec->bytes == 8 ? va_arg(args->ap, s64) : va_arg(args->ap, int);
	char sign = spec->plus ? '+' : spec->space ? ' ' : 0;

	if (spec->bytes == 1)
		v = (int8_t)v;
	else if (spec->bytes == 2)
		v = (s16)v;
	if (v < 0)
		sink_number(s, 0 - (u64)v, 10, '-', spec);
	else
		sink_number(s, (u64)v, 10, sign, spec);
}

static void sink_unsigned(struct sink *s, unsigned int base, struct spec *spec, struct args *args)
{
	u64 v = spec->bytes == 8 ? va_arg(args->ap, u64) : va_arg(args->ap, unsigned int);

	if (spec->bytes < 4)
		v &= (1U << (spec->bytes * 8)) - 1;
	sink_number(s, v, base, 0, spec);
}

static void sink_string(struct sink *s, struct spec *spec, struct args *args)
{
	const char *text = va_arg(args->ap, const char *);

	if (!text)
		text = "(null)";
	sink_text(s, text, spec->has_precision ? strnlen(text, spec->precision) : strlen(text),
		  spec);
}

/* Handles the conversion at *fmt (after flags and length); false: there is no such one. */
static bool sink_conversion(struct sink *s, char conversion, struct spec *spec, struct args *args)
{
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		sink_signed(s, spec, args);
		return true;
	case 'u':
		sink_unsigned(s, 10, spec, args);
		return true;
	case 'o':
		sink_unsigned(s, 8, spec, args);
		return true;
	case 'p':
		spec->bytes = 8;
		spec->alt = true;
		sink_unsigned(s, 16, spec, args);
		return true;
	case 'X':
		spec->upper = true;
		sink_unsigned(s, 16, spec, args);
		return true;
	case 'x':
		sink_unsigned(s, 16, spec, args);
		return true;
	case 'c':
		c = (char)va_arg(args->ap, int);
		sink_text(s, &c, 1, spec);
		return true;
	case 's':
		sink_string(s, spec, args);
		return true;
	case '%':
		sink_char(s, '%');
		return true;
	default:
		return false;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { buf, size, 0 };
	struct args args;

	va_copy(args.ap, ap);
	while (*fmt) {
		struct spec spec = { 0 };
		const char *end;

		if (*fmt != '%') {
			sink_char(&s, *fmt++);
			continue;
		}
		end = parse_spec(fmt + 1, &spec, &args);
		if (*end && sink_conversion(&s, *end, &spec, &args)) {
			fmt = end + 1;
			continue;
		}
		while (fmt < end)
			sink_char(&s, *fmt++);
	}
	va_end(args.ap);
	if (size)
		buf[MIN(s.len, size - 1)] = 0;
	return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
