// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_rules.h"

#include <atomic>

#include "core/flow/flow_entry.h"
#include "core/packet_view.h"
#include "core/pfil/run_heads.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kBufferSize = 2048;
constexpr std::uint32_t kBuffers = 2;

bool older(std::uint32_t generation, std::uint32_t than) { return static_cast<std::int32_t>(generation - than) < 0; }

} // namespace

FlowRules::FlowRules(SnapshotPublisher& engine)
    : engine_(engine), memory_(std::size_t{kBuffers} * kBufferSize), pool_(memory_, kBufferSize) {}

void FlowRules::use(std::span<pfild_flow> entries, pfild_flow_state& state) {
    entries_ = entries;
    state_ = &state;
}

void FlowRules::publish(std::shared_ptr<const Snapshot> snapshot) {
    engine_.publish(snapshot);
    for (pfild_flow& flow : entries_) {
        decide_anew(*snapshot, flow);
    }
    if (state_ != nullptr) {
        write(state_->generation, __u32{snapshot->generation()});
    }
}

void FlowRules::decide_anew(const Snapshot& snapshot, pfild_flow& flow) {
    std::uint64_t old = read(flow.decision);
    if (old == 0 || !older(PFILD_FLOW_GENERATION(old), snapshot.generation())) {
        return;
    }
    const FlowKey key = read_key(flow);
    std::array<std::uint64_t, kDirections> answers{};
    for (const Direction direction : kEachDirection) {
        const std::uint8_t before = PFILD_FLOW_ANSWER(old, index(direction));
        const pfild_flow_answer now = before == PFILD_FLOW_ASK ? PFILD_FLOW_ASK : answer(snapshot, key, direction);
        // A pass is the engine's to publish, once a packet has shown that none is on its way (flow_table.cpp).
        answers[index(direction)] = now == PFILD_FLOW_PASS && before != PFILD_FLOW_PASS ? PFILD_FLOW_ASK : now;
    }
    __u64 expected = old;
    std::atomic_ref(flow.decision)
        .compare_exchange_strong(expected, PFILD_FLOW_DECISION(snapshot.generation(), answers[0], answers[1]),
                                 std::memory_order_acq_rel);
}

pfild_flow_answer FlowRules::answer(const Snapshot& snapshot, const FlowKey& key, Direction direction) {
    const auto slot = interface_slots_.find(key.ifindex);
    if (!in_use(key) || slot == interface_slots_.end()) {
        return PFILD_FLOW_ASK;
    }
    Frame frame = Frame::copy_of(pool_, representative(key, direction));
    PacketView view = parse(frame);
    const Passage passage{.interface_slot = slot->second, .direction = direction, .ifindex = key.ifindex};
    const Verdict verdict = foresee_heads(snapshot, passage, frame, view);
    if (!verdict.lasts) {
        return PFILD_FLOW_ASK;
    }
    return verdict.stops() ? PFILD_FLOW_DROP : PFILD_FLOW_PASS;
}

} // namespace pfild::core
