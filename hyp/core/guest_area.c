/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of a guest that the hypervisor keeps mapped, whatever the guest does with its addresses
 * meanwhile: the reference on the frame is what keeps them.
 */
#include <serai/domain.h>
#include <serai/errno.h>
#include <serai/frame.h>

int guest_area_map(struct guest_area *a, struct domain *d, gfn_t g)
{
	enum p2m_type t;
	struct frame *f = p2m_get_frame(&d->p2m, g, true, &t);

	if (!f)
		return -XEN_EINVAL;
	if (t != P2M_RAM_RW) {
		frame_put(f);
		return -XEN_EINVAL;
	}
	a->frame = f;
	a->va = frame_map(frame_to_mfn(f));
	return 0;
}

void guest_area_release(struct guest_area *a)
{
	if (!a->frame)
		return;
	frame_unmap(a->va);
	frame_put(a->frame);
	*a = (struct guest_area){ 0 };
}
