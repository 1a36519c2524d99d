// SPDX-License-Identifier: BSD-2-Clause
// See daemon/captures/tapped.h.
#include "daemon/captures/tapped.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "daemon/kernel/programs.h"

namespace pfild::captures {

using core::Direction;

void Tapped::put(const Interface& interface) {
    const auto [place, fresh] =
        interfaces_.try_emplace(interface.ifindex, One{interface.loopback, interface.xdp_head, {}});
    place->second.xdp_head = interface.xdp_head;
    if (!fresh) {
        return;
    }
    for (const Direction direction : core::kEachDirection) {
        const std::uint32_t number = kernel::lane(interface.slot, direction);
        place->second.lanes.at(core::index(direction)) = {
            .number = number, .lost = heads_.lost(number), .skipped = heads_.skipped(number)};
    }
}

void Tapped::remove(std::uint32_t ifindex) {
    want(ifindex, {});
    for (const Direction direction : core::kEachDirection) {
        set_filters(ifindex, direction, {});
    }
    charge_lost();
    interfaces_.erase(ifindex);
}

// A packet on the loopback interface goes out and comes in: it is shown once, going out (BD-60, BD-65).
void Tapped::want(std::uint32_t ifindex, capture::TapWish wish) {
    const auto found = interfaces_.find(ifindex);
    if (found == interfaces_.end()) {
        return;
    }
    for (const Direction direction : core::kEachDirection) {
        const bool shown = wish.directions.has(direction) && !(found->second.loopback && direction == Direction::kIn);
        // A device that wants no byte of them still counts them.
        heads_.want(found->second.lanes.at(core::index(direction)).number, shown ? std::max(wish.length, 1U) : 0);
    }
}

// What heads are not told, devices do by themselves: there is no error that anybody has to hear of. XDP only where a
// head is: the first program in that table says how all others must be loaded, and that must be the head's way.
void Tapped::set_filters(std::uint32_t ifindex, Direction direction, std::span<const cbpf::Program* const> filters) {
    const auto found = interfaces_.find(ifindex);
    if (found == interfaces_.end()) {
        return;
    }
    Lane& lane = found->second.lanes.at(core::index(direction));
    bool filtered = false;
    for (const ebpf::Place place : {ebpf::Place::kTc, ebpf::Place::kXdp}) {
        if (filters.empty() ||
            (place == ebpf::Place::kXdp && (direction == Direction::kOut || !found->second.xdp_head))) {
            heads_.clear_filters(lane.number, place);
        } else if (auto set = heads_.set_filters(lane.number, place, filters); set) {
            filtered = true;
        } else {
            spdlog::debug("captures: {}: {}", ebpf::name(place), set.error().line());
        }
    }
    charge_skipped(); // those of the filters that were there
    heads_.set_filtered(lane.number, filtered);
    lane.filtered = filtered;
}

void Tapped::charge_lost() {
    for (auto& [ifindex, one] : interfaces_) {
        for (const Direction direction : core::kEachDirection) {
            Lane& lane = one.lanes.at(core::index(direction));
            if (const std::uint64_t lost = heads_.lost(lane.number); lost != lane.lost) {
                lost_(ifindex, direction, lost - lane.lost);
                lane.lost = lost;
            }
        }
    }
}

void Tapped::charge_skipped() {
    for (auto& [ifindex, one] : interfaces_) {
        for (const Direction direction : core::kEachDirection) {
            Lane& lane = one.lanes.at(core::index(direction));
            if (lane.filtered) {
                const std::uint64_t skipped = heads_.skipped(lane.number);
                skipped_(ifindex, direction, skipped - lane.skipped);
                lane.skipped = skipped;
            }
        }
    }
}

} // namespace pfild::captures
