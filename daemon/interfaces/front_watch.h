// SPDX-License-Identifier: BSD-2-Clause
// Watches the place in front of an interface's heads, where somebody else's program can let packets by unseen: says it
// in the log once for each change, and has the heads go in front again where that is wanted. Control thread; the
// calling thread is in the instance's namespace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/head_position.h"
#include "daemon/kernel/heads.h"
#include "daemon/kernel/programs.h"

namespace pfild::interfaces {

class FrontWatch {
  public:
    FrontWatch(const kernel::Programs& programs, core::HeadPosition position)
        : programs_(programs), position_(position) {}
    void set_position(core::HeadPosition position) { position_ = position; }

    /// interface: its name, for the log. own_xdp: the XDP head, by the kernel's number; 0: there is none.
    void look(const std::string& interface, std::uint32_t ifindex, kernel::Heads& heads, std::uint32_t own_xdp);
    /// The programs that are in front now; of XDP, as of the last look.
    [[nodiscard]] std::vector<std::string> in_front(const kernel::Heads& heads) const;

  private:
    void look_at_xdp(std::uint32_t ifindex, std::uint32_t own);
    void go_in_front(const std::string& interface, kernel::Heads& heads);

    const kernel::Programs& programs_;
    core::HeadPosition position_;
    std::vector<std::string> said_; ///< in the log
    int failure_ = 0;               ///< errno of the last try to move the heads; 0: they are first, or shall not be
    std::vector<std::string> xdp_;
    std::uint32_t xdp_runs_ = 0; ///< the driver's program, when that was looked at
};

} // namespace pfild::interfaces
