// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * All tables of an instance, and the identity of those of its programs that belong to no interface. Heads are loaded
 * later, one set for each attachment, and are given these tables.
 */
#include "identity.h"

#include "flows.h"
#include "tap.h"

char _license[] SEC("license") = "Dual BSD/GPL";
