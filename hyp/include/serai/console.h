/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: a ring of everything that was said, and one UART for the hypervisor and all domains.
 *
 * One domain has the screen: its text passes unchanged, that of others comes line by line with the
 * prefix "(dN) ". What is typed goes to the domain that has the focus, or to the debug keys;
 * three times Ctrl-A gives the focus to the next one, and the screen with it.
 */
#ifndef SERAI_CONSOLE_H
#define SERAI_CONSOLE_H

#include <serai/guest_line.h>
#include <serai/lock.h>
#include <serai/types.h>

struct domain;
struct domain_config;

/* A UART driver registers itself; functions are called with the console lock held. */
struct uart {
	const char *name;
	void (*putc)(char c);
	int (*getc)(void); /* -1: nothing there */
	void (*irq_enable)(void);
	u32 irq; /* INTID, 0: none */
	const char *dt_path; /* node that dom0 must not see */
	paddr_t base, size;
	/* What dom0 finds at base: where a character is written, and what says that one may be. */
	u32 data_off, status_off, status;
};

/* Keeps a copy of *u, and says again what was said before. */
void console_set_uart(const struct uart *u);
/* Where the device tree describes the UART; the text is copied. */
void console_set_dt_path(const char *path);
/* NULL: there is none. */
const struct uart *console_uart(void);
/* One character that was typed, -1: none. */
int console_getc(void);

/*
 * One message of the hypervisor, of any number of lines; each gets the prefix "(Serai) ". The text
 * goes to the ring, and to the UART as well when show is set. printk's back end.
 */
void console_write(const char *text, bool show);
/* --- the screen --- */
/* What the one before had begun to say is moved to begun. */
void console_set_screen(domid_t id, struct guest_line *begun);
bool console_has_screen(domid_t id);
/* Text of the domain, as it is; false: the domain has not got the screen. */
bool console_screen_write(domid_t id, const char *text, size_t n);
/* One line of a domain, with its prefix; keep: in the ring, too. */
void console_guest_line(domid_t id, const char *text, size_t n, bool keep);

/* --- domains, console_guest.c --- */
/* A domain that gets the focus when it is its turn. */
struct console_guest {
	struct lock lock; /* RANK_VUART; the owner may use it for its own things, too */
	domid_t id;
	struct guest_line line; /* while it has not got the screen */
	void (*input)(struct console_guest *g, char c); /* called without the lock */
	bool returns; /* when it goes: another one of its id will follow, focus and screen wait */
	struct console_guest *next;
};

/*
 * Until somebody pressed Ctrl-A three times, the domain with the lowest id has the focus.
 * Removing waits until input() is not called any more.
 */
void console_guest_add(struct console_guest *g);
void console_guest_remove(struct console_guest *g);
/* None will follow after all. */
void console_guest_forget(domid_t id);
/* Text of the domain; its lock is held. */
void console_guest_put(struct console_guest *g, const char *text, size_t n);
/*
 * Text of the current domain (console_io write), n bytes, not terminated. That of others than the
 * hardware domain always comes by lines.
 */
void console_guest_write(const char *text, size_t n);
/* Once interrupts work: takes the UART's. */
void console_start_input(void);
/* Called without locks when input for dom0 has arrived: sends VIRQ_CONSOLE. Front hall sets it. */
extern void (*console_input_hook)(void);
/* Input waiting for dom0: copies at most n, returns how many. */
size_t console_guest_read(char *buf, size_t n);
/* Unit: the hardware domain's part. */
int console_domain_create(struct domain *d, const struct domain_config *cfg);
int console_domain_close(struct domain *d);

/* After the heap is up: the ring of its configured size, with what the first one held. */
int console_init_ring(void);
/* For sysctl readconsole: copies ring bytes from *index on; moves *index past them. */
size_t console_ring_read(char *buf, size_t n, u32 *index);
/* Where the ring begins for readers, and forgetting what is before index. */
u32 console_ring_start(void);
void console_ring_clear(u32 index);
/* All that is in the ring now is said once more, on the UART, by a timer. */
void console_show_ring(void);
/* panic(): from now on print at once, locks or not. */
void console_force(void);

/* loglvl= and guest_loglvl=; once the command line is known. */
void console_init(void);
/* The same at run time; false: not a level. */
bool console_set_level(bool guest, const char *text);

/* Debug keys: h help, others by keyhandler_register(). Run on the CPU that took the interrupt. */
void keyhandler_register(char key, void (*fn)(void), const char *what);
void keyhandler_run(char key);

#endif
