// SPDX-License-Identifier: BSD-2-Clause
// A load matters in two ways. It fails if its last byte was not captured: so all that is loaded on the way to a result
// other than 0 must be there. And bits of what it brings in are demanded, or are not: a load of which none is demanded
// names no bytes, but still counts for the length.
#include "cbpf/analysis/dependence.h"

#include <algorithm>
#include <bit>
#include <span>

#include "cbpf/analysis/demand.h"
#include "cbpf/analysis/values.h"
#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint64_t kLastByte = Packet::kOffsetLimit - 1;

/// The offset behind the last byte that the load may take. An offset beyond all packets fails whatever is there.
std::uint32_t reach_of(Offsets at, std::uint32_t size) {
    return at.high + size > Packet::kOffsetLimit ? kWholePacket : static_cast<std::uint32_t>(at.high + size);
}

/// The bytes that the demanded bits lie in. => some bit is demanded.
Reading reading_of(std::size_t instruction, Offsets at, std::uint32_t size, std::uint32_t demanded) {
    const auto lowest = static_cast<std::uint32_t>(std::countr_zero(demanded)) / 8;      // counted from the last byte
    const auto highest = 3 - static_cast<std::uint32_t>(std::countl_zero(demanded)) / 8; // likewise
    const std::uint64_t first = std::min(at.low + size - 1 - highest, kLastByte);
    const std::uint64_t last = std::min(at.high + size - 1 - lowest, kLastByte);
    return {instruction,
            {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)},
            at.low != at.high,
            demanded};
}

/// Sorted, and those that overlap or touch made one.
std::vector<ByteRange> merged(std::span<const Reading> readings) {
    std::vector<ByteRange> sorted;
    std::transform(readings.begin(), readings.end(), std::back_inserter(sorted),
                   [](const Reading& reading) { return reading.bytes; });
    std::sort(sorted.begin(), sorted.end(), [](ByteRange a, ByteRange b) { return a.first < b.first; });
    std::vector<ByteRange> disjoint;
    for (const ByteRange range : sorted) {
        if (!disjoint.empty() && range.first <= std::uint64_t{disjoint.back().last} + 1) {
            disjoint.back().last = std::max(disjoint.back().last, range.last);
        } else {
            disjoint.push_back(range);
        }
    }
    return disjoint;
}

} // namespace

Dependence dependence_of(const Program& program) {
    const std::span<const Step> steps = program.steps();
    const std::vector<ValuesBefore> values = values_of(program);
    const std::vector<Demand> demands = demand_of(program, values);
    Dependence dependence;
    for (std::size_t at = 0; at < steps.size(); ++at) {
        const Step& step = steps[at];
        const Demand& demand = demands[at];
        if (!values[at].values) {
            continue;
        }
        if (step.opcode == Opcode::kRetK || step.opcode == Opcode::kRetA) {
            const std::uint32_t most = step.opcode == Opcode::kRetK ? step.k : values[at].values->a.interval.high;
            dependence.to_keep = std::max(dependence.to_keep, most);
        }
        const std::uint32_t size = load_size_of(step.opcode);
        if (demand.fruitless || (size == 0 && demand.loaded == 0)) {
            continue;
        }
        if (size == 0) {
            dependence.wire_length = true;
            continue;
        }
        const Offsets offsets = offsets_of(step, *values[at].values);
        dependence.to_judge = std::max(dependence.to_judge, reach_of(offsets, size));
        const std::uint32_t loadable = ~std::uint32_t{0} >> (32 - 8 * size);
        if (const std::uint32_t demanded = demand.loaded & loadable; demanded != 0) {
            dependence.readings.push_back(reading_of(at, offsets, size, demanded));
        }
    }
    dependence.bytes = merged(dependence.readings);
    return dependence;
}

} // namespace pfild::cbpf
