// SPDX-License-Identifier: BSD-2-Clause
// The end of attachments: of one, or of many together.
//
//     tell the heads to divert no more     drain: what is on its way comes out, the heads take its stamp off
//     heads                                one after another: the kernel waits for all processors at each
//     engine lets go, port pairs           all in one go
//     sockets, tables, known flows
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "daemon/interfaces/kernel_attachment.h"
#include "daemon/kernel/chain.h"

namespace pfild::interfaces {
namespace {

using core::Direction;

// How long packets that are on their way through the engine have to leave it. At 50 kpps the longest seen was 20 ms.
constexpr auto kDrain = std::chrono::milliseconds(100);
constexpr auto kBetweenLooks = std::chrono::milliseconds(1);

} // namespace

KernelAttachment::~KernelAttachment() {
    if (!ends_) {
        stop_diverting();
        drain({this});
        remove_heads();
    }
    take_down_port();
    if (heads_ && !only_tapped() &&
        !cleared_up_) { // without heads those of a daemon that was killed may still answer by them
        (void)world_.engine_thread.forget_flows(spec_.link.ifindex);
    }
}

void KernelAttachment::end(AttachmentWorld& world, const std::vector<std::unique_ptr<Attachment>>& all) noexcept {
    std::vector<KernelAttachment*> each;
    std::transform(all.begin(), all.end(), std::back_inserter(each),
                   [](const auto& one) { return dynamic_cast<KernelAttachment*>(one.get()); });
    for (KernelAttachment* const one : each) {
        one->stop_diverting();
    }
    drain(each);
    std::vector<std::uint32_t> pairs;
    std::vector<net::DeviceHold> devices;
    for (KernelAttachment* const one : each) {
        one->remove_heads();
        one->ends_ = true;
        if (one->device_) {
            devices.push_back(*std::exchange(one->device_, std::nullopt));
        }
        if (one->port_) {
            one->port_->leave_engine();
            pairs.push_back(one->port_->port().p().stack_ifindex);
            pairs.push_back(one->port_->port().q().stack_ifindex);
        }
    }
    net::DeviceHold::end(std::move(devices));
    const auto removed = within(world.stack, [&] {
        return net::Links::open().and_then([&](net::Links links) { return links.remove_all(pairs); });
    });
    if (!removed) {
        spdlog::warn("port pairs are removed one after another: {}", removed.error().line());
        return;
    }
    for (KernelAttachment* const one : each) {
        if (one->port_) {
            one->port_->port().was_removed();
        }
    }
}

void KernelAttachment::stop_diverting() noexcept {
    if (port_ && !gone_) {
        (void)write_interface({}, {}); // if it cannot be told, the drain catches less
    }
}

/// Every packet that was diverted is where it belongs. If some were lost that is never so.
bool KernelAttachment::is_drained() const {
    return std::all_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](Direction direction) {
        const auto heads = world_.programs.counters(slot(), direction);
        const auto& engine = world_.engine_thread.engine().counters(slot(), direction);
        const auto in_engine = [&](core::EngineCounter which) {
            return engine.at(static_cast<std::size_t>(which)).load(std::memory_order_relaxed);
        };
        return heads.count[PFILD_COUNT_DIVERTED] == in_engine(core::EngineCounter::kReceived) &&
               heads.count[PFILD_COUNT_REENTERED] + heads.count[PFILD_COUNT_DROPPED_STAMP] ==
                   in_engine(core::EngineCounter::kPassed);
    });
}

void KernelAttachment::drain(const std::vector<KernelAttachment*>& all) noexcept {
    const auto has_packets = [](const KernelAttachment* one) { return one->port_ && !one->gone_; };
    if (std::none_of(all.begin(), all.end(), has_packets)) {
        return;
    }
    const auto until = std::chrono::steady_clock::now() + kDrain;
    kernel::await_programs(); // that ask whether to divert
    while (std::chrono::steady_clock::now() < until &&
           std::any_of(all.begin(), all.end(),
                       [&](const KernelAttachment* one) { return has_packets(one) && !one->is_drained(); })) {
        std::this_thread::sleep_for(kBetweenLooks);
    }
}

void KernelAttachment::remove_heads() noexcept {
    (void)within(world_.stack, [&]() -> core::Result<void> {
        if (xdp_ && !device_->is_here()) {
            xdp_->leave_offloads();
        }
        xdp_.reset();
        if (heads_) {
            heads_->detach();
        }
        return {};
    });
    let_up();
    world_.programs.clear_interface(slot());
}

} // namespace pfild::interfaces
