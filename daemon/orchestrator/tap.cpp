// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/orchestrator/tap.h"

#include <algorithm>
#include <cerrno>

#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sys/failure.h"

namespace pfild {
namespace {

using core::Direction;

using std::chrono::microseconds;

// Between two looks. The longer one is for when nobody waits for a single packet, and few come.
constexpr microseconds kAtOnce{1}; ///< when requests have been looked at
constexpr microseconds kShortestPeriod{400};
constexpr microseconds kLongestPeriod{1600};
constexpr std::size_t kFew = 64; ///< packets in a look
constexpr std::size_t kMany = 512;
constexpr std::uint32_t kFastest = 4096; ///< bytes of records in a microsecond, that the ring must hold in a period
constexpr unsigned kLooksBeforeSleep = 8;
constexpr unsigned kMostPauses = kLongestPeriod / kShortestPeriod; ///< from one look to the next

// What bpf(4) calls them (pcap-linktype(7)).
constexpr std::uint32_t kEthernet = 1;
constexpr std::uint32_t kRaw = 12;

// More rounds than a detach waits for: others may fill the ring as fast as it is emptied.
constexpr unsigned kMostRounds = 64;

} // namespace

std::optional<std::uint32_t> link_type(const net::Link& link) {
    switch (link.arp_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
        return kEthernet;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
        return kRaw;
    default:
        return std::nullopt;
    }
}

core::Result<std::unique_ptr<Tap>> Tap::start(const kernel::Programs& programs, device::DeviceThreadOptions options) {
    std::unique_ptr<Tap> self(new Tap(programs));
    self->promiscuity_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); // protocol 0: it receives nothing
    if (!self->promiscuity_) {
        return sys::failed("open", "a packet socket", errno);
    }
    auto ring = kernel::TapRing::open(programs, *self);
    if (!ring) {
        return core::fail(std::move(ring.error()));
    }
    self->ring_ = std::move(*ring);
    auto thread = device::DeviceThread::start(std::move(options), *self);
    if (!thread) {
        return core::fail(std::move(thread.error()));
    }
    self->thread_ = std::move(*thread);
    core::Result<void> begun;
    const bool ran = self->thread_->call([&](sys::Loop& loop, capture::DeviceTable& table) {
        self->table_ = &table;
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

void Tap::put(const net::Link& link, std::uint8_t slot, bool xdp_head) {
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        const auto [tapped, fresh] =
            tapped_.try_emplace(link.ifindex, Tapped{.slot = slot, .loopback = link.loopback, .xdp_head = xdp_head});
        tapped->second.xdp_head = xdp_head;
        if (fresh) {
            for (const Direction direction : core::kEachDirection) {
                const std::uint32_t lane = kernel::lane(slot, direction);
                tapped->second.lost[core::index(direction)] = ring_->lost(lane);
                tapped->second.skipped[core::index(direction)] = filters_.skipped(lane);
            }
        }
        table.put_interface({.index = link.ifindex,
                             .name = link.name,
                             .altnames = link.altnames,
                             .data_link = link_type(link).value_or(kRaw),
                             .up = link.up});
    });
}

void Tap::remove(std::uint32_t ifindex) {
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        set_tap(ifindex, {});
        for (const Direction direction : core::kEachDirection) {
            set_filters(ifindex, direction, {});
        }
        for (unsigned round = 0; round < kMostRounds && take(); round++) { // what it has seen until now
        }
        tapped_.erase(ifindex);
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

// ---- what devices want

// A packet on the loopback device goes out and comes in: it is shown once, going out (BD-60, BD-65).
void Tap::set_tap(std::uint32_t ifindex, capture::TapWish wish) {
    const auto tapped = tapped_.find(ifindex);
    if (tapped == tapped_.end()) {
        return;
    }
    for (const Direction direction : core::kEachDirection) {
        const bool shown = wish.directions.has(direction) && !(tapped->second.loopback && direction == Direction::in);
        // A device that wants no byte of them still counts them.
        ring_->want(kernel::lane(tapped->second.slot, direction), shown ? std::max(wish.length, 1U) : 0);
    }
}

// What heads are not told, devices do by themselves: there is no error that anybody has to hear of. XDP only where a
// head is: the first program in that table says how all others must be loaded, and that must be the head's way.
void Tap::set_filters(std::uint32_t ifindex, Direction direction, std::span<const cbpf::Program* const> filters) {
    const auto tapped = tapped_.find(ifindex);
    if (tapped == tapped_.end()) {
        return;
    }
    const std::uint32_t lane = kernel::lane(tapped->second.slot, direction);
    bool filtered = false;
    for (const ebpf::Place place : {ebpf::Place::tc, ebpf::Place::xdp}) {
        if (filters.empty() ||
            (place == ebpf::Place::xdp && (direction == Direction::out || !tapped->second.xdp_head))) {
            filters_.clear(lane, place);
        } else if (auto set = filters_.set(lane, place, filters); set) {
            filtered = true;
        } else {
            spdlog::debug("captures: {}: {}", ebpf::name(place), set.error().line());
        }
    }
    charge_skipped(); // those of the filters that were there
    ring_->set_filtered(lane, filtered);
    tapped->second.filtered[core::index(direction)] = filtered;
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
    empty_looks_ = 0;
    set_timer(kShortestPeriod);
    look();
}

void Tap::set_timer(std::chrono::microseconds period) {
    period_ = period;
    const timespec every{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(period).count()};
    const itimerspec timer{.it_interval = every, .it_value = every}; // 0: stops
    (void)::timerfd_settime(timer_.get(), 0, &timer, nullptr);
}

void Tap::look() {
    if (pauses_ < kMostPauses && !table_->is_urgent() && table_->pause()) {
        ++pauses_;
        set_period(kShortestPeriod);
        return;
    }
    const bool more = take();
    const std::size_t taken = ring_->taken();
    empty_looks_ = taken == 0 ? empty_looks_ + 1 : 0;
    thread_->announce();
    if (empty_looks_ >= kLooksBeforeSleep) {
        fall_asleep();
    } else {
        set_period(more ? kAtOnce : next_period(taken));
    }
}

void Tap::set_period(microseconds period) {
    if (period != period_) {
        set_timer(period);
    }
}

microseconds Tap::next_period(std::size_t taken) const {
    const microseconds longest = std::clamp(microseconds(ring_->bytes() / kFastest), kShortestPeriod, kLongestPeriod);
    if (table_->is_urgent() || taken > kMany) {
        return kShortestPeriod;
    }
    return std::max(taken < kFew ? std::min(2 * period_, longest) : period_, kShortestPeriod);
}

// Asking for the descriptor again finds what came in between: it is readable then (wake() in bpf/tap.h).
void Tap::fall_asleep() {
    set_timer(microseconds(0));
    ring_->set_sleeping(true);
    (void)packets_.set_events(EPOLLIN);
}

bool Tap::take() {
    pauses_ = 0;
    const bool more = ring_->take();
    charge_lost();
    return more;
}

/// So that who asks is told of what was until then.
void Tap::catch_up() {
    (void)take();
    charge_skipped();
}

void Tap::charge_skipped() {
    for (auto& [ifindex, tapped] : tapped_) {
        for (const Direction direction : core::kEachDirection) {
            if (!tapped.filtered[core::index(direction)]) {
                continue;
            }
            const std::uint32_t lane = kernel::lane(tapped.slot, direction);
            std::uint64_t& charged = tapped.skipped[core::index(direction)];
            const std::uint64_t skipped = filters_.skipped(lane);
            table_->charge_filtered(ifindex, direction, skipped - charged);
            charged = skipped;
        }
    }
}

void Tap::charge_lost() {
    for (auto& [ifindex, tapped] : tapped_) {
        for (const Direction direction : core::kEachDirection) {
            std::uint64_t& charged = tapped.lost[core::index(direction)];
            const std::uint64_t lost = ring_->lost(kernel::lane(tapped.slot, direction));
            if (lost != charged) {
                table_->charge_lost(ifindex, direction, lost - charged);
                charged = lost;
            }
        }
    }
}

void Tap::show(const capture::TappedPacket& packet) noexcept { table_->dispatch(packet); }

} // namespace pfild
