/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's memory and string functions that the hypervisor and libfdt need. */
#ifndef SERAI_STRING_H
#define SERAI_STRING_H

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
unsigned long strtoul(const char *s, char **end, int base);

/* Copies at most size - 1 bytes and always terminates; returns strlen(src). size > 0. */
size_t str_copy(char *dst, const char *src, size_t size);

#endif
