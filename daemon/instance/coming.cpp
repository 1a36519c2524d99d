// SPDX-License-Identifier: BSD-2-Clause
// Interfaces that come while pfild runs, and are guarded at the netlink message that says so.
//
//     message            heads, of programs that are loaded already; they drop what they would divert
//     + a few ms         its links: the heads know what they would divert
//     20 ms of silence   port pair and sockets, by the side thread, one interface after another
//     then               the rest in a step for each; messages that come meanwhile go before
//     gone               after such a silence the side thread clears away what is left of it; then its slot is free
//
// The heads take 1 ms and two grace periods of RCU, one after each; the port pair takes ten times as long, to make and
// to remove.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "daemon/instance/orchestrator.h"

namespace pfild {
namespace {

constexpr auto kSilence = std::chrono::milliseconds(20);
constexpr auto kLongestWait = std::chrono::milliseconds(500); // for silence
constexpr std::size_t kSpares = 8;
constexpr int kWaitingNice = -10; // as the engine's

} // namespace

void Orchestrator::expect_more(bool any) {
    if (std::exchange(expects_more_, any) != any) {
        // On a busy host it would wait for its turn while packets pass. Where it is not allowed, it does.
        (void)::setpriority(PRIO_PROCESS, 0, any ? kWaitingNice : 0); // this thread only
    }
    if (!any) {
        world_->spares.clear();
    } else {
        load_spare();
    }
}

void Orchestrator::finish_soon() {
    const auto now = std::chrono::steady_clock::now();
    finish_since_ = finish_since_.value_or(now);
    finish_after(std::clamp<std::chrono::nanoseconds>(*finish_since_ + kLongestWait - now, {}, kSilence));
}

void Orchestrator::finish_after(std::chrono::nanoseconds wait) {
    auto timer = loop_->once(wait, [this] { finish_next(); });
    if (timer) {
        finishing_ = std::move(*timer);
    } else {
        spdlog::error("{}", timer.error().line());
    }
}

// One step a time, so that interfaces that come meanwhile are guarded first.
void Orchestrator::finish_next() {
    const auto first = [&](bool needs_port) {
        return std::find_if(attachments_.begin(), attachments_.end(), [&](const auto& one) {
            return one.second->is_coming() && one.second->needs_port() == needs_port;
        });
    };
    if (const auto waits = first(true); waits != attachments_.end() && !making_) {
        make_port(*waits->second);
    }
    clear_up_gone();
    const auto coming = first(false);
    if (coming == attachments_.end()) {
        if (!making_) {
            finish_since_.reset();
        }
        return;
    }
    Attachment& attachment = *coming->second;
    if (auto gone_on = attachment.go_on(); !gone_on && gone_on.error().code != ENODEV) { // its end is announced
        spdlog::error("{}: {}", attachment.link().name, gone_on.error().line());
    }
    tap_->put(attachment.link(), attachment.slot(), attachment.has_xdp_head());
    finish_after({});
}

// It waits 100 ms and longer for the kernel, in which an interface may come.
void Orchestrator::make_port(const Attachment& attachment) {
    making_.emplace(MakingPort{attachment.link().ifindex, attachment.number(), {}});
    side_thread_.run([this, request = attachment.port_request()] {
        making_->made = PortAndSockets::make(*world_, request);
        loop_->post([this] { take_port(); });
    });
}

void Orchestrator::clear_up_gone() {
    for (const auto& [number, attachment] : going_) {
        if (!attachment->is_cleared_up()) {
            attachment->clear_up([this, gone = number] {
                loop_->post([this, gone] {
                    going_.erase(gone);
                    load_spare();
                });
            });
        }
    }
}

void Orchestrator::take_port() {
    MakingPort port = *std::exchange(making_, std::nullopt);
    const auto attached = attachments_.find(port.ifindex);
    if (attached != attachments_.end() && attached->second->number() == port.number && attached->second->needs_port()) {
        if (auto taken = attached->second->take_port(std::move(port.made)); !taken && taken.error().code != ENODEV) {
            spdlog::error("{}: {}", attached->second->link().name, taken.error().line());
        }
    } else if (port.made) { // it has gone meanwhile
        side_thread_.run([needless = std::shared_ptr<PortAndSockets>(std::move(*port.made))] {});
    }
    finish_after({});
}

// By a thread of its own: it takes 25 ms, in which an interface may come.
void Orchestrator::load_spare() {
    if (!expects_more_ || loader_.joinable() || world_->spares.size() >= kSpares) {
        return;
    }
    std::uint64_t used = used_slots();
    for (const SpareHeads& spare : world_->spares) {
        used |= 1ULL << spare.slot;
    }
    if (~used == 0) {
        return;
    }
    const auto slot = static_cast<std::uint8_t>(std::countr_one(used));
    static_assert(PFILD_MAX_INTERFACES == 64);
    const std::uint32_t number = ++world_->attachments;
    loader_ = std::thread([this, slot, number] {
        auto loaded =
            std::make_shared<core::Result<kernel::HeadPrograms>>(kernel::HeadPrograms::load(*programs_, slot, number));
        loop_->post([this, slot, number, loaded] {
            loader_.join();
            if (!*loaded) {
                spdlog::error("{}", loaded->error().line());
                return; // they are loaded when they are needed
            }
            world_->spares.push_back({slot, number, std::move(**loaded)});
            load_spare();
        });
    });
}

} // namespace pfild
