// SPDX-License-Identifier: BSD-2-Clause
// Interfaces that come and go while pfild runs: what is done at once, and what is done when it is quiet. See
// interfaces.h.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "daemon/interfaces/interfaces.h"

namespace pfild::interfaces {
namespace {

constexpr auto kSilence = std::chrono::milliseconds(20);
constexpr auto kLongestWait = std::chrono::milliseconds(500); // for silence

} // namespace

void Interfaces::expect_more(bool any) {
    expects_more_ = any;
    any ? host_.make_ready(used_slots()) : host_.make_unready();
}

void Interfaces::finish_soon() {
    const auto now = schedule_.now();
    finish_since_ = finish_since_.value_or(now);
    finish_after(std::clamp<std::chrono::nanoseconds>(*finish_since_ + kLongestWait - now, {}, kSilence));
}

void Interfaces::finish_after(std::chrono::nanoseconds wait) {
    schedule_.call_after(wait, [this] { finish_next(); });
}

/// One step a time, so that interfaces that come meanwhile are guarded first.
void Interfaces::finish_next() {
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
    dependents_.changed(attachment);
    finish_after({});
}

/// It waits 100 ms and longer for the kernel, in which an interface may come.
void Interfaces::make_port(const Attachment& attachment) {
    const std::shared_ptr<PortWork> work = attachment.port_work();
    making_.emplace(MakingPort{attachment.link().ifindex, attachment.number(), work});
    schedule_.do_beside([work] { work->make(); }, [this] { take_port(); });
}

void Interfaces::take_port() {
    MakingPort port = *std::exchange(making_, std::nullopt);
    const auto attached = attachments_.find(port.ifindex);
    if (attached != attachments_.end() && attached->second->number() == port.number && attached->second->needs_port()) {
        if (auto taken = attached->second->take_port(*port.work); !taken && taken.error().code != ENODEV) {
            spdlog::error("{}: {}", attached->second->link().name, taken.error().line());
        }
    } else { // it has gone meanwhile: the end of its port pair waits long too
        schedule_.do_beside([needless = std::exchange(port.work, nullptr)]() mutable { needless.reset(); }, {});
    }
    finish_after({});
}

void Interfaces::clear_up_gone() {
    for (auto& [number, going] : going_) {
        if (!std::exchange(going.clears_up, true)) {
            schedule_.do_beside(going.attachment->clear_up(), [this, gone = number] {
                going_.erase(gone);
                if (expects_more_) {
                    host_.make_ready(used_slots());
                }
            });
        }
    }
}

} // namespace pfild::interfaces
