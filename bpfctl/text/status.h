// SPDX-License-Identifier: BSD-2-Clause
// The state of a daemon as text: attached interfaces, known flows and packet buffers.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// A block for one attached interface: where its packets go, and what happens to them when the engine is gone.
[[nodiscard]] std::string interface_text(const Json& interface);

/// One line: how many flows the kernel knows, or why none.
[[nodiscard]] std::string flow_table_text(const Json& flows);

/// One line: how many buffers there are and where; a second line if they do not add up.
[[nodiscard]] std::string buffers_text(const Json& buffers);

} // namespace pfild::bpfctl
