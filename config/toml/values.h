// SPDX-License-Identifier: BSD-2-Clause
// TOML 1.0 as a Value, in which everything knows its line and column; and a Value as TOML. Used by config/ alone; the
// exceptions of toml++ end here.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "describe/mistakes.h"
#include "describe/value.h"

namespace pfild::config {

/// A table. A date is refused, since no key is one; tables deeper than 32, too.
[[nodiscard]] tl::expected<describe::Value, describe::Mistake> values_of_toml(std::string_view text);

/// A line for each member in its order, and for each table in a list of tables a section `[[NAME]]`, after those lines.
/// What is nothing is left out. => a table of flags, numbers, texts, lists of these, and lists of tables of these.
[[nodiscard]] std::string toml_of_values(const describe::Value& table);

} // namespace pfild::config
