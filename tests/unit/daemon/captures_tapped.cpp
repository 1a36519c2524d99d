// SPDX-License-Identifier: BSD-2-Clause
// What captures tell the heads of an interface, and what those did not bring.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/captures/tapped.h"
#include "daemon/kernel/programs.h"

namespace pfild::captures {
namespace {

using core::Direction;

/// Heads that count what a test says, and know what they were told.
class FakeHeads final : public HeadsTap {
  public:
    void want(std::uint32_t lane, std::uint32_t bytes) noexcept override { wanted[lane] = bytes; }
    [[nodiscard]] core::Result<void> set_filters(std::uint32_t lane, ebpf::Place place,
                                                 std::span<const cbpf::Program* const> /*filters*/) override {
        filters.erase({lane, place});
        if (refused) {
            return core::fail({"load", "a filter", "it is too long", "", E2BIG});
        }
        filters[{lane, place}] = true;
        return {};
    }
    void clear_filters(std::uint32_t lane, ebpf::Place place) override { filters.erase({lane, place}); }
    void set_filtered(std::uint32_t lane, bool asked) noexcept override { filtered[lane] = asked; }
    [[nodiscard]] std::uint64_t lost(std::uint32_t lane) const noexcept override { return of(lost_by, lane); }
    [[nodiscard]] std::uint64_t skipped(std::uint32_t lane) const override { return of(skipped_by, lane); }

    static std::uint64_t of(const std::map<std::uint32_t, std::uint64_t>& counts, std::uint32_t lane) {
        const auto found = counts.find(lane);
        return found == counts.end() ? 0 : found->second;
    }

    std::map<std::uint32_t, std::uint32_t> wanted;
    std::map<std::pair<std::uint32_t, ebpf::Place>, bool> filters;
    std::map<std::uint32_t, bool> filtered;
    std::map<std::uint32_t, std::uint64_t> lost_by;
    std::map<std::uint32_t, std::uint64_t> skipped_by;
    bool refused = false;
};

class TappedTest : public ::testing::Test {
  protected:
    static constexpr std::uint32_t kIfindex = 7;
    static constexpr std::uint8_t kSlot = 3;
    static constexpr std::uint32_t kIn = kernel::lane(kSlot, Direction::kIn);
    static constexpr std::uint32_t kOut = kernel::lane(kSlot, Direction::kOut);
    static constexpr core::Directions kBoth{true, true};

    void put(bool loopback = false, bool xdp_head = true) {
        tapped_.put({.ifindex = kIfindex, .slot = kSlot, .loopback = loopback, .xdp_head = xdp_head});
    }
    void filter(Direction direction) {
        const std::vector<const cbpf::Program*> one(1, nullptr); // heads alone look at it
        tapped_.set_filters(kIfindex, direction, one);
    }
    static Tapped::Charge into(std::vector<std::string>& charges) {
        return [&charges](std::uint32_t ifindex, Direction direction, std::uint64_t count) {
            charges.push_back(std::to_string(ifindex) + ' ' + std::string(core::name(direction)) + ' ' +
                              std::to_string(count));
        };
    }

    FakeHeads heads_;
    std::vector<std::string> lost_;
    std::vector<std::string> skipped_;
    Tapped tapped_{heads_, into(lost_), into(skipped_)};
};

TEST_F(TappedTest, what_is_wanted_goes_to_the_heads_and_a_device_that_wants_no_byte_still_counts) {
    put();
    tapped_.want(kIfindex, {.directions = kBoth, .length = 96});
    EXPECT_EQ(heads_.wanted[kIn], 96U);
    EXPECT_EQ(heads_.wanted[kOut], 96U);
    tapped_.want(kIfindex, {.directions = {true, false}, .length = 0});
    EXPECT_EQ(heads_.wanted[kIn], 1U);
    EXPECT_EQ(heads_.wanted[kOut], 0U);
}

TEST_F(TappedTest, a_packet_of_the_loopback_device_is_shown_going_out_alone) {
    put(true);
    tapped_.want(kIfindex, {.directions = kBoth, .length = 96});
    EXPECT_EQ(heads_.wanted[kIn], 0U);
    EXPECT_EQ(heads_.wanted[kOut], 96U);
}

TEST_F(TappedTest, an_interface_that_is_not_there_is_told_nothing) {
    tapped_.want(kIfindex, {.directions = kBoth, .length = 96});
    filter(Direction::kIn);
    tapped_.remove(kIfindex);
    EXPECT_TRUE(heads_.wanted.empty() && heads_.filters.empty() && heads_.filtered.empty());
}

TEST_F(TappedTest, filters_are_where_heads_are) {
    put(false, false);
    filter(Direction::kIn);
    EXPECT_EQ(heads_.filters.count({kIn, ebpf::Place::kTc}), 1U);
    EXPECT_EQ(heads_.filters.count({kIn, ebpf::Place::kXdp}), 0U) << "there is no XDP head";
    put(false, true); // it has got one
    filter(Direction::kIn);
    EXPECT_EQ(heads_.filters.count({kIn, ebpf::Place::kXdp}), 1U);
    filter(Direction::kOut);
    EXPECT_EQ(heads_.filters.count({kOut, ebpf::Place::kXdp}), 0U) << "nothing goes out by XDP";
    EXPECT_TRUE(heads_.filtered[kIn] && heads_.filtered[kOut]);
    tapped_.set_filters(kIfindex, Direction::kIn, {});
    EXPECT_FALSE(heads_.filtered[kIn]);
    EXPECT_EQ(heads_.filters.count({kIn, ebpf::Place::kTc}), 0U);
}

TEST_F(TappedTest, a_filter_that_cannot_be_loaded_lets_all_packets_come) {
    put();
    filter(Direction::kIn);
    heads_.refused = true;
    filter(Direction::kIn);
    EXPECT_FALSE(heads_.filtered[kIn]);
    EXPECT_TRUE(heads_.filters.empty());
}

TEST_F(TappedTest, what_was_lost_is_charged_once_and_nothing_of_the_time_before) {
    heads_.lost_by = {{kIn, 1000}};
    put();
    tapped_.charge_lost();
    EXPECT_TRUE(lost_.empty());
    heads_.lost_by = {{kIn, 1005}, {kOut, 2}};
    tapped_.charge_lost();
    tapped_.charge_lost();
    EXPECT_EQ(lost_, (std::vector<std::string>{"7 in 5", "7 out 2"}));
    put(false, false); // it is known already
    tapped_.charge_lost();
    EXPECT_EQ(lost_.size(), 2U);
    heads_.lost_by[kOut] = 9;
    tapped_.remove(kIfindex);
    EXPECT_EQ(lost_.back(), "7 out 7") << "the last ones, too";
    EXPECT_EQ(heads_.wanted[kOut], 0U);
}

TEST_F(TappedTest, what_filters_skipped_is_charged_until_they_change) {
    heads_.skipped_by[kIn] = 10; // before anybody captured here
    put();
    filter(Direction::kIn);
    skipped_.clear();
    heads_.skipped_by[kIn] = 30;
    filter(Direction::kIn);
    EXPECT_EQ(skipped_, std::vector<std::string>{"7 in 20"}) << "to the devices that there are before the change";
    heads_.skipped_by[kIn] = 31;
    tapped_.charge_skipped();
    EXPECT_EQ(skipped_.back(), "7 in 1");
    tapped_.set_filters(kIfindex, Direction::kIn, {});
    skipped_.clear();
    heads_.skipped_by[kIn] = 99;
    tapped_.charge_skipped();
    EXPECT_TRUE(skipped_.empty()) << "no filter is there";
}

} // namespace
} // namespace pfild::captures
