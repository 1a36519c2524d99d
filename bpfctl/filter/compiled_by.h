// SPDX-License-Identifier: BSD-2-Clause
// How a program came from its text, for people and as JSON.
#pragma once

#include <string>
#include <vector>

#include "bpfctl/json.h"
#include "filter/proved.h"

namespace pfild::bpfctl {

/// {how, because, unoptimised_instructions, optimised_instructions (null: libpcap's optimiser made none)}
[[nodiscard]] Json json_of(const filter::Proved& proved);

/// The reason in lines of at most 68 columns, of that JSON.
[[nodiscard]] std::vector<std::string> reason_lines(const Json& compiled_by);

} // namespace pfild::bpfctl
