// SPDX-License-Identifier: BSD-2-Clause
// The open bpf devices as a table, one line a device, as netstat -B of the BSDs has it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// What the process of that number is called.
using CommandName = std::function<std::string(std::uint64_t pid)>;

/// `devices` as the control protocol has them (peers).
[[nodiscard]] std::string peers_text(const Json& devices, const CommandName& command_name);

} // namespace pfild::bpfctl
