// SPDX-License-Identifier: BSD-2-Clause
// Heads as text, in the manner of pfilctl(8): a line for each head, then one for each link, in run order (PF-20).
//
//     Head  Type  DLT  Dir  Hook               Covers
//     inet  inet  RAW                          eth0
//                      In   cbpf:block-telnet
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

[[nodiscard]] std::string heads_text(const Json& heads); ///< a list of head objects, with the title row

} // namespace pfild::bpfctl
