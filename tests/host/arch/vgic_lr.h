/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of arm64 files: the real headers, also that which arch/host has a stand-in for. */
#include "../../../hyp/arch/arm64/include/arch/vgic.h"
#include "../../../hyp/arch/arm64/include/arch/vgic_lr.h"
