// SPDX-License-Identifier: BSD-2-Clause
// Views and errors as the JSON of docs/control-protocol.md. Pure; keys come out in the order of that document. Text
// that is no UTF-8 (a kernel's or a file's words) is shown with replacement characters, never refused.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/error.h"
#include "daemon/api/views.h"

namespace pfild::api {

[[nodiscard]] nlohmann::ordered_json to_json(const VersionView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const StatusView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const InterfaceView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const HeadView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const HookView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const HookProgramView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const StatsView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const FlowView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const FlowsView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const PeersView& view);
[[nodiscard]] nlohmann::ordered_json to_json(const core::Error& error);

/// One line with its newline, what the socket carries.
[[nodiscard]] std::string success_line(std::uint64_t id, nlohmann::ordered_json result);
[[nodiscard]] std::string failure_line(std::uint64_t id, const core::Error& error);

} // namespace pfild::api
