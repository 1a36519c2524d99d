// SPDX-License-Identifier: BSD-2-Clause
// Users by their names, as /etc/passwd has them. No directory on the network is asked: that may take as long as it
// likes, and a firewall starts before there is a network. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pfild::disk {

/// His number; nothing: there is no user of that name in the file, or it cannot be read.
[[nodiscard]] std::optional<std::uint32_t> user_named(const std::string& name);

} // namespace pfild::disk
