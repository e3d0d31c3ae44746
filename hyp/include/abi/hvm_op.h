/* SPDX-License-Identifier: Apache-2.0 */
/* hvm_op, vm_assist and console_io (public/hvm/hvm_op.h, public/xen.h). */
#ifndef ABI_HVM_OP_H
#define ABI_HVM_OP_H

#include <serai/types.h>

#define HVMOP_set_param		     0
#define HVMOP_get_param		     1
#define HVMOP_guest_request_vm_event 24

struct abi_hvm_param_arg {
	domid_t domid;
	u16 pad;
	u32 index;
	u64 value;
};

#define VMASST_CMD_enable  0
#define VMASST_CMD_disable 1

#define CONSOLEIO_write 0
#define CONSOLEIO_read	1

#endif
