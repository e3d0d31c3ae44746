/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: a ring of everything that was said, one UART, input switched between the
 * hypervisor's debug keys and dom0 by three times Ctrl-A.
 */
#ifndef SERAI_CONSOLE_H
#define SERAI_CONSOLE_H

#include <serai/types.h>

/* A UART driver registers itself; functions are called with the console lock held. */
struct uart {
	const char *name;
	void (*putc)(char c);
	int (*getc)(void); /* -1: nothing there */
	void (*irq_enable)(void);
	u32 irq; /* INTID, 0: none */
	const char *dt_path; /* node that dom0 must not see */
	paddr_t base, size;
};

/* Keeps a copy of *u, and says again what was said before. */
void console_set_uart(const struct uart *u);
/* Where the device tree describes the UART; the text is copied. */
void console_set_dt_path(const char *path);
/* NULL: there is none. */
const struct uart *console_uart(void);
/* Once interrupts work: takes the UART's, and says to whom the input goes (dom0 first). */
void console_start_input(void);
/* From the UART's interrupt: takes what was typed. */
void console_rx(void);
/* Called without locks when input for dom0 has arrived: sends VIRQ_CONSOLE. Front hall sets it. */
extern void (*console_input_hook)(void);

/*
 * One message of the hypervisor, of any number of lines; each gets the prefix "(Serai) ". The text
 * goes to the ring, and to the UART as well when show is set. printk's back end.
 */
void console_write(const char *text, bool show);
/*
 * Text of the current domain (console_io write), n bytes, not terminated. That of the hardware
 * domain goes out unchanged and at once; that of others line by line with the prefix "(dN) ".
 */
void console_guest_write(const char *text, size_t n);
/* Input waiting for dom0: copies at most n, returns how many. */
size_t console_guest_read(char *buf, size_t n);

/* After the heap is up: the ring of its configured size, with what the first one held. */
int console_init_ring(void);
/* For sysctl readconsole: copies ring bytes from *index on; moves *index past them. */
size_t console_ring_read(char *buf, size_t n, u32 *index);
/* Where the ring begins for readers, and forgetting what is before index. */
u32 console_ring_start(void);
void console_ring_clear(u32 index);
/* panic(): from now on print at once, locks or not. */
void console_force(void);

/* loglvl= and guest_loglvl=; once the command line is known. */
void console_init(void);

/* Debug keys: h help, others by keyhandler_register(). Run on the CPU that took the interrupt. */
void keyhandler_register(char key, void (*fn)(void), const char *what);
void keyhandler_run(char key);

#endif
