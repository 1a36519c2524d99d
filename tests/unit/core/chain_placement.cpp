// SPDX-License-Identifier: BSD-2-Clause
// Which hooks of a lane run in the kernel: as soon as one does not, none behind it does.
#include "core/chain/placement.h"

#include <gtest/gtest.h>

#include "core/pfil/cbpf_hook.h"
#include "pfild/chain.h"

namespace pfild::core {
namespace {

using ebpf::Place;
using HookCode = std::vector<cbpf::Instruction>;

const HookCode kTimeToLive{{0x30, 0, 0, 8}, {0x16, 0, 0, 0}}; ///< per packet
const HookCode kLength{{0x80, 0, 0, 0}, {0x16, 0, 0, 0}};     ///< per packet, and segments differ in it
const HookCode kPayload{{0x30, 0, 0, 60}, {0x16, 0, 0, 0}};   ///< per packet; a checksum may be there
const HookCode kAll{{0x06, 0, 0, 1}};                         ///< per flow

struct LinkedHook {
    const char* name;
    HookCode code;
    RunsIn run = RunsIn::kAutomatic;
    HeadType type = HeadType::kInet;
};

LaneHooks lane_of(const std::vector<LinkedHook>& rows) {
    LaneHooks lane;
    for (const LinkedHook& row : rows) {
        LaneHooks::Hooks& list = row.type == HeadType::kInet    ? lane.inet
                                 : row.type == HeadType::kInet6 ? lane.inet6
                                                                : lane.link;
        list.push_back(std::make_shared<CbpfHook>(
            CbpfHookSpec{.name = row.name, .type = row.type, .filter = {}, .runs_in = row.run},
            cbpf::Program::verify(row.code).value()));
    }
    return lane;
}

/// "a:kernel b:engine"
std::string placed(const LanePlacement& placement) {
    std::string all;
    for (const PlacedHook& one : placement.hooks) {
        all += (all.empty() ? "" : " ") + one.hook->name() + (one.because ? ":engine" : ":kernel");
    }
    return all;
}

TEST(Placement, is_the_longest_beginning_that_can_run_in_the_kernel) {
    constexpr auto kLink = HeadType::kEthernet;
    constexpr auto kInet6 = HeadType::kInet6;
    struct Case {
        const char* sentence;
        std::vector<LinkedHook> rows;
        Direction direction;
        Place place;
        const char* expected;
    };
    const std::vector<Case> cases{
        {"no hook", {}, Direction::kIn, Place::kTc, ""},
        {"one that wants every packet", {{"a", kTimeToLive}}, Direction::kIn, Place::kTc, "a:kernel"},
        {"one that answers per flow", {{"a", kAll}}, Direction::kIn, Place::kTc, "a:engine"},
        {"one that answers per flow and was to",
         {{"a", kAll, RunsIn::kKernel}},
         Direction::kIn,
         Place::kTc,
         "a:kernel"},
        {"one that was not to", {{"a", kTimeToLive, RunsIn::kEngine}}, Direction::kIn, Place::kTc, "a:engine"},
        {"per flow with one that wants every packet",
         {{"a", kAll}, {"b", kTimeToLive}, {"c", kAll}},
         Direction::kIn,
         Place::kTc,
         "a:kernel b:kernel c:kernel"},
        {"kernel, engine, kernel",
         {{"a", kTimeToLive}, {"b", kAll, RunsIn::kEngine}, {"c", kTimeToLive}},
         Direction::kIn,
         Place::kTc,
         "a:kernel b:engine c:engine"},
        {"behind the engine there is nothing to gain",
         {{"a", kAll}, {"b", kAll, RunsIn::kEngine}, {"c", kTimeToLive}},
         Direction::kIn,
         Place::kTc,
         "a:engine b:engine c:engine"},
        {"an unfinished checksum under TC", {{"a", kPayload}}, Direction::kIn, Place::kTc, "a:engine"},
        {"and in front of it", {{"a", kPayload}}, Direction::kIn, Place::kXdp, "a:kernel"},
        {"IN: frames first, then each family by itself",
         {{"e", kTimeToLive, RunsIn::kKernel, kLink},
          {"a", kTimeToLive, RunsIn::kEngine},
          {"s", kTimeToLive, RunsIn::kKernel, kInet6}},
         Direction::kIn,
         Place::kXdp,
         "e:kernel a:engine s:kernel"},
        {"OUT: frames last, behind both families",
         {{"e", kTimeToLive, {}, kLink},
          {"a", kTimeToLive, RunsIn::kEngine},
          {"s", kTimeToLive, RunsIn::kKernel, kInet6}},
         Direction::kOut,
         Place::kXdp,
         "a:engine s:kernel e:engine"},
    };
    for (const Case& one : cases) {
        const LanePlacement placement = place_lane(lane_of(one.rows), one.direction, one.place);
        EXPECT_EQ(placed(placement), one.expected) << one.sentence;
        EXPECT_EQ(placement.chain.has_value(), placed(placement).find("kernel") != std::string::npos) << one.sentence;
    }
}

TEST(Placement, says_why) {
    const LanePlacement placement =
        place_lane(lane_of({{"cbpf:a", kTimeToLive}, {"cbpf:b", kPayload}, {"cbpf:c", kTimeToLive, RunsIn::kKernel}}),
                   Direction::kIn, Place::kTc);
    EXPECT_EQ(placement.hooks[1].because, "instruction 0 (ldb [60]) reads byte 60, where a checksum may be unfinished");
    EXPECT_EQ(placement.hooks[2].because, "it is behind cbpf:b, which runs in the engine");
    ASSERT_NE(placement.broken_promise(), nullptr);
    EXPECT_EQ(placement.broken_promise()->hook->name(), "cbpf:c");
}

TEST(Placement, a_chain_passes_only_what_has_met_all_hooks) {
    const auto chain = [](const std::vector<LinkedHook>& rows) {
        return *place_lane(lane_of(rows), Direction::kIn, Place::kTc).chain;
    };
    EXPECT_TRUE(chain({{"a", kTimeToLive}}).inet.whole);
    EXPECT_FALSE(chain({{"a", kTimeToLive}, {"b", kTimeToLive, RunsIn::kEngine}}).inet.whole);
    EXPECT_TRUE(chain({{"a", kTimeToLive}, {"b", kTimeToLive, RunsIn::kEngine}}).inet6.whole);
    EXPECT_TRUE(chain({{"a", kTimeToLive}}).uncut);
    EXPECT_FALSE(chain({{"a", kTimeToLive}, {"b", kLength}}).uncut);
}

TEST(Placement, is_shorter_where_the_kernel_takes_no_more) {
    const std::vector<LinkedHook> rows{{"a", kTimeToLive}, {"b", kTimeToLive}};
    const LanePlacement placement =
        place_lane(lane_of(rows), Direction::kIn, Place::kTc, {.most = 1, .because = "too many"});
    EXPECT_EQ(placed(placement), "a:kernel b:engine");
    EXPECT_EQ(placement.hooks[1].because, "too many");
    EXPECT_EQ(placed(place_lane(lane_of(rows), Direction::kIn, Place::kTc, {.most = 0, .because = "none"})),
              "a:engine b:engine");
    const std::vector<LinkedHook> many(PFILD_CHAIN_HOOKS + 1, {"a", kTimeToLive});
    const LanePlacement longest = place_lane(lane_of(many), Direction::kIn, Place::kTc);
    EXPECT_EQ(longest.chain->size(), std::size_t{PFILD_CHAIN_HOOKS});
    EXPECT_EQ(longest.hooks.back().because, "no more than 32 hooks of a lane run in the kernel");
    EXPECT_TRUE(chain_program(*longest.chain));
}

} // namespace
} // namespace pfild::core
