// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/json.h.
#include "bpfctl/json.h"

#include <cstddef>

namespace pfild::bpfctl {
namespace {

/// U+007F to U+009F, which stand in strings only: `\u007f`. In one pass: a daemon may send 64 MiB of them.
std::string escaped(const std::string& json) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(json.size());
    for (std::size_t at = 0; at < json.size(); ++at) {
        const bool is_c1 = json[at] == '\xc2' && static_cast<unsigned char>(json[at + 1]) < 0xa0; // a \0 ends it
        if (is_c1 || json[at] == '\x7f') {
            at += is_c1 ? 1 : 0;
            const auto code = static_cast<unsigned char>(json[at]);
            text += "\\u00";
            text += kDigits[code >> 4U];
            text += kDigits[code & 0xfU];
        } else {
            text += json[at];
        }
    }
    return text;
}

} // namespace

std::string pretty(const Json& json) { return escaped(json.dump(2, ' ', false, Json::error_handler_t::replace)); }

std::string compact(const Json& json) { return escaped(json.dump(-1, ' ', false, Json::error_handler_t::replace)); }

} // namespace pfild::bpfctl
