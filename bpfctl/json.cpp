// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/json.h.
#include "bpfctl/json.h"

#include <cstddef>

namespace pfild::bpfctl {
namespace {

/// U+007F to U+009F, which stand in strings only: `\u007f`.
std::string escaped(std::string json) {
    constexpr const char* kDigits = "0123456789abcdef";
    for (std::size_t at = 0; at < json.size(); ++at) {
        const bool is_c1 = json[at] == '\xc2' && static_cast<unsigned char>(json[at + 1]) < 0xa0; // a \0 ends it
        if (is_c1 || json[at] == '\x7f') {
            const auto code = static_cast<unsigned char>(json[at + (is_c1 ? 1 : 0)]);
            json.replace(at, is_c1 ? 2 : 1, std::string("\\u00") + kDigits[code >> 4U] + kDigits[code & 0xfU]);
        }
    }
    return json;
}

} // namespace

std::string pretty(const Json& json) { return escaped(json.dump(2, ' ', false, Json::error_handler_t::replace)); }

std::string compact(const Json& json) { return escaped(json.dump(-1, ' ', false, Json::error_handler_t::replace)); }

} // namespace pfild::bpfctl
