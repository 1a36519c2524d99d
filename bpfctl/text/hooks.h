// SPDX-License-Identifier: BSD-2-Clause
// Hooks as text: a line for each with what it does, what it has seen and where it is linked; then a line for each that
// must see more than the first packets of a flow, with the reason.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

[[nodiscard]] std::string hooks_text(const Json& hooks); ///< a list of hook objects, with the title row

/// A line with the whole filter where the table has cut it; else nothing.
[[nodiscard]] std::string whole_filter_text(const Json& hook);
/// "packets that match are dropped, the others go on": what on_match means, in words.
/// A line about a hook that asks for what is otherwise looked through; nothing of others.
[[nodiscard]] std::string upkeep_text(const Json& hook);
[[nodiscard]] std::string as_it_is_text(const Json& hook);
[[nodiscard]] std::string on_match_text(const std::string& on_match);

} // namespace pfild::bpfctl
