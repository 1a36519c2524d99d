// SPDX-License-Identifier: BSD-2-Clause
// The IPv4 netmask of an interface, as `ip broadcast` of an expression needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pfild::bpfctl {

/// In host byte order, as libpcap compares it. Nothing: there is no such interface in this network namespace, or it has
/// no IPv4 address.
[[nodiscard]] std::optional<std::uint32_t> netmask_of(const std::string& interface);

} // namespace pfild::bpfctl
