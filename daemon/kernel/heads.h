// SPDX-License-Identifier: BSD-2-Clause
// Where programs sit: the two heads of an interface, and the programs of a port. By TCX where the kernel has it, on a
// clsact qdisc otherwise. Control thread; every call is for the namespace that the calling thread is in.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/kernel/programs.h"

namespace pfild::kernel {

/// The heads of one interface. Not RAII on purpose: they stay when the daemon dies, and go when it detaches.
class Heads {
  public:
    /// Attaches both, or takes over both from a daemon that is no more; nothing passes unseen in between.
    /// tcx_wanted: by TCX where the kernel has it; otherwise on clsact.
    [[nodiscard]] static core::Result<Heads> attach(std::uint32_t ifindex, const Programs& programs, bool tcx_wanted);

    /// Removes both. A device that is gone is no error.
    void detach() const noexcept;
    /// Both still there? Somebody with the right to may remove them.
    [[nodiscard]] bool intact() const;

    /// "tcx ingress", "tc egress pref 1".
    [[nodiscard]] std::string place(core::Direction direction) const;

  private:
    Heads(std::uint32_t ifindex, bool tcx) : ifindex_(ifindex), tcx_(tcx) {}
    [[nodiscard]] core::Result<void> attach_one(core::Direction direction, const Programs& programs);

    std::uint32_t ifindex_;
    bool tcx_;
    std::array<std::uint32_t, core::kDirections> preference_{}; ///< of the filters on clsact
};

/// The program at the ingress of p1 or q1. Goes with the device.
[[nodiscard]] core::Result<void> attach_reentry(std::uint32_t ifindex, core::Direction direction,
                                                const Programs& programs, bool tcx_wanted);
[[nodiscard]] bool reentry_intact(std::uint32_t ifindex, core::Direction direction);
/// Native XDP of p0 or q0. Goes with the device.
[[nodiscard]] core::Result<void> attach_port_up(std::uint32_t ifindex, int program_fd);

} // namespace pfild::kernel
