// SPDX-License-Identifier: BSD-2-Clause
// Where programs sit: the two heads of an interface on its clsact qdisc, and the programs of a port. Control thread;
// every call is for the namespace that the calling thread is in.
//
// A head is a TC filter with a handle of ours, before foreign filters where it can be, so that those see each packet
// once. The handle also says whether the clsact is ours: a daemon that finds its heads after a crash knows from it what
// to remove at detach. Foreign filters and a foreign clsact are never touched.
#pragma once

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
    [[nodiscard]] static core::Result<Heads> attach(std::uint32_t ifindex, const Programs& programs);
    /// Whether heads of pfild sit on the interface: those of this daemon or of one that was killed.
    [[nodiscard]] static bool present(std::uint32_t ifindex);
    /// Removes heads that a daemon left behind, and its clsact; nothing there is no error.
    static void sweep(std::uint32_t ifindex);

    /// Removes both, and the clsact if it is ours and nobody else uses it. A device that is gone is no error.
    void detach() const noexcept;
    /// Both still there? Somebody with the right to may remove filters.
    [[nodiscard]] bool intact() const;

    /// "tc ingress pref 1".
    [[nodiscard]] std::string place(core::Direction direction) const;

  private:
    Heads(std::uint32_t ifindex, bool own_clsact) : ifindex_(ifindex), own_clsact_(own_clsact) {}

    std::uint32_t ifindex_;
    bool own_clsact_;
    std::uint32_t preference_[core::kDirections] = {0, 0};
};

/// TC ingress of p1 or q1. Goes with the device.
[[nodiscard]] core::Result<void> attach_reentry(std::uint32_t ifindex, int program_fd);
/// Native XDP of p0 or q0. Goes with the device.
[[nodiscard]] core::Result<void> attach_port_up(std::uint32_t ifindex, int program_fd);

} // namespace pfild::kernel
