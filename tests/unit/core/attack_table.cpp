// SPDX-License-Identifier: BSD-2-Clause
// Every row of the attack table in front of the engine, and random packets of the grammar: what the documentation says
// that a rule on a port sees is stopped by it, and nothing that goes elsewhere is.
#include <gtest/gtest.h>

#include "tests/frames/attack_table.h"
#include "tests/frames/engine_judge.h"
#include "tests/frames/grammar.h"

namespace pfild::frames {
namespace {

std::size_t passed(EngineJudge& judge, const std::vector<Bytes>& frames) {
    std::size_t count = 0;
    for (const Bytes& frame : frames) {
        count += judge.passes(frame) ? 1 : 0;
    }
    return count;
}

TEST(AttackTable, no_row_to_a_closed_port_passes_the_engine_whole) {
    EngineJudge block(kBlock);
    EngineJudge deny(kDeny);
    for (const Attack& attack : attacks(kBlockedPort)) {
        const std::vector<Bytes> frames = build(attack.recipe);
        if (attack.seen != Seen::kOpen) {
            EXPECT_LT(passed(block, frames), frames.size()) << attack.sentence;
            EXPECT_LT(passed(deny, frames), frames.size()) << attack.sentence;
        }
    }
}

TEST(AttackTable, no_row_to_an_open_port_is_stopped_that_is_not_bad_in_itself) {
    EngineJudge block(kBlock);
    EngineJudge deny(kDeny);
    for (const Attack& attack : attacks(kAllowedPort)) {
        const std::vector<Bytes> frames = build(attack.recipe);
        if (attack.seen == Seen::kAsPort) {
            EXPECT_EQ(passed(block, frames), frames.size()) << attack.sentence;
            EXPECT_GT(passed(deny, frames), 0U) << attack.sentence;
        } else if (attack.seen == Seen::kNever) {
            EXPECT_LT(passed(block, frames), frames.size()) << attack.sentence;
        }
    }
}

TEST(AttackGrammar, what_a_rule_sees_by_the_documentation_the_engine_stops_or_lets_pass_by_it) {
    constexpr std::uint32_t kCount = 20'000;
    EngineJudge block(kBlock);
    EngineJudge deny(kDeny);
    Grammar grammar(1, {kBlockedPort, kAllowedPort});
    std::size_t seen = 0;
    for (std::uint32_t number = 0; number < kCount; number++) {
        const Sentence sentence = grammar.sentence(number);
        if (!sentence.as_port) {
            continue;
        }
        seen++;
        const bool allowed = sentence.recipe.port == kAllowedPort;
        for (const Bytes& frame : sentence.frames) {
            EXPECT_EQ(block.passes(frame), allowed) << number;
            EXPECT_EQ(deny.passes(frame), allowed) << number;
        }
    }
    EXPECT_GT(seen, kCount / 8);
}

TEST(AttackGrammar, however_a_frame_lies_in_buffers_the_engine_says_the_same) {
    constexpr std::uint32_t kCount = 20'000;
    EngineJudge block(kBlock);
    EngineJudge deny(kDeny);
    Grammar grammar(2, {kBlockedPort, kAllowedPort});
    std::size_t passed_by_both = 0;
    for (std::uint32_t number = 0; number < kCount && !::testing::Test::HasFailure(); number++) {
        for (const Bytes& frame : grammar.sentence(number).frames) {
            const std::size_t first = 18 + number % 61; // the label is in the first
            EXPECT_EQ(block.passes(frame, first), block.passes(frame)) << number << ", pieces of " << first;
            EXPECT_EQ(deny.passes(frame, first), deny.passes(frame)) << number << ", pieces of " << first;
            passed_by_both += block.passes(frame) && deny.passes(frame) ? 1 : 0;
        }
    }
    EXPECT_GT(passed_by_both, kCount / 20);
}

} // namespace
} // namespace pfild::frames
