// SPDX-License-Identifier: BSD-2-Clause
// What a verb has changed in the model, for a person.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// A line for each change, and for each setting that needs a restart. Lines end with \n.
[[nodiscard]] std::string changed_text(const Json& changed, const std::string& if_nothing = "nothing has changed\n");

} // namespace pfild::bpfctl
