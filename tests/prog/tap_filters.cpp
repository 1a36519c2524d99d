// SPDX-License-Identifier: BSD-2-Clause
// The filters of all devices as one program at the tap: it skips what none of them wants, and nothing else; and heads
// ask it, count, and take everything where there is none.
#include "daemon/kernel/tap_filters.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "capture/tap_program.h"
#include "cbpf/interpret.h"
#include "tests/prog/lowered_filter.h"
#include "tests/prog/tap_test.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;
using ebpf::Place;

constexpr Place kBothPlaces[] = {Place::kXdp, Place::kTc};
constexpr std::uint8_t kProtocolTcp = 6;
constexpr std::uint8_t kProtocolUdp = 17;

cbpf::Program verified(const std::vector<cbpf::Instruction>& code) {
    auto program = cbpf::Program::verify(code);
    EXPECT_TRUE(program) << program.error().message();
    return *program;
}

/// Every byte of packets of this protocol; nothing of others.
cbpf::Program of_protocol(std::uint32_t protocol) {
    return verified({{0x30, 0, 0, 23}, {0x15, 0, 1, protocol}, {0x06, 0, 0, 0xffffffff}, {0x06, 0, 0, 0}});
}

class TapFiltersTest : public TapTest {
  protected:
    void SetUp() override {
        TapTest::SetUp();
        if (!IsSkipped() && !HasFatalFailure()) {
            filters_.emplace(programs());
        }
    }

    void filter(Direction direction, const std::vector<const cbpf::Program*>& programs) {
        const auto set = filters_->set(lane(direction), Place::kTc, programs);
        ASSERT_TRUE(set) << set.error().line();
        ring().set_filtered(lane(direction), true);
    }
    /// Whether the tap takes this packet.
    bool takes(Direction direction, const Scene& scene) { return !tapped(direction, scene).empty(); }
    [[nodiscard]] std::uint64_t skipped(Direction direction) const { return filters_->skipped(lane(direction)); }

    std::optional<kernel::TapFilters> filters_;
    cbpf::Program udp_ = of_protocol(kProtocolUdp);
    cbpf::Program tcp_ = of_protocol(kProtocolTcp);
};

const Bytes kOfUdp = ethernet(kTypeIpv4, ipv4(kProtocolUdp));
const Bytes kOfTcp = ethernet(kTypeIpv4, ipv4(kProtocolTcp));
const Bytes kOfAnother = ethernet(kTypeIpv4, ipv4(47));

TEST_F(TapFiltersTest, heads_do_not_take_what_no_filter_wants_and_count_it) {
    for (const Direction direction : kEachDirection) {
        filter(direction, {&udp_});
        EXPECT_TRUE(takes(direction, on_watched(kOfUdp)));
        EXPECT_FALSE(takes(direction, on_watched(kOfTcp)));
        EXPECT_EQ(skipped(direction), 1U);
        filter(direction, {&udp_, &tcp_});
        EXPECT_TRUE(takes(direction, on_watched(kOfTcp))) << "one of two wants it";
        EXPECT_FALSE(takes(direction, on_watched(kOfAnother)));
        EXPECT_EQ(skipped(direction), 2U);
    }
}

TEST_F(TapFiltersTest, heads_take_everything_where_there_is_no_program) {
    filter(Direction::kIn, {&udp_});
    EXPECT_TRUE(takes(Direction::kOut, on_watched(kOfTcp))) << "each direction for itself";
    filters_->clear(lane(Direction::kIn), Place::kTc);
    EXPECT_TRUE(takes(Direction::kIn, on_watched(kOfTcp))) << "asked, but there is none";
    filter(Direction::kIn, {&udp_});
    ring().set_filtered(lane(Direction::kIn), false);
    EXPECT_TRUE(takes(Direction::kIn, on_watched(kOfTcp))) << "not asked";
    EXPECT_EQ(skipped(Direction::kIn), 0U);
}

TEST_F(TapFiltersTest, too_long_together_are_no_program_and_nothing_is_skipped) {
    std::vector<cbpf::Instruction> long_one;
    for (std::uint32_t i = 0; i < 170; i++) { // a sum of bytes, none of which can be left out
        long_one.insert(long_one.end(), {{0x30, 0, 0, i}, {0x0c, 0, 0, 0}, {0x07, 0, 0, 0}});
    }
    long_one.push_back({0x16, 0, 0, 0});
    const cbpf::Program program = verified(long_one);
    const std::vector<const cbpf::Program*> all(40, &program);
    filter(Direction::kIn, {&udp_});
    const auto set = filters_->set(lane(Direction::kIn), Place::kTc, all);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, E2BIG);
    EXPECT_TRUE(takes(Direction::kIn, on_watched(kOfTcp))) << "the one that was there before is gone";
}

