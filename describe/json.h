// SPDX-License-Identifier: BSD-2-Clause
// JSON (RFC 8259) to Values and back. The bytes are hostile: nothing in them throws, recurses deeper than the limit,
// or keeps more memory than a small multiple of the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.h"
#include "describe/value.h"

namespace pfild::describe {

struct JsonLimits {
    std::size_t depth = 32;      ///< lists and objects that are open at once
    std::size_t members = 65536; ///< of one object
};

/// EINVAL; the error's `why` says which rule of JSON, or which limit, the text breaks. A name that one object has twice
/// is refused: two readers would disagree about which one counts.
[[nodiscard]] core::Result<Value> value_of_json(std::string_view text, JsonLimits limits = {});

/// One line without a newline; or indented by two spaces, for people. What is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_line(const Value& value);
[[nodiscard]] std::string json_page(const Value& value);

} // namespace pfild::describe
