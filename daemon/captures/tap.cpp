// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/captures/tap.h"

#include <cerrno>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/net/link_type.h"
#include "daemon/sys/failure.h"

namespace pfild::captures {
namespace {

using core::Direction;

// More rounds than a detach waits for: others may fill the ring as fast as it is emptied.
constexpr unsigned kMostRounds = 64;

} // namespace

core::Result<std::unique_ptr<Tap>> Tap::start(const kernel::Programs& programs, const sys::NetNs& engine,
                                              device::DeviceThreadOptions options) {
    std::unique_ptr<Tap> self(new Tap);
    self->promiscuity_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); // protocol 0: it receives nothing
    if (!self->promiscuity_) {
        return sys::failed("open", "a packet socket", errno);
    }
    auto writer = FrameWriter::open(engine);
    if (!writer) {
        return core::fail(std::move(writer.error()));
    }
    self->writer_ = std::move(*writer);
    auto ring = kernel::TapRing::open(programs, *self);
    if (!ring) {
        return core::fail(std::move(ring.error()));
    }
    self->ring_ = std::move(*ring);
    self->heads_ = std::make_unique<KernelTap>(programs, *self->ring_);
    self->looks_ = std::make_unique<Looks>(self->ring_->bytes());
    auto thread = device::DeviceThread::start(std::move(options), *self);
    if (!thread) {
        return core::fail(std::move(thread.error()));
    }
    self->thread_ = std::move(*thread);
    core::Result<void> begun;
    const bool ran = self->thread_->call([&](sys::Loop& loop, capture::DeviceTable& table) {
        self->table_ = &table;
        self->tapped_ = std::make_unique<Tapped>(
            *self->heads_,
            [&table](std::uint32_t ifindex, Direction direction, std::uint64_t count) {
                table.charge_lost(ifindex, direction, count);
            },
            [&table](std::uint32_t ifindex, Direction direction, std::uint64_t count) {
                table.charge_filtered(ifindex, direction, count);
            });
        begun = self->begin(loop);
    });
    if (!ran) {
        return core::fail({"start", "captures", "their thread has ended", "", EIO});
    }
    return begun.map([&] { return std::move(self); });
}

Tap::~Tap() {
    if (thread_) {
        const auto end_looking = [&] {
            packets_.reset();
            looking_.reset();
        };
        if (!thread_->call([&](sys::Loop&, capture::DeviceTable&) { end_looking(); })) {
            end_looking(); // the thread looks no more, but its loop is still there
        }
        thread_.reset();
    }
}

// ---- interfaces

void Tap::put(const net::Link& link, std::uint8_t slot, bool xdp_head, std::uint32_t way_in) {
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        ways_in_[link.ifindex] = way_in;
        tapped_->put({.ifindex = link.ifindex, .slot = slot, .loopback = link.loopback, .xdp_head = xdp_head});
        table.put_interface({.index = link.ifindex,
                             .name = link.name,
                             .altnames = link.altnames,
                             .data_link = net::link_type(link).value_or(net::kLinkTypeRaw),
                             .up = link.up});
    });
}

void Tap::remove(std::uint32_t ifindex) {
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        tapped_->want(ifindex, {});
        for (unsigned round = 0; round < kMostRounds && take(); round++) { // what it has seen until now
        }
        tapped_->remove(ifindex);
        ways_in_.erase(ifindex);
        table.remove_interface(ifindex);
    });
}

std::vector<capture::DeviceInfo> Tap::devices() {
    std::vector<capture::DeviceInfo> all;
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        catch_up();
        all = table.devices();
    });
    return all;
}

capture::DeviceCounts Tap::totals() {
    capture::DeviceCounts sum;
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        catch_up();
        sum = table.totals();
    });
    return sum;
}

capture::BufferSizes Tap::buffer_sizes() {
    capture::BufferSizes sizes;
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) { sizes = table.buffer_sizes(); });
    return sizes;
}

