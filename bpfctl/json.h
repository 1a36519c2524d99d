// SPDX-License-Identifier: BSD-2-Clause
// The JSON that bpfctl speaks: members keep the order in which the daemon, or we, wrote them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace pfild::bpfctl {

using Json = nlohmann::ordered_json;

/// As text: indented by two spaces for people and files, or in one line for the socket. Never throws over bytes that
/// are no UTF-8 (a name typed on the command line): they become U+FFFD.
[[nodiscard]] inline std::string pretty(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}
[[nodiscard]] inline std::string compact(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace pfild::bpfctl
