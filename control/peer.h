// SPDX-License-Identifier: BSD-2-Clause
// The other end of a connection to the control socket.
#pragma once

#include <cstdint>

namespace pfild::control {

/// Who asks, as the kernel says it.
struct Peer {
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;        ///< 0: in a pid namespace that the daemon cannot see
    std::uint64_t connection = 0; ///< no other has this number; 0: none
    bool owner = false;           ///< root, or the daemon's own user
    bool reader = false;          ///< a member of the group pfild
};

} // namespace pfild::control