void Tap::set_buffer_sizes(capture::BufferSizes sizes) {
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) { table.set_buffer_sizes(sizes); });
}

// ---- what devices want

void Tap::set_tap(std::uint32_t ifindex, capture::TapWish wish) { tapped_->want(ifindex, wish); }

void Tap::set_filters(std::uint32_t ifindex, Direction direction, std::span<const cbpf::Program* const> filters) {
    tapped_->set_filters(ifindex, direction, filters);
}

core::Result<void> Tap::set_promiscuous(std::uint32_t ifindex, bool on) {
    packet_mreq request{};
    request.mr_ifindex = static_cast<int>(ifindex);
    request.mr_type = PACKET_MR_PROMISC;
    if (::setsockopt(promiscuity_.get(), SOL_PACKET, on ? PACKET_ADD_MEMBERSHIP : PACKET_DROP_MEMBERSHIP, &request,
                     sizeof(request)) != 0) {
        return sys::failed(on ? "begin" : "end", "promiscuous mode", errno);
    }
    return {};
}

core::Result<void> Tap::write(std::uint32_t ifindex, const capture::WrittenFrame& frame) {
    const auto way_in = ways_in_.find(ifindex);
    return writer_->write(ifindex, way_in == ways_in_.end() ? 0 : way_in->second, frame);
}

// Two system calls, for packets that go out by an interface that is down, as far as this thread knows.
bool Tap::is_up_by_now(std::uint32_t ifindex) noexcept {
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(ifindex);
    return ::ioctl(promiscuity_.get(), SIOCGIFNAME, &request) == 0 &&
           ::ioctl(promiscuity_.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

// ---- packets

core::Result<void> Tap::begin(sys::Loop& loop) {
    auto packets = loop.add(ring_->fd(), EPOLLIN, [this](std::uint32_t) { wake_up(); });
    if (!packets) {
        return core::fail(std::move(packets.error()));
    }
    packets_ = std::move(*packets);
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) {
        return sys::failed("make", "a timer", errno);
    }
    auto looking = loop.add(timer_.get(), EPOLLIN, [this](std::uint32_t) {
        std::uint64_t ticks = 0;
        (void)!::read(timer_.get(), &ticks, sizeof(ticks));
        look();
    });
    if (!looking) {
        return core::fail(std::move(looking.error()));
    }
    looking_ = std::move(*looking);
    fall_asleep();
    return {};
}

// The descriptor is readable as long as there are packets: it is not asked while the ring is looked at anyway.
void Tap::wake_up() {
    ring_->set_sleeping(false);
    (void)packets_.set_events(0);
    looks_->wake_up();
    set_timer();
    look();
}

void Tap::set_timer() {
    if (set_period_ == looks_->period()) {
        return;
    }
    set_period_ = looks_->period();
    const timespec every{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(set_period_).count()};
    const itimerspec timer{.it_interval = every, .it_value = every}; // 0: stops
    (void)::timerfd_settime(timer_.get(), 0, &timer, nullptr);
}

void Tap::look() {
    if (looks_->may_pause(table_->is_urgent()) && table_->pause()) {
        looks_->paused();
        set_timer();
        return;
    }
    const bool more = take();
    looks_->looked(ring_->taken(), more, table_->is_urgent());
    thread_->announce();
    if (looks_->period() == Looks::Period(0)) {
        fall_asleep();
    } else {
        set_timer();
    }
}

// Asking for the descriptor again finds what came in between: it is readable then (wake() in bpf/tap.h).
void Tap::fall_asleep() {
    set_timer();
    ring_->set_sleeping(true);
    (void)packets_.set_events(EPOLLIN);
}

bool Tap::take() {
    looks_->taken();
    const bool more = ring_->take();
    tapped_->charge_lost();
    return more;
}

/// So that who asks is told of what was until then.
void Tap::catch_up() {
    (void)take();
    tapped_->charge_skipped();
}

void Tap::show(const capture::TappedPacket& packet) noexcept { table_->dispatch(packet); }

} // namespace pfild::captures
