/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated RAM, guest copies with faults on demand, cache maintenance that is only counted. */
#include <arch/host.h>
#include <serai/arch.h>
#include <serai/errno.h>
#include <arch/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TABLE_SIZE (HOST_RAM_SIZE / PAGE_SIZE * 16)

unsigned char *host_ram;
unsigned char *host_frame_table;
static unsigned char *scratch;
static size_t scratch_used;

void host_memory_reset(void);

/* Fresh zero pages, and whatever was touched before goes back to the host. */
static void memory_renew(unsigned char **p, size_t size)
{
	void *r = mmap(*p, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (*p ? MAP_FIXED : 0), -1, 0);

	if (r == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	*p = r;
}

void host_memory_reset(void)
{
	memory_renew(&host_ram, HOST_RAM_SIZE);
	memory_renew(&host_frame_table, TABLE_SIZE);
	memory_renew(&scratch, HOST_SCRATCH_SIZE);
	scratch_used = 0;
}

void *paddr_to_virt(paddr_t pa)
{
	if (pa - HOST_RAM_BASE > HOST_RAM_SIZE) {
		fprintf(stderr, "host: %#llx is not RAM\n", (unsigned long long)pa);
		abort();
	}
	return host_ram + (pa - HOST_RAM_BASE);
}

paddr_t virt_to_paddr(const void *va)
{
	u64 off = (u64)((const unsigned char *)va - host_ram);

	if (off > HOST_RAM_SIZE) {
		fprintf(stderr, "host: %p is not in simulated RAM\n", va);
		abort();
	}
	return HOST_RAM_BASE + off;
}

__weak_sym void *frame_map(mfn_t m)
{
	__atomic_fetch_add(&host.frames_mapped, 1, __ATOMIC_RELAXED);
	return paddr_to_virt(mfn_to_paddr(m));
}

__weak_sym void frame_unmap(const void *va)
{
	(void)virt_to_paddr(va);
	__atomic_fetch_sub(&host.frames_mapped, 1, __ATOMIC_RELAXED);
}

void frame_arch_zero(void *va, size_t size)
{
	memset(va, 0, size);
	host.frames_zeroed += size / PAGE_SIZE;
}

void frames_arch_clear(mfn_t m, u64 nr)
{
	frame_arch_zero(paddr_to_virt(mfn_to_paddr(m)), nr * PAGE_SIZE);
	host.cache_ops++;
}

void frame_arch_copy(mfn_t to, mfn_t from)
{
	memcpy(paddr_to_virt(mfn_to_paddr(to)), paddr_to_virt(mfn_to_paddr(from)), PAGE_SIZE);
	host.cache_ops++;
}

void cache_arch_clean(const void *va, size_t size)
{
	host.cache_ops++;
}

void cache_arch_clean_invalidate(const void *va, size_t size)
{
	host.cache_ops++;
}

/* --- the guest's view --- */

static unsigned char *guest_ptr(u64 gva, size_t size)
{
	if (gva >= HOST_RAM_BASE && gva - HOST_RAM_BASE < HOST_RAM_SIZE &&
	    size <= HOST_RAM_SIZE - (gva - HOST_RAM_BASE))
		return host_ram + (gva - HOST_RAM_BASE);
	if (gva >= HOST_SCRATCH_BASE && gva - HOST_SCRATCH_BASE < HOST_SCRATCH_SIZE &&
	    size <= HOST_SCRATCH_SIZE - (gva - HOST_SCRATCH_BASE))
		return scratch + (gva - HOST_SCRATCH_BASE);
	return NULL;
}

u64 host_guest_alloc(size_t size)
{
	u64 gva = HOST_SCRATCH_BASE + scratch_used;

	scratch_used += ROUND_UP(size, 16);
	if (scratch_used > HOST_SCRATCH_SIZE) {
		fprintf(stderr, "host: scratch memory exhausted\n");
		abort();
	}
	return gva;
}

void *host_guest_ptr(u64 gva)
{
	return guest_ptr(gva, 1);
}

u64 host_guest_put(const void *p, size_t size)
{
	u64 gva = host_guest_alloc(size);

	memcpy(guest_ptr(gva, size), p, size);
	return gva;
}

/* Guests may not reach memory while a lock is held: LOCK_RANKS counts the locks. */
static bool copy_fails(void)
{
	host.copies++;
	if (host_this_cpu->lock_depth) {
		fprintf(stderr, "host: guest copy with a lock held\n");
		abort();
	}
	if (!host.fail_copy_in || --host.fail_copy_in)
		return false;
	host.fail_copy_in = host.fail_copy_again;
	return true;
}

__weak_sym int guest_arch_copy_from(void *dst, u64 gva, size_t size)
{
	const unsigned char *p = guest_ptr(gva, size);

	if (copy_fails() || !p)
		return -XEN_EFAULT;
	memcpy(dst, p, size);
	return 0;
}

__weak_sym int guest_arch_copy_to(u64 gva, const void *src, size_t size)
{
	unsigned char *p = guest_ptr(gva, size);

	if (copy_fails() || !p)
		return -XEN_EFAULT;
	memcpy(p, src, size);
	return 0;
}
