// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/judge.h.
#include "daemon/guard/judge.h"

#include <algorithm>

#include "core/frame.h"
#include "core/packet_view.h"

namespace pfild::guard {
namespace {

constexpr std::uint32_t kBufferSize = 16384;
constexpr std::uint32_t kHeadroom = 256;
static_assert(kHeadroom + kLongestPacket <= kBufferSize, "a packet lies in one piece");

using RunOrder = core::Snapshot::RunOrder;

bool only_counts(const core::Hook* hook) {
    const auto lowering = hook->lowering();
    return lowering && lowering->on_match == core::OnMatch::kCount;
}

/// Whether packets of `next` are dropped by what drops them now, or by less of it: where a filter goes, more of them
/// pass.
bool only_goes(RunOrder now, RunOrder next) {
    if (std::equal(now.begin(), now.end(), next.begin(), next.end())) {
        return true;
    }
    std::vector<const core::Hook*> left(next.begin(), next.end());
    std::erase_if(left, &only_counts);
    auto at = left.begin();
    for (const core::Hook* const hook : now) {
        if (at != left.end() && *at == hook) {
            ++at;
        } else if (!hook->lowering()) { // it may have changed packets
            return false;
        }
    }
    return at == left.end();
}

/// Whether a packet could be dropped at those heads by a hook that it does not meet now. nullptr: it meets none now.
bool own_cuts(const core::Snapshot* now, const core::Snapshot& next, std::uint8_t slot) {
    return std::any_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](core::Direction direction) {
        return !only_goes(now == nullptr ? RunOrder() : now->run_order(slot, direction),
                          next.run_order(slot, direction));
    });
}

bool common_cut(const core::Snapshot* now, const core::Snapshot& next) {
    const auto cut = [&](core::Direction direction, core::HeadType type) {
        return !only_goes(now == nullptr ? RunOrder() : now->run_order(type, direction),
                          next.run_order(type, direction));
    };
    return std::any_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](core::Direction direction) {
        return std::any_of(core::kEachHeadType.begin(), core::kEachHeadType.end(),
                           [&](core::HeadType type) { return cut(direction, type); });
    });
}

} // namespace

bool Prospect::asks_others() const {
    const bool all_cut = common_cut(now.get(), *next);
    const auto here = [&](const auto& one) {
        const Place& place = one.second;
        if (!place.next) {
            return false;
        }
        return place.now == place.next ? all_cut || own_cuts(now.get(), *next, *place.next)
                                       : common_cut(nullptr, *next) || own_cuts(nullptr, *next, *place.next);
    };
    return std::any_of(interfaces.begin(), interfaces.end(), here) ||
           std::any_of(awaited.begin(), awaited.end(), [](const Awaited& one) {
               return one.ifindex && (common_cut(nullptr, *one.rules) || own_cuts(nullptr, *one.rules, kAwaitedSlot));
           });
}

Judge::Judge() : memory_(std::size_t{2} * kBufferSize), pool_(memory_, kBufferSize) {}

core::Stopped Judge::stopped(const core::Snapshot& rules, std::optional<std::uint8_t> slot, const Way& way,
                             const Packet& packet) {
    core::Stopped stopped;
    if (slot) {
        core::Frame frame = core::Frame::copy_of(pool_, packet.bytes, kHeadroom);
        core::PacketView view = core::parse(frame);
        const core::Passage passage{.interface_slot = *slot, .direction = packet.direction, .ifindex = way.ifindex};
        (void)core::foresee_heads(rules, passage, frame, view, &stopped);
    }
    return stopped;
}

std::optional<Cut> Judge::cut_at(const Meets& meets, const Watched& watched, const Way& way) {
    const auto& [name, now, next] = meets.place;
    for (const Packet& packet : packets_for(watched, way)) {
        const core::Stopped then = stopped(meets.next, next, way, packet);
        if (then.hook == nullptr || stopped(meets.now, now, way, packet).hook != nullptr) {
            continue;
        }
        return Cut{packet.what, packet.direction, name, then.hook->name(),
                   then.at_interface ? name : std::string(core::name(then.hook->type()))};
    }
    return std::nullopt;
}

std::optional<Cut> Judge::cut(const Prospect& prospect, const Watched& watched, const std::vector<Way>& ways) {
    for (const Way& way : ways) {
        const auto place = prospect.interfaces.find(way.ifindex);
        std::optional<Cut> found;
        if (place != prospect.interfaces.end()) {
            found = cut_at({*prospect.now, *prospect.next, place->second}, watched, way);
        }
        const auto awaited = std::find_if(prospect.awaited.begin(), prospect.awaited.end(),
                                          [&](const Awaited& one) { return one.ifindex == way.ifindex; });
        if (!found && awaited != prospect.awaited.end()) {
            found = cut_at(*awaited, watched, way);
        }
        if (found) {
            return found;
        }
    }
    return std::nullopt;
}

std::optional<Cut> Judge::cut_at(const Awaited& awaited, const Watched& watched, const Way& way) {
    return cut_at({*awaited.rules, *awaited.rules, {awaited.name, std::nullopt, kAwaitedSlot}}, watched, way);
}

} // namespace pfild::guard
