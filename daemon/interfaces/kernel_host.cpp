// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/kernel_host.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "daemon/interfaces/kernel_attachment.h"
#include "daemon/kernel/found_heads.h"

namespace pfild::interfaces {
namespace {

constexpr std::size_t kSpares = 8;
constexpr int kWaitingNice = -10; // as the engine's

} // namespace

KernelHost::~KernelHost() {
    if (loader_.joinable()) {
        loader_.join();
    }
}

core::Result<std::vector<net::Link>> KernelHost::all() {
    return net::Links::open().and_then([](net::Links links) { return links.all(); });
}

core::Result<net::Link> KernelHost::find(const std::string& name) {
    return net::Links::open().and_then([&](net::Links links) { return links.find(name); });
}

core::Result<net::Link> KernelHost::find(std::uint32_t ifindex) {
    return net::Links::open().and_then([&](net::Links links) { return links.find(ifindex); });
}

core::Result<void> KernelHost::attachable(const net::Link& link, core::HeadMode mode) {
    return KernelAttachment::attachable(link, mode, world_.umem);
}

core::Result<std::vector<std::string>> KernelHost::may_attach(const net::Link& link) {
    return kernel::may_attach(link.ifindex, link.name, world_.programs.identity());
}

// Two sockets each.
bool KernelHost::has_buffers_for(std::size_t interfaces) {
    return world_.engine_thread.has_buffers_for(2 * interfaces);
}

core::Result<std::unique_ptr<Attachment>> KernelHost::attach(AttachmentSpec spec) {
    if (used_) {
        *used_ |= 1ULL << spec.slot;
    }
    return KernelAttachment::make(world_, std::move(spec));
}

std::vector<std::uint8_t> KernelHost::ready_slots() const {
    std::vector<std::uint8_t> slots;
    for (const SpareHeads& spare : world_.spares) {
        slots.push_back(spare.slot);
    }
    return slots;
}

/// On a busy host this thread would wait for its turn while packets pass. Where it is not allowed, it does.
void KernelHost::be_first(bool first) {
    (void)::setpriority(PRIO_PROCESS, 0, first ? kWaitingNice : 0); // this thread only
}

void KernelHost::make_ready(std::uint64_t used) {
    if (!std::exchange(used_, used)) {
        be_first(true);
    }
    load_next();
}

void KernelHost::make_unready() {
    world_.spares.clear();
    if (std::exchange(used_, std::nullopt)) {
        be_first(false);
    }
}

/// By a thread of its own: it takes 25 ms, in which an interface may come.
void KernelHost::load_next() {
    if (!used_ || loader_.joinable() || world_.spares.size() >= kSpares) {
        return;
    }
    std::uint64_t used = *used_;
    for (const SpareHeads& spare : world_.spares) {
        used |= 1ULL << spare.slot;
    }
    if (~used == 0) {
        return;
    }
    const auto slot = static_cast<std::uint8_t>(std::countr_one(used));
    const std::uint32_t number = ++world_.attachments;
    loader_ = std::thread([this, slot, number] {
        auto loaded = std::make_shared<core::Result<kernel::HeadPrograms>>(
            kernel::HeadPrograms::load(world_.programs, slot, number));
        loop_.post([this, slot, number, loaded] {
            loader_.join();
            if (!*loaded) {
                spdlog::error("{}", loaded->error().line());
                return; // they are loaded when they are needed
            }
            world_.spares.push_back({slot, number, std::move(**loaded)});
            load_next();
        });
    });
}

bool KernelHost::has_left_heads(std::uint32_t ifindex) const {
    const std::vector<kernel::FoundHead> heads = kernel::find_heads(ifindex);
    return std::any_of(heads.begin(), heads.end(), [&](const kernel::FoundHead& head) {
        return kernel::whose(head.owner, world_.programs.identity()) == kernel::Whose::kLeft;
    });
}

std::vector<std::string> KernelHost::sweep(std::uint32_t ifindex) {
    return kernel::sweep(ifindex, world_.programs.identity());
}

void LoopSchedule::call_after(std::chrono::nanoseconds wait, Work work) {
    auto timer = loop_.once(wait, std::move(work));
    if (timer) {
        timer_ = std::move(*timer);
    } else {
        spdlog::error("{}", timer.error().line());
    }
}

void LoopSchedule::do_beside(Work work, Work then) {
    side_thread_.run([&loop = loop_, work = std::move(work), then = std::move(then)]() mutable {
        work();
        work = nullptr; // what it held ends here
        if (then) {
            loop.post(std::move(then));
        }
    });
}

} // namespace pfild::interfaces
