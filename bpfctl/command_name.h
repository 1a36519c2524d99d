// SPDX-License-Identifier: BSD-2-Clause
// What a process is called, by its number.
#pragma once

#include <cstdint>
#include <string>

namespace pfild::bpfctl {

/// The name in /proc/PID/comm, without control characters; "?" if there is no such process here.
[[nodiscard]] std::string command_name(std::uint64_t pid);

} // namespace pfild::bpfctl
