// SPDX-License-Identifier: BSD-2-Clause
// TOML 1.0 as a Value, in which everything knows its line and column. Used by config/ alone; the exceptions of toml++
// end here.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "describe/mistakes.h"
#include "describe/value.h"

namespace pfild::config {

/// A table. A date is refused, since no key is one; tables deeper than 32, too.
[[nodiscard]] tl::expected<describe::Value, describe::Mistake> values_of_toml(std::string_view text);

} // namespace pfild::config
