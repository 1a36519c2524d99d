// SPDX-License-Identifier: BSD-2-Clause
// The JSON that bpfctl speaks: members keep the order in which the daemon, or we, wrote them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace pfild::bpfctl {

using Json = nlohmann::ordered_json;

/// As text: indented by two spaces for people and files, or in one line for the socket. Never throws over bytes that
/// are no UTF-8 (a name typed on the command line): they become U+FFFD. Control characters are escaped, also those that
/// JSON allows in a string and some terminals obey.
[[nodiscard]] std::string pretty(const Json& json);
[[nodiscard]] std::string compact(const Json& json);

} // namespace pfild::bpfctl
