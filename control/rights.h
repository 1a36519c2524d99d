// SPDX-License-Identifier: BSD-2-Clause
// Who may use which verb: root and the daemon's own user all of them; members of the group pfild those that only look;
// a user whom the configuration gives some verbs to, those. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "control/peer.h"
#include "control/verbs.h"

namespace pfild::control {

/// Verbs that a user may use, by their names.
struct Grant {
    std::uint32_t uid = 0;
    std::vector<std::string> verbs;
};

[[nodiscard]] bool may(const Peer& peer, const Verb& verb, std::span<const Grant> grants);
/// Whether there is any verb that the peer may use.
[[nodiscard]] bool may_anything(const Peer& peer, std::span<const Grant> grants);

} // namespace pfild::control
