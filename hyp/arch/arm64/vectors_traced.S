/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of a CPU that records what its guests do. */
#include "vector_table.inc"

	.section .text.vectors, "ax"
	.balign	2048
	.global vectors_traced
vectors_traced:
	vector_table trap_sync_traced, trap_irq_traced
