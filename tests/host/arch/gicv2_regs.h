/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of arm64 files: the real header. */
#include "../../../hyp/arch/arm64/include/arch/gicv2_regs.h"
