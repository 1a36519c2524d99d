// SPDX-License-Identifier: BSD-2-Clause
// Who may use which verb: root and the daemon's own user all of them; members of the group pfild those that only look;
// a user whom the configuration gives some verbs to, those. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/verbs.h"

namespace pfild::control {

/// Who asks, as the kernel says it.
struct Peer {
    std::uint32_t uid = 0;
    std::uint32_t pid = 0; ///< 0: in a pid namespace that the daemon cannot see
    bool owner = false;    ///< root, or the daemon's own user
    bool reader = false;   ///< a member of the group pfild
};

/// Verbs that a user may use, by their names.
struct Grant {
    std::uint32_t uid = 0;
    std::vector<std::string> verbs;
};

[[nodiscard]] bool may(const Peer& peer, const Verb& verb, std::span<const Grant> grants);
/// Whether there is any verb that the peer may use.
[[nodiscard]] bool may_anything(const Peer& peer, std::span<const Grant> grants);

} // namespace pfild::control
