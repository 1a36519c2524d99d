// SPDX-License-Identifier: BSD-2-Clause
//
// The story of a packet, from the head that diverted it to the way back:
//
//        wire                                        stack
//          |  IN head: label, redirect to q1           |  OUT head: label, redirect to p1
//          |  (XDP: to the interface's own socket)     |
//          v                                           v
//     q: receive (or the interface's queues)      p: receive
//          \                                          /
//           take the label -> parse -> odd? it ends -> run the heads -> pass? the other port takes it down : it ends
//           here
//                                          '-> does the answer last? the flow table: the next packet stays below
//          /                                          \.
//     p: transmit -> p1 -> into the stack         q: transmit -> q1 -> qdisc -> wire
//
// Life of a frame: receive() makes the engine its holder; a hook that stops it has disposed of it; transmit() hands it
// to a socket; whatever is still here at the end of carry() is destroyed, which gives its buffers back. So every path
// ends with an empty batch, and BufferCounts balances.
//
// Rules: one snapshot serves a whole round, taken at a moment when the engine holds none (a quiescent point), so a
// change is seen by a packet entirely or not at all, and a hook that was unlinked never runs once unlink has returned.
//
#include "core/engine.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/checksum.h"
#include "core/label.h"
#include "core/packet_view.h"
#include "pfild/upkeep.h"

