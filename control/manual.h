// SPDX-License-Identifier: BSD-2-Clause
// The parts of docs/control-protocol.md that are made of the descriptions, and what its markers look like. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pfild::control {

/// A row for each verb.
[[nodiscard]] std::string verb_table();
/// A table for each object: the arguments of verbs, then what stands in answers.
[[nodiscard]] std::string object_tables();

/// The text with what is made between `<!-- NAME: made … -->` and `<!-- NAME: end -->`, for both parts: `verbs`,
/// `objects`. What stands there already gives way. A text without a marker stays as it is there.
[[nodiscard]] std::string with_made_parts(std::string text);

/// The JSON Schema of each message: a file name, and what stands in it.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> schema_files();

} // namespace pfild::control
