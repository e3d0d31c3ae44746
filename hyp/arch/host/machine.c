/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated machine: CPUs, RAM, per-CPU data, and how the hypervisor ends. Whatever the
 * product defines as well is weak here, so that a test may link the real file.
 */
#include <arch/host.h>
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <serai/arch.h>
#include <serai/bug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct host_machine host;
jmp_buf host_stop_jmp;
bool host_catching;
_Thread_local struct cpu *host_this_cpu;

static struct cpu host_cpus[NR_CPUS];
__weak_sym struct cpu *cpu_table[NR_CPUS];
__weak_sym struct cpumask cpu_online;

static void *host_mmap(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return p;
}

extern const char __ehdr_start[];

/* The bounds of section .percpu in this program, from its own section headers. */
static char *percpu_section(size_t *size)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *file, *found = NULL;
	off_t len;

	if (fd < 0)
		abort();
	len = lseek(fd, 0, SEEK_END);
	file = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		abort();

	const Elf64_Ehdr *eh = (const void *)file;
	const Elf64_Shdr *sh = (const void *)(file + eh->e_shoff);
	const char *names = file + sh[eh->e_shstrndx].sh_offset;
	/* A position independent program is linked at 0, another at its place. */
	u64 bias = eh->e_type == ET_DYN ? (u64)(uintptr_t)__ehdr_start : 0;

	*size = 0;
	for (unsigned int i = 0; i < eh->e_shnum; i++) {
		if (strcmp(names + sh[i].sh_name, ".percpu") == 0) {
			found = (char *)(uintptr_t)(sh[i].sh_addr + bias);
			*size = sh[i].sh_size;
		}
	}
	munmap(file, (size_t)len);
	return found;
}

/* Every CPU gets a zeroed copy above the section, so that percpu_off is positive. */
static void percpu_init(void)
{
	static char *copies;
	static char *section;
	static size_t size;

	if (!copies) {
		section = percpu_section(&size);
		size = ROUND_UP(size, 64);
		copies = host_mmap(NR_CPUS * size + PAGE_SIZE);
	}
	memset(copies, 0, NR_CPUS * size);
	for (unsigned int i = 0; i < NR_CPUS; i++)
		host_cpus[i].percpu_off = (unsigned long)(copies + i * size) - (unsigned long)section;
}

void host_memory_reset(void);
void host_p2m_reset(void);

void host_init(unsigned int cpus)
{
	memset(&host, 0, sizeof(host));
	memset(&cpu_online, 0, sizeof(cpu_online));
	memset(host_cpus, 0, sizeof(host_cpus));
	percpu_init();
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		host_cpus[i].id = i;
		host.deadline[i] = INT64_MAX;
		cpu_table[i] = i < cpus ? &host_cpus[i] : NULL;
		if (i < cpus)
			cpumask_set(&cpu_online, i);
	}
	host_set_cpu(0);
	host_memory_reset();
	host_p2m_reset();
}

/* A program that never calls host_init() has one CPU all the same. */
__attribute__((constructor)) static void host_start(void)
{
	host_init(1);
}

void host_set_cpu(unsigned int cpu)
{
	if (cpu >= NR_CPUS)
		abort();
	host_this_cpu = &host_cpus[cpu];
}

void host_set_current(struct vcpu *v)
{
	host_this_cpu->current = v;
}

void host_wait(void)
{
	static _Thread_local unsigned long waits;

	sched_yield();
	if (++waits > 50000000UL) {
		fprintf(stderr, "host: waiting for ever (a lock taken twice?)\n");
		abort();
	}
}

enum host_stop host_catch(void (*fn)(void *arg), void *arg)
{
	host.stop = HOST_RUNS;
	host_catching = true;
	if (setjmp(host_stop_jmp) == 0)
		fn(arg);
	else
		host_this_cpu->lock_depth = 0;
	host_catching = false;
	return host.stop;
}

void host_stopped(enum host_stop how)
{
	host.stop = how;
	if (!host_catching) {
		fprintf(stderr, "host: the hypervisor stopped (%d): %s\n", how, host.message);
		abort();
	}
	longjmp(host_stop_jmp, 1);
}

/* --- the contract of serai/arch.h about CPUs and time --- */

void cpu_arch_kick(unsigned int cpu)
{
	__atomic_fetch_add(&host.kicks[cpu], 1, __ATOMIC_RELAXED);
}

void cpu_arch_idle(void)
{
	host.idles++;
}

bool cpu_arch_work_pending(void)
{
	host.polls++;
	if (host.poll_hook)
		host.poll_hook();
	if (host.preempt_in && --host.preempt_in == 0)
		return true;
	return host.preempt_always || host_this_cpu->work;
}

u64 cpu_arch_mpidr(unsigned int cpu)
{
	return cpu;
}

void cpu_arch_reset(void)
{
	host_stopped(HOST_RESET);
}

void cpu_arch_power_off(void)
{
	host_stopped(HOST_POWER_OFF);
}

void cpu_arch_stop_others(void)
{
}

void cpu_arch_dump(void)
{
	host.dumps++;
}

void cpu_arch_halt(void)
{
	host_stopped(HOST_HALT);
}

nstime_t time_arch_now(void)
{
	return host.now;
}

u64 time_arch_cycles(void)
{
	return (u64)host.now / 16;
}

__weak_sym void cpu_arch_trace_traps(bool on)
{
	host.traps_traced[cpu_id()] = on;
}

u32 time_arch_khz(void)
{
	return 62500;
}

u32 time_arch_tree_hz(void)
{
	return 0;
}

void time_arch_set_deadline(nstime_t t)
{
	host.deadline[host_this_cpu->id] = t;
}