namespace pfild::core {
namespace {

// One writer: a load and a store, no locked instruction.
void add_to(Engine::Counters& counters, EngineCounter which, std::uint64_t count) {
    std::atomic<std::uint64_t>& counter = counters[static_cast<std::size_t>(which)];
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

// Whether any hook would be asked about a packet of that family.
bool is_asked(const Snapshot& rules, const Passage& passage, Family family) {
    const HeadType network = family == Family::kInet ? HeadType::kInet : HeadType::kInet6;
    return !rules.run_order(passage.interface_slot, passage.direction).empty() ||
           !rules.run_order(HeadType::kEthernet, passage.direction).empty() ||
           (family != Family::kOther && !rules.run_order(network, passage.direction).empty());
}

// It passes at a head, unless more tags are in front of it than that looks behind.
bool is_listener_discovery(const Frame& frame, const PacketView& view) {
    constexpr std::size_t kBehind = 9;
    std::array<std::uint8_t, PFILD_INET6_HEADER + kBehind> look; // filled by copy_out
    return view.read.next_header == PFILD_HOP_BY_HOP && frame.copy_out(view.network_offset, look) &&
           pfild_listener_kind(look.data(), &look[PFILD_INET6_HEADER]) != PFILD_NO_UPKEEP;
}

} // namespace

void Engine::add(EngineInterface interface) {
    assert(interface.slot < interfaces_.size() && !interfaces_[interface.slot]);
    for (Counters& counters : counters_[interface.slot]) {
        for (auto& counter : counters) {
            counter.store(0, std::memory_order_relaxed);
        }
    }
    interfaces_[interface.slot] = std::move(interface);
}

void Engine::set_queues(std::uint8_t slot, std::vector<FramePort*> queues, bool complete_checksums) {
    if (auto& interface = interfaces_[slot]) {
        interface->queues = std::move(queues);
        interface->complete_checksums = complete_checksums;
    }
}

void Engine::remove(std::uint8_t slot) {
    interfaces_[slot].reset();
    suspects_[slot] = {};
}

void Engine::suspect(std::uint8_t slot, Direction direction, bool circling) {
    std::unique_ptr<Circling>& suspect = suspects_[slot][index(direction)];
    if (!circling) {
        suspect.reset();
    } else if (!suspect) {
        suspect = std::make_unique<Circling>();
    }
}

std::size_t Engine::round(std::uint64_t now_ns) noexcept {
    now_ns_ = now_ns;
    const Snapshot& rules = rules_.quiescent();
    if (heart_ != nullptr) {
        heart_->beat();
        if (heart_->overslept()) {
            heart_->forget_overslept();
            drop_stale();
        }
    }
    std::size_t packets = 0;
    for (const auto& interface : interfaces_) {
        if (interface) {
            FramePort& p = *interface->p;
            FramePort& q = *interface->q;
            packets += carry(rules, *interface, {.up = q, .down = p, .direction = Direction::kIn});
            for (FramePort* queue : interface->queues) {
                packets += carry(rules, *interface,
                                 {.up = *queue,
                                  .down = p,
                                  .direction = Direction::kIn,
                                  .complete_checksums = interface->complete_checksums});
            }
            packets += carry(rules, *interface, {.up = p, .down = q, .direction = Direction::kOut});
        }
    }
    return packets;
}

void Engine::drop_stale() noexcept {
    for (const auto& interface : interfaces_) {
        if (interface) {
            auto& counters = counters_[interface->slot];
            drop_stale(*interface->q, counters[index(Direction::kIn)]);
            for (FramePort* queue : interface->queues) {
                drop_stale(*queue, counters[index(Direction::kIn)]);
            }
            drop_stale(*interface->p, counters[index(Direction::kOut)]);
        }
    }
}

// What lay there is at most a ring full; more comes while heads still divert.
void Engine::drop_stale(FramePort& up, Counters& counters) noexcept {
    constexpr std::size_t kLongestRing = 16384;
    std::size_t received = kBatch;
    for (std::size_t dropped = 0; dropped < kLongestRing && received == kBatch; dropped += received) {
        received = up.receive(batch_);
        std::for_each(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(received),
                      [](Frame& frame) { frame.reset(); });
        add_to(counters, EngineCounter::kReceived, received);
        add_to(counters, EngineCounter::kDroppedStale, received);
        up.after_batch();
    }
}

// By its extension headers or as a fragment, whatever hooks would say.
std::optional<EngineCounter> Engine::odd_end(const Frame& frame, const PacketView& view) const noexcept {
    const pfild_packet& read = view.read;
    if (read.oddity == PFILD_ODD_EXTENSIONS) {
        return EngineCounter::kDroppedExtension;
    }
    if (read.extensions != 0 && odd_.extension_headers == ExtensionHeaders::kDrop &&
        !is_listener_discovery(frame, view)) {
        return EngineCounter::kDroppedExtension;
    }
    const bool fragment = read.fragment != 0 || read.more != 0;
    if (read.oddity == PFILD_ODD_FRAGMENT || (fragment && odd_.fragments == Fragments::kDrop)) {
        return EngineCounter::kDroppedFragment;
    }
    return std::nullopt;
}

// The key is of the packet as it came: a hook may change it.
std::optional<EngineCounter> Engine::decide(const Snapshot& rules, const Passage& passage, Frame& frame,
                                            std::uint16_t incarnation) noexcept {
    PacketView view = parse(frame);
    const std::optional<EngineCounter> odd = odd_end(frame, view);
    if (odd && is_asked(rules, passage, view.family)) [[unlikely]] {
        return odd;
    }
    const bool alone = opens_connection(view);
    std::optional<FlowKey> key;
    if (flows_ != nullptr) {
        key = read_flow_key(frame, passage.ifindex, passage.direction);
    }
    const Verdict verdict = run_heads(rules, passage, frame, view);
    if (key) {
        flows_->note({.key = *key,
                      .direction = passage.direction,
                      .incarnation = incarnation,
                      .passed = !verdict.stops(),
                      .alone = alone,
                      .lasts = verdict.lasts,
                      .generation = rules.generation(),
                      .now_ns = now_ns_});
    }
    switch (verdict.action) {
    case Action::kDropped:
        return EngineCounter::kDropped;
    case Action::kConsumed:
        return EngineCounter::kConsumed;
    default:
        return std::nullopt;
    }
}

std::size_t Engine::carry(const Snapshot& rules, const EngineInterface& interface, const Lane& lane) noexcept {
    Counters& counters = counters_[interface.slot][index(lane.direction)];
    Circling* const suspect = suspects_[interface.slot][index(lane.direction)].get();

    const std::size_t received = lane.up.receive(batch_);
    std::size_t passed = 0; // frames that pass move to the front of the batch
    for (std::size_t i = 0; i < received; i++) {
        Frame frame = std::move(batch_[i]);
        const std::optional<Label> label = take_label(frame);
        if (!label) {
            add_to(counters, EngineCounter::kDroppedLabel, 1);
            continue;
        }
        add_to(counters, EngineCounter::kReceivedBytes, frame.length());
        const Passage passage{.interface_slot = interface.slot,
                              .direction = lane.direction,
                              .forwarded = label->forwarded,
                              .ifindex = interface.ifindex};
        if (const auto end = decide(rules, passage, frame, label->incarnation)) {
            add_to(counters, *end, 1);
            continue;
        }
        if (lane.complete_checksums && complete_checksum(frame)) {
            add_to(counters, EngineCounter::kChecksumsCompleted, 1);
        }
        if (suspect != nullptr && suspect->ends(frame, now_ns_)) {
            add_to(counters, EngineCounter::kDroppedCircling, 1);
            continue;
        }
        batch_[passed++] = std::move(frame);
    }

    if (heart_ != nullptr && received != 0) {
        heart_->beat();
        if (heart_->overslept()) [[unlikely]] {
            add_to(counters, EngineCounter::kDroppedStale, passed);
            std::for_each(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(passed),
                          [](Frame& frame) { frame.reset(); });
            passed = 0;
        }
    }
    const std::size_t sent = lane.down.transmit(std::span(batch_).first(passed));
    std::for_each(batch_.begin() + static_cast<std::ptrdiff_t>(sent),
                  batch_.begin() + static_cast<std::ptrdiff_t>(passed), [](Frame& frame) { frame.reset(); });
    add_to(counters, EngineCounter::kReceived, received);
    add_to(counters, EngineCounter::kPassed, sent);
    add_to(counters, EngineCounter::kDroppedBacklog, passed - sent);
    lane.up.after_batch();
    lane.down.after_batch();
    return received;
}

} // namespace pfild::core
