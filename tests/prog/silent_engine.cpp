// SPDX-License-Identifier: BSD-2-Clause
// What the heads do while the engine is there and says nothing, and in fail mode `closed`.
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>

#include "core/flow/flow_entry.h"
#include "core/flow/flow_index.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/xsk/engine_thread.h"
#include "pfild/flow_key.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint32_t kAskedBoth = PFILD_DIVERT_IN | PFILD_DIVERT_OUT;
constexpr std::uint64_t kMillisecond = 1'000'000;

struct Mode {
    const char* sentence;
    std::uint32_t flags;
    bool passes_unknown; ///< while it holds
    bool passes_known;
};
constexpr std::array<Mode, 3> kSilentModes{
    {{"pass", PFILD_SILENT_PASS, true, true}, {"drop", 0, false, true}, {"closed", PFILD_SILENT_CLOSED, false, false}}};
constexpr std::array<Mode, 3> kUnknownModes{{{"pass", 0, true, true},
                                             {"drop", PFILD_FAIL_DROP, false, true},
                                             {"closed", PFILD_FAIL_DROP | PFILD_UNKNOWN_CLOSED, false, false}}};

const Bytes kStrange = ethernet(kTypeIpv4, ipv4(kUdp));
const Bytes kKnown = ethernet(kTypeIpv6, ipv6(kUdp, 64, Bytes(16, 0xaa)));
const Bytes kNeighbour = ethernet(kTypeArp, arp());

class SilentEngine : public KernelProgramsTest {
  protected:
    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto mapped = kernel::FlowMaps::map(programs(), kFlows);
        ASSERT_TRUE(mapped) << mapped.error().line();
        maps_ = std::move(*mapped);
        index_.emplace(maps_->memory(), 42);
        maps_->state().generation = 1;
        know(kKnown, Direction::kIn, 1);
        know(kKnown, Direction::kOut, 2);
    }

    /// The engine's sockets are there.
    void serve() {
        attend(PFILD_LANE_IN(kSlot));
        attend(PFILD_LANE_OUT(kSlot));
        ASSERT_TRUE(programs().show_life());
    }
    [[nodiscard]] std::string told(Direction direction, const Bytes& frame) {
        const Verdict verdict = head(direction, on_watched(frame));
        const std::string what = counted();
        return what.substr(what.find('.') + 1) + (verdict.action == TC_ACT_SHOT ? " shot" : "");
    }
    void expect_mode(const Mode& mode, const std::string& apart) {
        const std::string passed = "passed_" + apart + "+1";
        const std::string dropped = "dropped_" + apart + "+1 shot";
        for (const Direction direction : kEachDirection) {
            EXPECT_EQ(told(direction, kStrange), mode.passes_unknown ? passed : dropped) << mode.sentence;
            EXPECT_EQ(told(direction, kKnown), mode.passes_known ? "passed_known+1" : dropped) << mode.sentence;
            const std::string neighbour = told(direction, kNeighbour);
            EXPECT_TRUE(neighbour == passed || neighbour == "passed_neighbour+1") << mode.sentence << neighbour;
        }
    }

  private:
    void know(const Bytes& frame, Direction direction, std::uint32_t place) {
        Bytes aligned(2); // words of the network header at multiples of 4
        aligned.insert(aligned.end(), frame.begin(), frame.end());
        pfild_flow& flow = maps_->entries()[place];
        flow = {};
        flow.key.ifindex = watched();
        ASSERT_NE(pfild_read_flow_key(&flow.key, aligned.data() + 2, aligned.data() + aligned.size(),
                                      direction == Direction::kOut ? 1 : 0),
                  0U);
        flow.incarnation = 1;
        flow.idle_ns = 60'000 * kMillisecond;
        flow.engine_ns = xsk::now_ns();
        flow.decision = PFILD_FLOW_DECISION(1, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
        ASSERT_TRUE(index_->insert(flow.key, place));
    }

    static constexpr std::uint32_t kFlows = 16;
    std::unique_ptr<kernel::FlowMaps> maps_;
    std::optional<core::FlowIndex> index_;
};

TEST_F(SilentEngine, is_asked_200_ms_after_its_last_beat_and_follows_silent_after_400_whatever_unknown_says) {
    serve();
    for (const Mode& unknown : kUnknownModes) {
        for (const Mode& silent : kSilentModes) {
            attach(kAskedBoth | unknown.flags | silent.flags);
            last_beat(200 * kMillisecond);
            for (const Direction direction : kEachDirection) {
                EXPECT_EQ(told(direction, kStrange), "diverted+1") << silent.sentence;
                EXPECT_EQ(told(direction, kKnown), "passed_known+1") << silent.sentence;
                EXPECT_EQ(told(direction, kNeighbour), "passed_neighbour+1") << silent.sentence;
            }
            last_beat(400 * kMillisecond);
            expect_mode(silent, "silent");
            last_beat(0);
            EXPECT_EQ(told(Direction::kIn, kStrange), "diverted+1") << "it beats again, " << silent.sentence;
        }
    }
}

TEST_F(SilentEngine, that_is_not_there_at_all_follows_unknown_whatever_silent_says) {
    last_beat(400 * kMillisecond);
    for (const Mode& unknown : kUnknownModes) {
        for (const Mode& silent : kSilentModes) {
            attach(kAskedBoth | unknown.flags | silent.flags);
            expect_mode(unknown, "unattended");
        }
    }
}

TEST_F(SilentEngine, closes_what_no_hook_asks_about_only_in_mode_closed) {
    serve();
    last_beat(400 * kMillisecond);
    for (const Mode& silent : kSilentModes) {
        attach(silent.flags);
        EXPECT_EQ(told(Direction::kIn, kStrange),
                  (silent.flags & PFILD_SILENT_CLOSED) != 0 ? "dropped_silent+1 shot" : "passed_unhooked+1");
    }
}

TEST_F(SilentEngine, that_has_never_beaten_is_silent) {
    serve();
    attach(kAskedBoth);
    programs().beat().told_ns = 0;
    EXPECT_EQ(told(Direction::kIn, kStrange), "dropped_silent+1 shot");
}

TEST_F(SilentEngine, whose_port_pair_is_being_repaired_opens_nothing) {
    ASSERT_TRUE(programs().show_life());
    last_beat(400 * kMillisecond);
    for (const Mode& silent : kSilentModes) {
        attach(kAskedBoth | silent.flags);
        const bool closed = (silent.flags & PFILD_SILENT_CLOSED) != 0;
        EXPECT_EQ(told(Direction::kIn, kStrange), closed ? "dropped_silent+1 shot" : "dropped_repairing+1 shot");
    }
}

} // namespace
} // namespace pfild::tests
