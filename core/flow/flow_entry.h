// SPDX-License-Identifier: BSD-2-Clause
// Reading and writing an entry of the flow table, which the kernel, the engine and the control thread share: word by
// word, each at once. A reader that is not the engine may see an entry that is being given to another flow: it checks
// the key again, or changes the decision only if it is still the one it saw (see flow_rules.h).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "core/direction.h"
#include "core/flow/flow_key.h"
#include "pfild/flow.h"

namespace pfild::core {

template <typename Word>
[[nodiscard]] Word read(Word& word) noexcept {
    return std::atomic_ref(word).load(std::memory_order_acquire);
}

template <typename Word>
void write(Word& word, Word value) noexcept {
    std::atomic_ref(word).store(value, std::memory_order_release);
}

namespace detail {
inline constexpr std::size_t kKeyWords = sizeof(FlowKey) / sizeof(std::uint32_t);
using KeyWords = std::array<std::uint32_t, kKeyWords>;
} // namespace detail

[[nodiscard]] inline FlowKey read_key(pfild_flow& flow) noexcept {
    auto* shared = reinterpret_cast<std::uint32_t*>(&flow.key);
    detail::KeyWords words;
    for (std::size_t i = 0; i < words.size(); i++) {
        words[i] = std::atomic_ref(shared[i]).load(std::memory_order_relaxed);
    }
    FlowKey key;
    std::memcpy(&key, words.data(), sizeof(key));
    return key;
}

inline void write_key(pfild_flow& flow, const FlowKey& key) noexcept {
    auto* shared = reinterpret_cast<std::uint32_t*>(&flow.key);
    detail::KeyWords words;
    std::memcpy(words.data(), &key, sizeof(key));
    for (std::size_t i = 0; i < words.size(); i++) {
        std::atomic_ref(shared[i]).store(words[i], std::memory_order_relaxed);
    }
}

/// No flow is in an entry whose key has no family.
[[nodiscard]] inline bool in_use(const FlowKey& key) noexcept { return key.family != 0; }

/// A decision with a new answer for one direction. The other direction's stays if the same rules gave it; what older
/// ones said must not pass for newer.
[[nodiscard]] inline std::uint64_t with_answer(std::uint64_t decision, Direction direction, pfild_flow_answer answer,
                                               std::uint32_t generation) noexcept {
    const bool same_rules = PFILD_FLOW_GENERATION(decision) == generation;
    std::array<std::uint64_t, kDirections> answers{};
    for (std::size_t which = 0; which < kDirections; which++) {
        if (same_rules) {
            answers[which] = PFILD_FLOW_ANSWER(decision, which);
        }
    }
    answers[index(direction)] = answer;
    return PFILD_FLOW_DECISION(generation, answers[0], answers[1]);
}

/// When a packet of the flow was last seen, by whoever (nanoseconds of CLOCK_MONOTONIC_COARSE).
[[nodiscard]] inline std::uint64_t last_seen(pfild_flow& flow) noexcept {
    std::uint64_t latest = read(flow.engine_ns);
    for (pfild_flow_lane& lane : flow.lane) {
        latest = std::max(latest, std::uint64_t{read(lane.last_seen_ns)});
    }
    return latest;
}

} // namespace pfild::core
