// SPDX-License-Identifier: BSD-2-Clause
// What to do to get from one configuration to another. Pure: the actions are values, orchestrator/configure does them.
//
// Rules come before traffic: hooks and their links are there before an interface is attached, and interfaces are
// detached before rules go. Links to the head of the interface itself cannot: it lives from attach to detach. Order of
// hooks at a head is the order in which they were linked (PF-20); so a head keeps the links that both files begin with,
// and all behind the first difference are made anew, in the order of the new file.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/config.h"

namespace pfild {

struct DetachAction {
    InterfaceConfig interface;
};
struct UnlinkAction {
    core::LinkRequest link;
};
struct DeleteHookAction {
    HookConfig hook;
};
struct AddHookAction {
    HookConfig hook;
};
struct LinkAction {
    core::LinkRequest link;
};
struct AttachAction {
    InterfaceConfig interface;
};

using ConfigAction =
    std::variant<DetachAction, UnlinkAction, DeleteHookAction, AddHookAction, LinkAction, AttachAction>;

/// `link cbpf:a to inet, in`: for logs and tests.
[[nodiscard]] std::string told(const ConfigAction& action);
/// What takes it back. Undoing a detach attaches, and so on.
[[nodiscard]] ConfigAction inverse(const ConfigAction& action);

struct ConfigChange {
    std::optional<LogLevel> log_level;
    std::vector<ConfigAction> actions;      ///< in this order
    std::vector<std::string> needs_restart; ///< `frames: 16384 stays in force, 32768 needs a restart`
};

/// The actions that take back all of its actions, the last first.
[[nodiscard]] ConfigChange inverse(const ConfigChange& change);

[[nodiscard]] ConfigChange difference(const Config& old_config, const Config& new_config);

/// Gives `fresh` the settings of `in_force` that a running daemon cannot change, so that the next difference tells
/// again.
void keep_what_needs_restart(Config& fresh, const Config& in_force);

/// What a daemon does at start; needs_restart is empty.
[[nodiscard]] ConfigChange from_nothing(const Config& config);

} // namespace pfild
