// SPDX-License-Identifier: BSD-2-Clause
// The kernel as judge of what contract 3.5 says it sees as we do; and, where it says they differ, that they still do,
// in the way that the contract names. If one of those stops failing, filters can be offloaded in more cases than we
// think.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "tests/data/contract_vectors.h"
#include "tests/oracle/kernel_judge.h"
#include "tests/oracle/random_program.h"

namespace pfild::tests {
namespace {

using Ids = std::set<std::string>;

/// What Linux does otherwise than the contract, by design (3.3, 3.4, 3.5).
const Ids kAcceptedByUsOnly{"V07", "V08", "V09", "V32", "V33", "V65", "V69"};
const Ids kAcceptedByLinuxOnly{"V62", "V63"};
const Ids kRefusedByLinuxAtRun{"R019", "R020"};
const Ids kRunOtherwise{"R023", "R027", "R028", "R029", "R030", "R032", "R060", "R061", "R062", "R063", "R064"};
const Ids kNotExpressible{"R041", "R042"}; // a socket cannot tell captured from wire length

class Kernel : public testing::Test {
  protected:
    void SetUp() override {
        auto judge = KernelJudge::open();
        if (judge) {
            judge_.emplace(*std::move(judge));
            return;
        }
        const char* required = std::getenv("PFILD_REQUIRE_ALL");
        if (required != nullptr && std::string_view(required) == "1") {
            FAIL() << "PFILD_REQUIRE_ALL=1, and " << judge.error();
        }
        GTEST_SKIP() << judge.error();
    }

    std::optional<KernelJudge> judge_;
};

std::int64_t capped(std::uint32_t result, std::size_t length) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(result, length));
}

TEST_F(Kernel, accepts_what_the_verifier_accepts_but_for_the_differences_of_3_3) {
    for (const ValidationVector& vector : read_contract_vectors().validation) {
        const bool ours = cbpf::Program::verify(vector.program).has_value();
        const bool theirs = judge_->accepts(vector.program);
        if (kAcceptedByUsOnly.contains(vector.id)) {
            EXPECT_TRUE(ours && !theirs) << vector.id << ' ' << vector.what;
        } else if (kAcceptedByLinuxOnly.contains(vector.id)) {
            EXPECT_TRUE(!ours && theirs) << vector.id << ' ' << vector.what;
        } else {
            EXPECT_EQ(ours, theirs) << vector.id << ' ' << vector.what;
        }
    }
}

TEST_F(Kernel, delivers_what_the_interpreter_yields_but_for_the_differences_of_3_4) {
    for (const RunVector& vector : read_contract_vectors().run) {
        if (kNotExpressible.contains(vector.id)) {
            continue;
        }
        const auto program = cbpf::Program::verify(vector.program);
        ASSERT_TRUE(program) << vector.id;
        if (kRefusedByLinuxAtRun.contains(vector.id)) {
            EXPECT_FALSE(judge_->accepts(vector.program)) << vector.id << ' ' << vector.what;
            continue;
        }
        ASSERT_TRUE(judge_->accepts(vector.program)) << vector.id << ' ' << vector.what;
        const std::int64_t ours = capped(interpret(*program, cbpf::Packet(vector.packet)), vector.packet.size());
        const std::int64_t theirs = judge_->delivered(vector.packet);
        if (kRunOtherwise.contains(vector.id)) {
            EXPECT_NE(theirs, ours) << vector.id << ' ' << vector.what;
        } else {
            EXPECT_EQ(theirs, ours) << vector.id << ' ' << vector.what;
        }
    }
}

TEST_F(Kernel, agrees_on_random_programs_of_the_subset_that_can_be_offloaded) {
    RandomProgram random(1993, {.register_shifts = false, .wild_offsets = false});
    std::size_t told_apart = 0; // results that are neither nothing nor everything
    for (int round = 0; round < 3000; ++round) {
        const std::vector<cbpf::Instruction> code = random.program(random.below(60));
        const auto program = cbpf::Program::verify(code);
        ASSERT_TRUE(program) << "round " << round << ": " << program.error().message();
        ASSERT_TRUE(judge_->accepts(code)) << "round " << round;
        for (int packets = 0; packets < 4; ++packets) {
            const std::vector<std::uint8_t> packet = random.packet(400);
            const std::int64_t ours = capped(interpret(*program, cbpf::Packet(packet)), packet.size());
            ASSERT_EQ(judge_->delivered(packet), ours) << "round " << round << ", packet " << packets;
            told_apart += ours != 0 && ours != static_cast<std::int64_t>(packet.size()) ? 1 : 0;
        }
    }
    EXPECT_GT(told_apart, 3000U) << "the random programs no longer tell results apart";
}

TEST_F(Kernel, a_wrong_result_would_be_noticed) {
    const cbpf::Instruction ret_5{0x06, 0, 0, 5};
    ASSERT_TRUE(judge_->accepts({&ret_5, 1}));
    EXPECT_EQ(judge_->delivered(std::vector<std::uint8_t>(9)), 5);
    EXPECT_EQ(judge_->delivered(std::vector<std::uint8_t>(4)), 4);
    const cbpf::Instruction ret_0{0x06, 0, 0, 0};
    ASSERT_TRUE(judge_->accepts({&ret_0, 1}));
    EXPECT_EQ(judge_->delivered(std::vector<std::uint8_t>(9)), 0);
}

} // namespace
} // namespace pfild::tests
