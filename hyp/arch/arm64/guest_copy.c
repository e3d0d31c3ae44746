/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to and from the current guest's memory by virtual address. The MMU translates (AT, Arm
 * ARM C5.4) as for an access of EL1, both stages with their rights; a reference on the frame
 * keeps what the translation said true during the copy. Frames of other domains are refused.
 *
 * The guest's registers are loaded, HCR_EL2 and VTTBR_EL2 are the guest's, so is PAR_EL1.
 */
#include <arch/barrier.h>
#include <arch/sysreg.h>
#include <serai/arch.h>
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>
#include <serai/string.h>

#define INLINE_COPY_MAX 256

/* -mstrict-align would take these apart into bytes; guest memory may be aligned in any way. */
static __always_inline void copy_16(char *dst, const char *src)
{
	u64 a, b;

	__asm__("ldp %0, %1, %2" : "=&r"(a), "=r"(b) : "Q"(*(const char(*)[16])src));
	__asm__("stp %1, %2, %0" : "=Q"(*(char(*)[16])dst) : "r"(a), "r"(b));
}

static __always_inline void copy_8(char *dst, const char *src)
{
	u64 v;

	__asm__("ldr %0, %1" : "=r"(v) : "Q"(*(const char(*)[8])src));
	__asm__("str %1, %0" : "=Q"(*(char(*)[8])dst) : "r"(v));
}

static __always_inline void copy_4(char *dst, const char *src)
{
	u32 v;

	__asm__("ldr %w0, %1" : "=r"(v) : "Q"(*(const char(*)[4])src));
	__asm__("str %w1, %0" : "=Q"(*(char(*)[4])dst) : "r"(v));
}

static __always_inline void copy_bytes(char *dst, const char *src, size_t n)
{
	for (; n >= 16; n -= 16, dst += 16, src += 16)
		copy_16(dst, src);
	if (n & 8) {
		copy_8(dst, src);
		dst += 8;
		src += 8;
	}
	if (n & 4) {
		copy_4(dst, src);
		dst += 4;
		src += 4;
	}
	for (n &= 3; n; n--)
		*dst++ = *src++;
}

static __always_inline u64 translate(u64 gva, bool write)
{
	u64 guest_par = read_sysreg(par_el1), par;

	if (write)
		__asm__ volatile("at s12e1w, %0" : : "r"(gva) : "memory");
	else
		__asm__ volatile("at s12e1r, %0" : : "r"(gva) : "memory");
	isb();
	par = read_sysreg(par_el1);
	write_sysreg(guest_par, par_el1);
	return par;
}

/*
 * The translation may have failed while another CPU was replacing the entry (break before make).
 * Under the lock it is what it is.
 */
static __cold_path u64 translate_again(struct domain *d, u64 gva, bool write)
{
	u64 par;

	lock_take(&d->p2m.lock);
	par = translate(gva, write);
	lock_drop(&d->p2m.lock);
	return par;
}

/* The frame with a reference; NULL: the access is not allowed, or no memory of the domain. */
static __always_inline struct frame *guest_frame(struct domain *d, u64 gva, bool write, mfn_t *m)
{
	u64 par = translate(gva, write);
	struct frame *f;

	if (unlikely(par & PAR_F)) {
		par = translate_again(d, gva, write);
		if (par & PAR_F)
			return NULL;
	}
	*m = paddr_to_mfn(par & PAR_PA_MASK);
	f = mfn_to_frame(*m);
	if (unlikely(!f))
		return NULL;
	if (likely(frame_get(f, &d->frames)) || frame_get_shared(f, &d->frames))
		return f;
	return NULL;
}

/* Inside one page. */
static __always_inline int copy_in_page(u64 gva, char *buf, size_t n, bool write)
{
	mfn_t m;
	struct frame *f = guest_frame(current_domain(), gva, write, &m);
	char *page;

	if (unlikely(!f))
		return -XEN_EFAULT;
	page = (char *)frame_map(m) + (gva & ~PAGE_MASK);
	if (unlikely(n > INLINE_COPY_MAX))
		memcpy(write ? page : buf, write ? buf : page, n);
	else
		copy_bytes(write ? page : buf, write ? buf : page, n);
	frame_unmap(page);
	frame_put(f);
	return 0;
}

static __noinline int copy_pages(u64 gva, char *buf, size_t size, bool write)
{
	while (size) {
		size_t n = MIN(size, PAGE_SIZE - (gva & ~PAGE_MASK));
		int rc = write ? copy_in_page(gva, buf, n, true) : copy_in_page(gva, buf, n, false);

		if (unlikely(rc))
			return rc;
		gva += n;
		buf += n;
		size -= n;
	}
	return 0;
}

/* Not empty and inside one page. */
static bool is_in_page(u64 gva, size_t size)
{
	return size - 1 < PAGE_SIZE - (gva & ~PAGE_MASK);
}

int guest_arch_copy_from(void *dst, u64 gva, size_t size)
{
	if (unlikely(!is_in_page(gva, size)))
		return copy_pages(gva, dst, size, false);
	return copy_in_page(gva, dst, size, false);
}

int guest_arch_copy_to(u64 gva, const void *src, size_t size)
{
	char *buf = (char *)(u64)src; /* only read: the direction says so */

	if (unlikely(!is_in_page(gva, size)))
		return copy_pages(gva, buf, size, true);
	return copy_in_page(gva, buf, size, true);
}
