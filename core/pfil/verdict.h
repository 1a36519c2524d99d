// SPDX-License-Identifier: BSD-2-Clause
// What a hook says about a packet, and who owns the frame after it (contract PF-12, PF-21 to PF-23).
//
//     pass         the packet goes on, the frame stays with the caller
//     reallocated  the packet goes on in a frame that is not the one the caller gave: look at it again
//     dropped      the packet ends here and its frame is gone; `error` says why, as an errno
//     consumed     the hook kept the packet; the caller never touches it again, and nothing is wrong
//
// A verdict may also say that it lasts: that it is the same for every canonical packet of this flow at this place (see
// pfild/flow.h), whatever else is in the packet. Then the kernel may answer by itself. A hook that says nothing sees
// every packet.
//
// A plain value; any thread.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class Action : std::uint8_t { kPass, kDropped, kConsumed, kReallocated };

inline constexpr std::size_t kActions = 4;
inline constexpr std::array<std::string_view, kActions> kActionNames{"pass", "dropped", "consumed", "reallocated"};
static_assert(static_cast<std::size_t>(Action::kReallocated) + 1 == kActions);

[[nodiscard]] constexpr std::string_view name(Action action) { return kActionNames[static_cast<std::size_t>(action)]; }

struct Verdict {
    Action action = Action::kPass;
    int error = 0;      ///< errno(3), a detail of dropped; 0 with every other action
    bool lasts = false; ///< for the whole flow; never with consumed or reallocated

    [[nodiscard]] static constexpr Verdict pass() { return {}; }
    [[nodiscard]] static constexpr Verdict dropped(int error = EACCES) { return {Action::kDropped, error, false}; }
    [[nodiscard]] static constexpr Verdict consumed() { return {Action::kConsumed, 0, false}; }
    [[nodiscard]] static constexpr Verdict reallocated() { return {Action::kReallocated, 0, false}; }

    /// True when the packet goes no further: no later hook runs, the caller has no frame any more.
    [[nodiscard]] constexpr bool stops() const { return action == Action::kDropped || action == Action::kConsumed; }

    /// The same verdict, lasting or not.
    [[nodiscard]] constexpr Verdict lasting(bool yes) const { return {action, error, yes}; }

    /// The same answer; how long it holds is not compared.
    friend constexpr bool operator==(Verdict left, Verdict right) {
        return left.action == right.action && left.error == right.error;
    }
};

} // namespace pfild::core
