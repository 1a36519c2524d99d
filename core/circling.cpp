// SPDX-License-Identifier: BSD-2-Clause
#include "core/circling.h"

#include <algorithm>
#include <cstring>

namespace pfild::core {
namespace {

// Headers, with IPv4's identification and all checksums, and some of the payload.
constexpr std::size_t kLooked = 128;
constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;

std::uint64_t fingerprint_of(const Frame& frame) {
    const std::span<const std::uint8_t> head = frame.head();
    const std::size_t size = std::min(head.size(), kLooked);
    std::uint64_t print = frame.length();
    for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, head.data() + at, std::min(sizeof(word), size - at));
        print = (print ^ word) * kMultiplier;
        print ^= print >> 32U;
    }
    return print;
}

} // namespace

bool Circling::ends(const Frame& frame, std::uint64_t now_ns) noexcept {
    const std::uint64_t fingerprint = fingerprint_of(frame);
    Place& place = places_[fingerprint % kPlaces];
    if (place.turns == 0 || now_ns - place.since_ns > kWindowNs) {
        place = {.fingerprint = fingerprint, .since_ns = now_ns, .turns = 1};
        return false;
    }
    if (place.fingerprint != fingerprint || ++place.turns <= kMostTurns) {
        return false;
    }
    place.turns = 0;
    return true;
}

} // namespace pfild::core
