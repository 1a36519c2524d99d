// SPDX-License-Identifier: BSD-2-Clause
// Known flows as text: a line for each, with what the kernel does with its packets.
//
//     Interface  Protocol  Remote         Local               In    Packets  Bytes    Out   Packets  Bytes   Idle
//     eth0       tcp       192.0.2.1:443  198.51.100.7:51034  pass      120  1.2 MiB  pass       80  64 KiB  3 of 300 s
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// A list of flow objects, with the title row. VLANs are a column if any flow has one.
[[nodiscard]] std::string flows_text(const Json& flows);

} // namespace pfild::bpfctl
