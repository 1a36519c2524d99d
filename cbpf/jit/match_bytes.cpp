// SPDX-License-Identifier: BSD-2-Clause
// Comparisons of what a packet says with constants, without turning its bytes around.
//
//     ld [26]; and #0xffffff00; jeq #0xc0000200      (bytes 26 to 29 & ff ff ff 00) == c0 00 02 00
//     ldb [23]; jeq #6;  ldh [20]; jset #0x1fff      (bytes 20 to 23 & 1f ff 00 ff) == 00 00 00 06
//
// The first line is match_bytes(), one walk forward that knows where A is what some bytes say; the second is
// join_matches(), one walk back. Bytes are kept as little-endian numbers, as the processor loads them.
#include <algorithm>
#include <bit>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

/// A is the big-endian number at a place, with some bits cleared.
struct Origin {
    Place place;
    std::uint32_t mask; ///< bits of the number that are not cleared
    bool operator==(const Origin&) const = default;
};

struct OriginAtHead {
    bool seen = false; ///< some way leads here
    std::optional<Origin> origin;
};

std::uint32_t all_ones(std::uint8_t size) { return ~0U >> (32U - 8U * size); }

/// A big-endian number of `size` bytes as a little-endian one.
std::uint32_t swapped(std::uint32_t number, std::uint8_t size) {
    std::uint32_t result = 0;
    for (std::uint8_t byte = 0; byte < size; ++byte) {
        result = result << 8U | (number >> (8U * byte) & 0xffU);
    }
    return result;
}

/// What A comes from after an operation. Sets `redundant` if A holds what the operation assigns.
std::optional<Origin> follow(const std::optional<Origin>& origin, const Op& op, bool& redundant) {
    if (const auto* read = std::get_if<Read>(&op)) {
        const Origin read_origin{read->place, all_ones(read->place.size)};
        redundant = origin == read_origin;
        return read_origin;
    }
    if (const auto* calculate = std::get_if<Calculate>(&op); origin && calculate != nullptr) {
        if (calculate->operation == Operation::kAnd && calculate->operand) {
            return Origin{origin->place, origin->mask & *calculate->operand};
        }
    }
    const std::optional<Variable> changed = assigned(op);
    const bool moves_base = changed == Variable::kX && origin && origin->place.base == Base::kX;
    return changed == Variable::kA || moves_base ? std::nullopt : origin;
}

/// The branch on bytes instead of A, if it can be one.
std::optional<Branch> on_bytes(const Branch& branch, const Origin& origin) {
    const auto* test = std::get_if<Compare>(&branch.test);
    if (test == nullptr || !test->operand) {
        return std::nullopt;
    }
    const std::uint8_t size = origin.place.size;
    const std::uint32_t constant = *test->operand;
    if (test->relation == Relation::kEqual && (constant & ~origin.mask) == 0 && origin.mask != 0) {
        const Match match{origin.place, swapped(origin.mask, size), swapped(constant, size)};
        return Branch{match, branch.yes, branch.no};
    }
    if (test->relation == Relation::kCommonBit && (constant & origin.mask) != 0) {
        const Match none_set{origin.place, swapped(constant & origin.mask, size), 0};
        return Branch{none_set, branch.no, branch.yes};
    }
    return std::nullopt;
}

/// Both matches as one, of bytes from the same base of which `proven` are there; nothing if that cannot be.
std::optional<Match> joined(const Match& first, const Match& second, std::uint32_t proven) {
    if (first.place.base != second.place.base) {
        return std::nullopt;
    }
    std::uint32_t start = std::min(first.place.offset, second.place.offset);
    const std::uint32_t end = std::max(first.place.end(), second.place.end());
    const std::uint32_t size = std::bit_ceil(end - start);
    if (size > sizeof(std::uint64_t)) {
        return std::nullopt;
    }
    if (start + size > proven) { // what is too much lies in front then
        if (end < size) {
            return std::nullopt;
        }
        start = end - size;
    }
    const std::uint32_t first_shift = 8 * (first.place.offset - start);
    const std::uint32_t second_shift = 8 * (second.place.offset - start);
    const std::uint64_t both = first.mask << first_shift & second.mask << second_shift;
    if (((first.value << first_shift ^ second.value << second_shift) & both) != 0) {
        return std::nullopt; // they contradict each other
    }
    return Match{{first.place.base, static_cast<std::uint8_t>(size), start},
                 first.mask << first_shift | second.mask << second_shift,
                 first.value << first_shift | second.value << second_shift};
}

} // namespace

void match_bytes(Graph& graph) {
    std::vector<OriginAtHead> arrivals(graph.blocks.size());
    for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
        Block& block = graph.blocks[index];
        std::optional<Origin> origin = arrivals[index].origin;
        std::erase_if(block.ops, [&](const Op& op) {
            bool redundant = false;
            origin = follow(origin, op, redundant);
            return redundant;
        });
        if (const auto* branch = std::get_if<Branch>(&block.end); branch != nullptr && origin) {
            if (const std::optional<Branch> better = on_bytes(*branch, *origin)) {
                block.end = *better;
            }
        }
        for_each_successor(block, [&](BlockIndex next) {
            if (!arrivals[next].seen) {
                arrivals[next] = {true, origin};
            } else if (arrivals[next].origin != origin) {
                arrivals[next].origin.reset();
            }
        });
    }
}

void join_matches(Graph& graph) {
    for (std::size_t index = graph.blocks.size(); index-- > 0;) {
        Block& block = graph.blocks[index];
        auto* branch = std::get_if<Branch>(&block.end);
        if (branch == nullptr) {
            continue;
        }
        const Block& next = graph.blocks[branch->yes];
        const auto* then = std::get_if<Branch>(&next.end);
        if (then == nullptr || !next.ops.empty() || then->no != branch->no) {
            continue;
        }
        const auto* first = std::get_if<Match>(&branch->test);
        const auto* second = std::get_if<Match>(&then->test);
        if (first == nullptr || second == nullptr) {
            continue;
        }
        if (const auto both = joined(*first, *second, block.proven.from(first->place.base))) {
            *branch = Branch{*both, then->yes, branch->no};
        }
    }
}

} // namespace pfild::cbpf::jit
