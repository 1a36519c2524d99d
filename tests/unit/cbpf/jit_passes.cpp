// SPDX-License-Identifier: BSD-2-Clause
// What the passes of the native compiler leave of a program. That it still means the same is tested elsewhere; here,
// that they do what they are for.
#include <gtest/gtest.h>

#include "cbpf/jit/compile.h"
#include "cbpf/jit/guard.h"
#include "cbpf/jit/passes.h"
#include "cbpf/jit/range.h"

namespace pfild::cbpf::jit {
namespace {

constexpr Instruction ld(std::uint32_t k) { return {0x20, 0, 0, k}; }
constexpr Instruction ldh(std::uint32_t k) { return {0x28, 0, 0, k}; }
constexpr Instruction ldb(std::uint32_t k) { return {0x30, 0, 0, k}; }
constexpr Instruction ldh_x(std::uint32_t k) { return {0x48, 0, 0, k}; }
constexpr Instruction ldx_msh(std::uint32_t k) { return {0xb1, 0, 0, k}; }
constexpr Instruction jeq(std::uint32_t k, std::uint8_t jt, std::uint8_t jf) { return {0x15, jt, jf, k}; }
constexpr Instruction jset(std::uint32_t k, std::uint8_t jt, std::uint8_t jf) { return {0x45, jt, jf, k}; }
constexpr Instruction ret(std::uint32_t k) { return {0x06, 0, 0, k}; }
constexpr Instruction kReturnA{0x16, 0, 0, 0};

/// `tcp dst port 443` of IPv4, as libpcap writes it.
const std::vector<Instruction> kPort443{ldh(12),        jeq(0x800, 0, 8),   ldb(23),     jeq(6, 0, 6),
                                        ldh(20),        jset(0x1fff, 4, 0), ldx_msh(14), ldh_x(16),
                                        jeq(443, 0, 1), ret(262144),        ret(0)};

Graph optimised(const std::vector<Instruction>& code) { return jit::optimised(*Program::verify(code)); }

template <typename Kind>
std::vector<Kind> all(const Graph& graph) {
    std::vector<Kind> found;
    for (const Block& block : graph.blocks) {
        for (const Op& op : block.ops) {
            if (const auto* one = std::get_if<Kind>(&op)) {
                found.push_back(*one);
            }
        }
    }
    return found;
}

std::vector<Match> all_matches(const Graph& graph) {
    std::vector<Match> found;
    for (const Block& block : graph.blocks) {
        if (const auto* branch = std::get_if<Branch>(&block.end)) {
            if (const auto* match = std::get_if<Match>(&branch->test)) {
                found.push_back(*match);
            }
        }
    }
    return found;
}

TEST(HoistChecks, one_check_at_the_start_is_left_of_those_that_every_match_needs) {
    const std::vector<Require> checks = all<Require>(optimised(kPort443));
    ASSERT_EQ(checks.size(), 2U);
    EXPECT_EQ(checks[0].base, Base::kPacket);
    EXPECT_EQ(checks[0].end, 24U); // the protocol; byte 14 is below it
    EXPECT_EQ(checks[1].base, Base::kX);
    EXPECT_EQ(checks[1].end, 18U);
}

TEST(HoistChecks, does_not_ask_for_bytes_that_a_run_with_a_result_can_do_without) {
    const auto checks = all<Require>(optimised({ldb(0), jeq(1, 0, 1), ret(5), ldb(99), kReturnA}));
    ASSERT_EQ(checks.size(), 2U);
    EXPECT_EQ(checks[0].end, 1U);
    EXPECT_EQ(checks[1].end, 100U);
}

TEST(HoistChecks, asks_behind_each_change_of_X_once_for_all_that_is_indexed_by_it) {
    const auto checks =
        all<Require>(optimised({ldx_msh(0), ldh_x(2), jeq(80, 0, 3), ldh_x(10), jeq(443, 0, 1), ret(1), ret(0)}));
    ASSERT_EQ(checks.size(), 2U);
    EXPECT_EQ(checks[1].base, Base::kX);
    EXPECT_EQ(checks[1].end, 12U);
}

TEST(MatchBytes, protocol_and_fragment_are_one_comparison_of_four_bytes) {
    const std::vector<Match> matches = all_matches(optimised(kPort443));
    ASSERT_EQ(matches.size(), 3U);
    EXPECT_EQ(matches[0].place, (Place{Base::kPacket, 2, 12}));
    EXPECT_EQ(matches[0].value, 0x0008U);
    EXPECT_EQ(matches[1].place, (Place{Base::kPacket, 4, 20}));
    EXPECT_EQ(matches[1].mask, 0xff00ff1fU);
    EXPECT_EQ(matches[1].value, 0x06000000U);
    EXPECT_EQ(matches[2].place, (Place{Base::kX, 2, 16}));
    EXPECT_TRUE(all<Read>(optimised(kPort443)).empty());
}

TEST(MatchBytes, eight_bytes_are_one_comparison_and_a_window_may_begin_in_front) {
    const auto words = all_matches(optimised({ld(0), jeq(1, 0, 3), ld(4), jeq(2, 0, 1), ret(1), ret(0)}));
    ASSERT_EQ(words.size(), 1U);
    EXPECT_EQ(words[0].place.size, 8U);
    EXPECT_EQ(words[0].value, 0x0200000001000000U);
    const auto at_the_end = all_matches(optimised({ldb(11), jeq(1, 0, 3), ldh(12), jeq(2, 0, 1), ret(1), ret(0)}));
    ASSERT_EQ(at_the_end.size(), 1U);
    EXPECT_EQ(at_the_end[0].place, (Place{Base::kPacket, 4, 10})); // byte 14 may not be there
    const auto no_room = all_matches(optimised({ldb(0), jeq(1, 0, 3), ldh(1), jeq(2, 0, 1), ret(1), ret(0)}));
    EXPECT_EQ(no_room.size(), 2U);
}

TEST(MatchBytes, bytes_from_different_bases_and_values_that_contradict_each_other_stay_apart) {
    const auto bases =
        all_matches(optimised({ldx_msh(0), ldh(2), jeq(1, 0, 3), ldh_x(4), jeq(2, 0, 1), ret(1), ret(0)}));
    EXPECT_EQ(bases.size(), 2U);
    const auto never = all_matches(optimised({ldb(0), jeq(1, 0, 3), ldb(0), jeq(2, 0, 1), ret(1), ret(0)}));
    EXPECT_EQ(never.size(), 2U);
}

TEST(TakeGuard, the_first_test_and_its_check_leave_the_code) {
    Graph graph = optimised(kPort443);
    const std::size_t matches = all_matches(graph).size();
    const Guard guard = take_guard(graph);
    EXPECT_EQ(guard.need, 24U);
    EXPECT_EQ(guard.start, 12U);
    EXPECT_EQ(guard.mask, 0xffffU);
    EXPECT_EQ(guard.value, 0x0008U);
    EXPECT_EQ(guard.otherwise, 0U);
    EXPECT_LT(guard.result, 0);
    EXPECT_EQ(all_matches(graph).size(), matches - 1);
    const std::vector<Require> checks = all<Require>(graph);
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_EQ(checks[0].base, Base::kX);
}

TEST(TakeGuard, holds_where_the_bytes_are_these_and_reads_nothing_behind_what_is_required) {
    Graph graph = optimised({ldh(12), jeq(0x800, 0, 1), ret(9), ret(4)});
    const Guard guard = take_guard(graph);
    EXPECT_EQ(guard.need, 14U);
    EXPECT_EQ(guard.start, 6U);
    EXPECT_EQ(guard.result, 9);
    EXPECT_EQ(guard.otherwise, 4U);
    std::vector<std::uint8_t> bytes(14);
    EXPECT_FALSE(guard.holds(bytes));
    bytes[12] = 8;
    EXPECT_TRUE(guard.holds(bytes));
    bytes[13] = 1;
    EXPECT_FALSE(guard.holds(bytes));
}

TEST(TakeGuard, leaves_a_graph_whose_first_test_is_another_as_it_is) {
    const std::vector<std::vector<Instruction>> programs{
        {ldh(4), jeq(1, 0, 1), ret(9), ret(0)},                  // fewer than 8 bytes are required
        {ldh(12), jeq(1, 1, 0), ldb(20), kReturnA},              // the other way goes on
        {ldh(12), {0x25, 0, 1, 1}, ret(9), ret(0)},              // jgt: not of bytes that are the same
        {{0x80, 0, 0, 0}, jeq(60, 0, 1), ret(9), ret(0)},        // the length
        {ldx_msh(14), ldh_x(16), jeq(53, 0, 1), ret(9), ret(0)}, // a place that is not fixed
    };
    for (const auto& program : programs) {
        Graph graph = optimised(program);
        const std::size_t blocks = graph.blocks.size();
        EXPECT_EQ(take_guard(graph).mask, 0U);
        EXPECT_EQ(graph.blocks.size(), blocks);
    }
}

TEST(RemoveDead, what_no_way_reads_is_not_computed_but_its_bytes_are_still_required) {
    const Graph graph = optimised({ld(4), {0x02, 0, 0, 3}, {0x07, 0, 0, 0}, ret(7)});
    ASSERT_EQ(graph.blocks.size(), 1U);
    ASSERT_EQ(graph.blocks[0].ops.size(), 1U);
    EXPECT_EQ(std::get<Require>(graph.blocks[0].ops[0]).end, 8U);
}

TEST(FoldRanges, what_can_be_computed_is_computed_and_branches_that_go_one_way_are_none) {
    // ldb [0]; rsh #4; jgt #15; ... : no nibble is above 15. ldx #4; ld [x+8]: bytes 12 to 15.
    const Graph graph =
        optimised({ldb(0), {0x74, 0, 0, 4}, {0x25, 0, 1, 15}, ret(9), {0x01, 0, 0, 4}, {0x40, 0, 0, 8}, kReturnA});
    ASSERT_EQ(graph.blocks.size(), 1U);
    ASSERT_EQ(graph.blocks[0].ops.size(), 2U);
    EXPECT_EQ(std::get<Require>(graph.blocks[0].ops[0]).end, 16U);
    EXPECT_EQ(std::get<Read>(graph.blocks[0].ops[1]).place, (Place{Base::kPacket, 4, 12}));
}

TEST(FoldRanges, a_run_that_must_end_with_0_does_nothing) {
    const std::vector<std::vector<Instruction>> programs{
        {ldb(3), {0x01, 0, 0, 0}, {0x3c, 0, 0, 0}, ret(9)},  // CF-24: div x, X = 0
        {ldb(3), {0x01, 0, 0, 32}, {0x6c, 0, 0, 0}, ret(9)}, // CF-25: lsh x, X = 32
        {ld(0x7fffffff), ret(9)},                            // CF-23
        {{0x01, 0, 0, 0xffffffff}, {0x50, 0, 0, 1}, ret(9)}, // CF-22: ldb [x+1] wraps
        {ldb(3), jeq(1, 0, 1), ret(0), ret(0)},
    };
    for (const auto& program : programs) {
        const Graph graph = optimised(program);
        ASSERT_EQ(graph.blocks.size(), 1U);
        EXPECT_TRUE(graph.blocks[0].ops.empty() && is_return_of_zero(graph.blocks[0].end));
    }
}

TEST(Range, holds_every_result_of_every_pair_of_small_ranges) {
    constexpr std::array<std::uint32_t, 9> kNumbers{0, 1, 2, 7, 8, 31, 0x7fffffff, 0x80000000, 0xffffffff};
    const auto check = [](Operation operation, Range left, Range right) {
        const Range range = calculate(operation, left, right);
        for (const std::uint32_t a : {left.low, left.low + (left.high - left.low) / 2, left.high}) {
            for (const std::uint32_t b : {right.low, right.low + (right.high - right.low) / 2, right.high}) {
                const std::uint32_t result = calculate(operation, Range::only(a), Range::only(b)).low;
                EXPECT_TRUE(range.low <= result && result <= range.high)
                    << static_cast<int>(operation) << ' ' << a << ' ' << b << ": " << result;
            }
        }
    };
    for (int operation = 0; operation <= static_cast<int>(Operation::kNeg); ++operation) {
        const auto op = static_cast<Operation>(operation);
        const bool shifts = op == Operation::kLsh || op == Operation::kRsh;
        const bool divides = op == Operation::kDiv || op == Operation::kMod;
        for (const std::uint32_t a : kNumbers) {
            for (const std::uint32_t b : kNumbers) {
                for (const std::uint32_t c : kNumbers) {
                    for (const std::uint32_t d : kNumbers) {
                        if (a <= b && c <= d && !(shifts && d > 31) && !(divides && c == 0)) {
                            check(op, {a, b}, {c, d});
                        }
                    }
                }
            }
        }
    }
}

} // namespace
} // namespace pfild::cbpf::jit
