/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * A head is loaded for one attachment, which it knows by constants (pfild/identity.h). It acts by that attachment's
 * entry alone: where the entry is withdrawn, or the interface has another number than it had, the head does nothing.
 */
#pragma once

#include "maps.h"
#include "pfild/identity.h"

const volatile struct pfild_identity identity SEC(PFILD_IDENTITY_SECTION);

static __always_inline const struct pfild_interface* own_interface(__u32 ifindex) {
    __u32 slot = identity.slot, attachment = identity.attachment;
    const struct pfild_interface* self;

    barrier_var(slot); /* both: one program behind this, not one for each way through it */
    self = bpf_map_lookup_elem(&interfaces, &slot);
    if (self && (self->ifindex != ifindex || self->attachment != attachment))
        self = 0;
    barrier_var(self);
    return self;
}
