// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/front_watch.h"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/kernel/xdp_head.h"

namespace pfild::interfaces {

void FrontWatch::look(const std::string& interface, std::uint32_t ifindex, kernel::Heads& heads,
                      std::uint32_t own_xdp) {
    look_at_xdp(ifindex, own_xdp);
    std::vector<std::string> now = in_front(heads);
    if (now == said_) {
        if (failure_ != 0 && failure_ != EBUSY) { // what cannot be preceded cannot be later
            go_in_front(interface, heads);
        }
        return;
    }
    said_ = std::move(now);
    failure_ = 0;
    if (said_.empty()) {
        spdlog::info("{}: no program is in front of the heads any more", interface);
        return;
    }
    spdlog::warn("{}: in front of the heads, and may let packets by unseen: {}", interface, fmt::join(said_, ", "));
    if (position_ == core::HeadPosition::kFirst && said_.size() > xdp_.size()) {
        go_in_front(interface, heads);
    }
}

std::vector<std::string> FrontWatch::in_front(const kernel::Heads& heads) const {
    std::vector<std::string> all = xdp_;
    const std::vector<std::string> others = heads.in_front();
    all.insert(all.end(), others.begin(), others.end());
    return all;
}

// A dispatcher is another one whenever a program in it is.
void FrontWatch::look_at_xdp(std::uint32_t ifindex, std::uint32_t own) {
    const std::uint32_t now = kernel::native_program(ifindex);
    if (now != std::exchange(xdp_runs_, now)) {
        xdp_ = kernel::XdpHead::in_front(ifindex, own);
    }
}

void FrontWatch::go_in_front(const std::string& interface, kernel::Heads& heads) {
    auto moved = heads.move_to_front(programs_);
    said_ = in_front(heads);
    if (moved) {
        spdlog::warn("{}: the heads are first again", interface);
        failure_ = said_.size() > xdp_.size() ? EAGAIN : 0; // somebody came since
        return;
    }
    const int before = std::exchange(failure_, moved.error().code);
    if (failure_ != before) {
        spdlog::error("{}: {}", interface, moved.error().line());
    }
}

} // namespace pfild::interfaces
