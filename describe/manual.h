// SPDX-License-Identifier: BSD-2-Clause
// What is written about described structs: JSON Schema for programs, tables in Markdown for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "describe/shape.h"

namespace pfild::describe {

/// A document of JSON Schema, draft 2020-12, that every value of the shape satisfies, and little else does.
[[nodiscard]] Value schema_document(const Shape& shape, std::string_view title);

/// A row for each field: name, what may stand there, and what it means.
[[nodiscard]] std::string field_table(const Shape& shape);

/// The named shapes that stand in fields of this one, and in theirs; each once, in the order of their first place.
[[nodiscard]] std::vector<const Shape*> shapes_within(const Shape& shape);

} // namespace pfild::describe
