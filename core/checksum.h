// SPDX-License-Identifier: BSD-2-Clause
// Checksums that a virtual peer left to "hardware". Under XDP such a packet comes with only the pseudo-header's sum in
// the checksum field, and nothing in the packet says so.
#pragma once

#include "core/frame.h"

namespace pfild::core {

/// Completes the TCP or UDP checksum if it is unfinished: wrong as it is, and the field holds exactly the sum of the
/// pseudo-header (RFC 9293 3.1, RFC 768, RFC 8200 8.1). Every other packet stays as it is, damaged ones and fragments
/// included. True: completed.
bool complete_checksum(Frame& frame);

} // namespace pfild::core
