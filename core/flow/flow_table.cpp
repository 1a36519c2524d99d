// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_table.h"

#include <algorithm>
#include <cassert>

#include "core/flow/flow_entry.h"

namespace pfild::core {
namespace {

// A head looks at a place for some microseconds. After this long none of before should.
constexpr std::uint64_t kQuarantineNs = 20'000'000;

constexpr std::uint64_t kSweepStepNs = 10'000'000;

constexpr std::size_t kMostAtOnce =
    8192; ///< entries that are looked at between two rounds, some tenths of a millisecond

// A head may have seen a packet a moment after `now_ns`.
bool is_past(std::uint64_t then_ns, std::uint64_t longer_ns, std::uint64_t now_ns) {
    return static_cast<std::int64_t>(now_ns - then_ns) > static_cast<std::int64_t>(longer_ns);
}

constexpr std::uint8_t kTcp = 6;

} // namespace

std::uint64_t FlowTimeouts::of(const FlowKey& key) const { return key.protocol == kTcp ? tcp_ns : other_ns; }

FlowTable::FlowTable(const FlowMemory& memory, FlowTimeouts timeouts, std::uint64_t seed)
    : entries_(memory.entries), index_(memory, seed), timeouts_(timeouts),
      incarnation_(static_cast<std::uint32_t>(seed % PFILD_LABEL_INCARNATION_MAX)), free_(entries_.size()) {
    const std::vector<bool> found = index_.adopt();
    for (std::uint32_t place = 0; place < entries_.size(); place++) {
        if (found[place]) {
            add(FlowCounter::kInUse, 1);
        } else {
            write_key(entries_[place], FlowKey{});
            free(place, 0);
        }
    }
}

void FlowTable::add(FlowCounter which, std::uint64_t count) noexcept {
    auto& counter = counters_[static_cast<std::size_t>(which)];
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

// ---- packets

void FlowTable::note(const DecidedPacket& packet) noexcept {
    pfild_flow* flow = find(packet.key);
    if (flow == nullptr) {
        flow = packet.lasts ? create(packet.key, packet.now_ns) : nullptr;
        if (flow == nullptr) {
            return;
        }
    }
    if (is_past(last_seen(*flow), flow->idle_ns, packet.now_ns)) {
        // Heads ask about it since it was idle: the answer that stands is used when what they ask about has come back.
        write(flow->published_ns[0], __u64{packet.now_ns});
        write(flow->published_ns[1], __u64{packet.now_ns});
    }
    write(flow->engine_ns, __u64{packet.now_ns});
    const std::size_t which = index(packet.direction);
    const bool counted = packet.incarnation == flow->incarnation; // by the head, for this entry
    if (counted) {
        write(flow->idle_ns, __u64{timeouts_.of(packet.key)});
    }
    if (packet.passed != counted) {
        // It will settle though it was not diverted from here, or will not though it was.
        write(flow->credit[which], flow->credit[which] + (packet.passed ? 1ULL : ~0ULL));
    }
    // A packet that was not counted may have others behind it that are not either: only when a counted one comes are
    // all of those through. What is dropped cannot be overtaken.
    if (!packet.lasts || (packet.passed && !counted && !packet.alone)) {
        return;
    }
    const pfild_flow_answer answer = packet.passed ? PFILD_FLOW_PASS : PFILD_FLOW_DROP;
    std::atomic_ref decision(flow->decision);
    __u64 old = decision.load(std::memory_order_acquire);
    if (PFILD_FLOW_ANSWER(old, which) == answer && PFILD_FLOW_GENERATION(old) == packet.generation) {
        return;
    }
    write(flow->published_ns[which], __u64{packet.now_ns});
    while (!decision.compare_exchange_weak(old, with_answer(old, packet.direction, answer, packet.generation),
                                           std::memory_order_acq_rel)) {
    }
}

pfild_flow* FlowTable::create(const FlowKey& key, std::uint64_t now_ns) noexcept {
    if (free_count_ == 0 ||
        (free_[first_free_].freed_ns != 0 && now_ns - free_[first_free_].freed_ns < kQuarantineNs)) {
        add(FlowCounter::kRefused, 1);
        return nullptr;
    }
    const std::uint32_t place = free_[first_free_].place;
    pfild_flow& flow = entries_[place];
    incarnation_ = incarnation_ % PFILD_LABEL_INCARNATION_MAX + 1;
    write(flow.decision, __u64{0});
    write(flow.incarnation, incarnation_);
    for (std::size_t i = 0; i < kDirections; i++) {
        write(flow.credit[i], __u64{0});
        write(flow.published_ns[i], __u64{0});
        for (__u64* word : {&flow.lane[i].packets, &flow.lane[i].bytes, &flow.lane[i].last_seen_ns,
                            &flow.lane[i].diverted, &flow.lane[i].settled}) {
            write(*word, __u64{0});
        }
    }
    write(flow.idle_ns, __u64{std::min(timeouts_.of(key), kUntriedNs)});
    write(flow.engine_ns, __u64{now_ns});
    write(flow.created_ns, __u64{now_ns});
    write_key(flow, key);
    if (!index_.insert(key, place)) {
        write_key(flow, FlowKey{});
        add(FlowCounter::kRefused, 1);
        return nullptr;
    }
    first_free_ = (first_free_ + 1) % free_.size();
    free_count_--;
    add(FlowCounter::kCreated, 1);
    add(FlowCounter::kInUse, 1);
    return &flow;
}

// ---- removal

void FlowTable::free(std::uint32_t place, std::uint64_t now_ns) noexcept {
    free_[(first_free_ + free_count_) % free_.size()] = {place, now_ns};
    free_count_++;
}

void FlowTable::remove(std::uint32_t place, std::uint64_t now_ns, FlowCounter why) noexcept {
    pfild_flow& flow = entries_[place];
    const FlowKey key = read_key(flow);
    write(flow.decision, __u64{0});
    index_.erase(key);
    write_key(flow, FlowKey{});
    free(place, now_ns);
    add(why, 1);
    add(FlowCounter::kInUse, ~0ULL);
}

bool FlowTable::age(std::uint64_t now_ns) noexcept {
    if (counter(FlowCounter::kInUse) == 0 || now_ns - aged_ns_ > kSweepNs) {
        aged_ns_ = std::max(aged_ns_, now_ns - std::min(now_ns, kSweepNs));
    }
    if (counter(FlowCounter::kInUse) == 0 || now_ns - aged_ns_ < kSweepStepNs) {
        return false;
    }
    // As many steps as are due, but not so many that packets wait for them.
    const std::size_t a_step = entries_.size() / (kSweepNs / kSweepStepNs) + 1;
    const std::uint64_t steps =
        std::min<std::uint64_t>((now_ns - aged_ns_) / kSweepStepNs, std::max<std::size_t>(kMostAtOnce / a_step, 1));
    aged_ns_ += steps * kSweepStepNs;
    for (std::size_t i = 0; i < std::min<std::size_t>(steps * a_step, entries_.size()); i++) {
        const auto place = static_cast<std::uint32_t>(next_to_age_);
        next_to_age_ = next_to_age_ + 1 == entries_.size() ? 0 : next_to_age_ + 1;
        pfild_flow& flow = entries_[place];
        if (read(flow.lane[0].packets) != 0 || read(flow.lane[1].packets) != 0) {
            write(flow.idle_ns, __u64{timeouts_.of(flow.key)});
        }
        if (flow.key.family != 0 && is_past(last_seen(flow), flow.idle_ns, now_ns)) {
            remove(place, now_ns, FlowCounter::kExpired);
        }
    }
    return now_ns - aged_ns_ >= kSweepStepNs;
}

std::size_t FlowTable::remove_if(const std::function<bool(const FlowKey&)>& unwanted, std::uint64_t now_ns,
                                 SlotRange range) {
    std::size_t removed = 0;
    for (std::size_t i = range.from; i < std::min(range.to, entries_.size()); i++) {
        const auto place = static_cast<std::uint32_t>(i);
        const FlowKey key = read_key(entries_[place]);
        if (in_use(key) && unwanted(key)) {
            remove(place, now_ns, FlowCounter::kRemoved);
            removed++;
        }
    }
    return removed;
}

pfild_flow* FlowTable::find(const FlowKey& key) noexcept {
    const auto place = index_.find(key);
    return place ? &entries_[*place] : nullptr;
}

} // namespace pfild::core
