// SPDX-License-Identifier: BSD-2-Clause
// An attachment of an interface that has just come: heads first, the rest later.
#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "daemon/interfaces/kernel_attachment.h"

namespace pfild::interfaces {
namespace {

class MakingPort final : public PortWork {
  public:
    MakingPort(AttachmentWorld& world, PortAndSockets::Request request) : world_(world), request_(std::move(request)) {}

    void make() override { made_ = PortAndSockets::make(world_, request_); }
    [[nodiscard]] core::Result<std::unique_ptr<PortAndSockets>> take() { return std::move(made_); }

  private:
    AttachmentWorld& world_;
    PortAndSockets::Request request_;
    core::Result<std::unique_ptr<PortAndSockets>> made_;
};

} // namespace

std::optional<SpareHeads> AttachmentWorld::take_spare(std::uint8_t slot) {
    const auto found =
        std::find_if(spares.begin(), spares.end(), [&](const SpareHeads& one) { return one.slot == slot; });
    if (found == spares.end()) {
        return std::nullopt;
    }
    std::optional<SpareHeads> taken(std::move(*found));
    spares.erase(found);
    return taken;
}

// A daemon that lives opens nothing: until there is a port pair, the heads drop what they would divert, which is
// everything until it is known what is linked.
core::Result<void> KernelAttachment::come() {
    coming_ = !only_tapped();
    spec_.divert = {true, true};
    return hold_device()
        .and_then([&] { return hold_down(); })
        .and_then([&] { return write_interface(spec_.divert, spec_.chained); })
        .and_then([&] { return attach_heads(); })
        .map([&] {
            if (!coming_) {
                let_up();
            }
        });
}

/// If it is new, is to be so, and is up.
core::Result<void> KernelAttachment::hold_down() {
    if (!spec_.strict || !spec_.link.up) {
        return {};
    }
    held_down_ = true;
    return within(world_.stack, [&] {
        return net::Links::open().and_then([&](net::Links links) { return links.set_down(spec_.link.ifindex); });
    });
}

void KernelAttachment::let_up() noexcept {
    spec_.strict = false;
    if (!std::exchange(held_down_, false) || !device_ || !device_->is_here()) {
        return;
    }
    const auto up = within(world_.stack, [&] {
        return net::Links::open().and_then([&](net::Links links) { return links.set_up(spec_.link.ifindex); });
    });
    if (!up && up.error().code != ENODEV) {
        spdlog::error("{}: {}", spec_.link.name, up.error().line());
    }
}

std::shared_ptr<PortWork> KernelAttachment::port_work() const {
    return std::make_shared<MakingPort>(world_, PortAndSockets::Request{spec_.link, slot()});
}

core::Result<void> KernelAttachment::take_port(PortWork& work) {
    auto taken = take(dynamic_cast<MakingPort&>(work).take());
    coming_ = taken.has_value();
    repairing_ = !taken;
    return taken;
}

core::Result<void> KernelAttachment::go_on() {
    coming_ = false;
    if (stood_down_) {
        return {};
    }
    spec_.tc_will_do = true;
    auto done = use_xdp().and_then([&] { return attach_heads(); }); // of XDP
    spec_.tc_will_do = false;
    repairing_ = !done;
    if (done) {
        let_up();
    }
    return done;
}

KernelAttachment::Work KernelAttachment::clear_up() {
    cleared_up_ = true;
    drop_xdp();
    if (port_) {
        port_->leave_engine();
    }
    const bool had_flows = heads_ && !only_tapped();
    return [&engine = world_.engine_thread, port = std::shared_ptr<PortAndSockets>(std::move(port_)),
            ifindex = spec_.link.ifindex, had_flows]() mutable {
        port.reset();
        if (had_flows) {
            (void)engine.forget_flows(ifindex);
        }
    };
}

} // namespace pfild::interfaces
