// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/judge.h.
#include "daemon/guard/judge.h"

#include <algorithm>

#include "core/frame.h"
#include "core/packet_view.h"

namespace pfild::guard {
namespace {

constexpr std::uint32_t kBufferSize = 2048;
constexpr std::uint32_t kHeadroom = 256;
static_assert(kHeadroom + kLongestPacket <= kBufferSize, "a packet lies in one piece");

/// Whether a packet could meet a hook there that ever drops one.
bool can_drop(const core::Snapshot& rules, std::uint8_t slot) {
    const auto only_counts = [](const core::Hook* hook) {
        const auto lowering = hook->lowering();
        return lowering && lowering->on_match == core::OnMatch::count;
    };
    const auto harmless = [&](core::Snapshot::RunOrder hooks) {
        return std::all_of(hooks.begin(), hooks.end(), only_counts);
    };
    return !std::all_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](core::Direction direction) {
        return harmless(rules.run_order(slot, direction)) &&
               std::all_of(core::kEachHeadType.begin(), core::kEachHeadType.end(),
                           [&](core::HeadType type) { return harmless(rules.run_order(type, direction)); });
    });
}

} // namespace

bool Prospect::asks_others() const {
    return std::any_of(interfaces.begin(), interfaces.end(), [this](const auto& one) {
        const Place& place = one.second;
        return place.next && (place.now != place.next || now != next) && can_drop(*next, *place.next);
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

std::optional<Cut> Judge::cut(const Prospect& prospect, const Watched& watched, const std::vector<Way>& ways) {
    for (const Way& way : ways) {
        const auto place = prospect.interfaces.find(way.ifindex);
        if (place == prospect.interfaces.end()) {
            continue;
        }
        const auto& [name, now, next] = place->second;
        for (const Packet& packet : packets_for(watched, way)) {
            const core::Stopped then = stopped(*prospect.next, next, way, packet);
            if (then.hook == nullptr || stopped(*prospect.now, now, way, packet).hook != nullptr) {
                continue;
            }
            return Cut{packet.what, packet.direction, name, then.hook->name(),
                       then.at_interface ? name : std::string(core::name(then.hook->type()))};
        }
    }
    return std::nullopt;
}

} // namespace pfild::guard