/// 20 bits of a packet each add to a number that is then compared: 2^20 numbers, all of which the verifier would look
/// at.
cbpf::Program hard_for_the_verifier() {
    std::vector<cbpf::Instruction> code{{0x00, 0, 0, 0}, {0x02, 0, 0, 0}};
    for (std::uint32_t i = 0; i < 20; i++) {
        code.insert(code.end(),
                    {{0x30, 0, 0, i}, {0x45, 0, 3, 1}, {0x60, 0, 0, 0}, {0x04, 0, 0, 1U << i}, {0x02, 0, 0, 0}});
    }
    code.insert(code.end(), {{0x60, 0, 0, 0}, {0x15, 0, 1, 77}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}});
    return verified(code);
}

TEST_F(TapFiltersTest, that_are_written_to_keep_the_verifier_busy_are_not_loaded) {
    const cbpf::Program program = hard_for_the_verifier();
    const std::vector<const cbpf::Program*> one{&program};
    for (const Place place : kBothPlaces) {
        const auto begun = std::chrono::steady_clock::now();
        const auto set = filters_->set(lane(Direction::kIn), place, one);
        EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(3)) << "it was 6 s";
        ASSERT_FALSE(set);
        EXPECT_EQ(set.error().code, E2BIG);
    }
}

TEST_F(TapFiltersTest, that_change_all_the_time_are_not_loaded_any_more_and_nothing_is_skipped) {
    const std::vector<const cbpf::Program*> one{&udp_};
    const auto begun = std::chrono::steady_clock::now();
    core::Result<void> set;
    std::size_t loaded = 0;
    while ((set = filters_->set(lane(Direction::kIn), Place::kTc, one)) && loaded < 10'000) {
        loaded++;
    }
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code, EAGAIN);
    EXPECT_GT(loaded, 16U) << "a limit that nobody meets by opening devices";
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(2));
    ring().set_filtered(lane(Direction::kIn), true);
    EXPECT_TRUE(takes(Direction::kIn, on_watched(kOfTcp)));
}

TEST_F(TapFiltersTest, skip_a_packet_exactly_when_every_program_returns_0_for_it) {
    std::size_t skipped = 0;
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (std::uint32_t seed = 1; seed <= 200; seed++) {
        AnyProgram random(seed);
        std::vector<cbpf::Program> programs;
        std::vector<const cbpf::Program*> filters;
        programs.reserve(4);
        filters.reserve(4);
        for (std::uint32_t count = 1 + seed % 4; count != 0; count--) {
            programs.push_back(verified(random.program()));
        }
        for (const cbpf::Program& program : programs) {
            filters.push_back(&program);
        }
        const Place place = kBothPlaces[seed % 2];
        const auto code = capture::tap_program(filters, place);
        if (!code) { // too much for the verifier: taken without being asked about
            refused++;
            continue;
        }
        const LoadedCode loaded = LoadedCode::load(*code, place);
        ASSERT_TRUE(loaded.program) << seed << loaded.verifier;
        for (int packet = 0; packet < 16; packet++) {
            Bytes bytes(std::clamp<std::size_t>(random.packet_length(), 14, 3000));
            random.fill(bytes);
            bytes[12] |= 0x40; // neither IPv4 nor IPv6: of those the kernel runs no packet without its header
            const bool wanted = std::any_of(programs.begin(), programs.end(), [&](const cbpf::Program& program) {
                return interpret(program, cbpf::Packet(bytes)) != 0;
            });
            const auto answer = loaded.run(bytes);
            ASSERT_TRUE(answer) << answer.error();
            ASSERT_EQ(*answer, static_cast<std::uint32_t>(wanted ? PFILD_TAP_TAKE : PFILD_TAP_SKIP)) << "seed " << seed;
            (wanted ? taken : skipped)++;
        }
    }
    EXPECT_GT(skipped, 100U);
    EXPECT_GT(taken, 500U);
    EXPECT_LT(refused, 20U);
}

} // namespace
} // namespace pfild::tests
