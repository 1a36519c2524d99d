// SPDX-License-Identifier: BSD-2-Clause
// New rules and known flows: what stays known, what is decided anew, and from when heads listen to it.
#include <vector>

#include <gtest/gtest.h>

#include "core/flow/flow_entry.h"
#include "core/flow/flow_key.h"
#include "core/flow/flow_rules.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kIfindex = 7;

// Answers by the local port of what it is shown: that is all of the packet that it looks at.
class PortHook final : public Hook {
  public:
    PortHook(std::string name, std::uint16_t dropped, bool lasts)
        : Hook(std::move(name), HeadType::kInet), dropped_(dropped), lasts_(lasts) {}

    [[nodiscard]] std::string_view module() const override { return "port"; }
    [[nodiscard]] Verdict run(Packet& packet) noexcept override {
        ran++;
        return foresee(packet);
    }
    [[nodiscard]] Verdict foresee(const Packet& packet) const noexcept override {
        std::array<std::uint8_t, 2> port{};
        const std::size_t at = packet.offset + (packet.direction == Direction::kIn ? 22 : 20);
        const bool drops =
            packet.frame.copy_out(static_cast<std::uint32_t>(at), port) && (port[0] << 8U | port[1]) == dropped_;
        return (drops ? Verdict::dropped() : Verdict::pass()).lasting(lasts_);
    }

    int ran = 0;

  private:
    std::uint16_t dropped_;
    bool lasts_;
};

// The engine's end of a publication: looks at the table at the moment when the engine gets new rules.
class EngineEnd final : public SnapshotPublisher {
  public:
    void publish(std::shared_ptr<const Snapshot> snapshot) override {
        generation_then = state.generation;
        last = std::move(snapshot);
    }
    pfild_flow_state state{};
    std::uint32_t generation_then = 99;
    std::shared_ptr<const Snapshot> last;
};

class FlowRulesChange : public ::testing::Test {
  protected:
    FlowRulesChange() {
        rules_.use(entries_, engine_.state);
        rules_.add_interface(kIfindex, 0);
        expect_ok(registry_.register_head({.name = "inet", .type = HeadType::kInet}));
    }
    /// A flow to this local port, with these answers of the rules in force.
    void know(std::size_t place, std::uint16_t port, pfild_flow_answer in, pfild_flow_answer out,
              std::uint32_t ifindex = kIfindex) {
        Buffers buffers;
        const auto key =
            read_flow_key(buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(port)))), ifindex, Direction::kIn);
        write_key(entries_[place], *key);
        entries_[place].decision = PFILD_FLOW_DECISION(engine_.state.generation, in, out);
    }
    [[nodiscard]] unsigned answer(std::size_t place, Direction direction) const {
        const bool in_force = PFILD_FLOW_GENERATION(entries_[place].decision) == engine_.state.generation;
        return in_force ? PFILD_FLOW_ANSWER(entries_[place].decision, index(direction)) : unsigned{PFILD_FLOW_ASK};
    }
    std::shared_ptr<PortHook> link(const std::string& hook_name, std::uint16_t dropped, bool lasts,
                                   Directions directions = kBoth) {
        auto hook = std::make_shared<PortHook>(hook_name, dropped, lasts);
        expect_ok(registry_.add_hook(hook));
        expect_ok(registry_.link({.hook = hook_name, .head = "inet", .directions = directions}));
        return hook;
    }

    std::vector<pfild_flow> entries_ = std::vector<pfild_flow>(4);
    EngineEnd engine_;
    FlowRules rules_{engine_};
    Registry registry_{rules_};
};

TEST_F(FlowRulesChange, PF_17_known_flows_are_decided_anew_and_stay_known) {
    know(0, 23, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    know(1, 80, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    const auto hook = link("t:telnet", 23, true);
    EXPECT_EQ(engine_.state.generation, engine_.last->generation());
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_DROP);
    EXPECT_EQ(answer(0, Direction::kOut), PFILD_FLOW_DROP);
    EXPECT_EQ(answer(1, Direction::kIn), PFILD_FLOW_PASS);
    EXPECT_EQ(answer(1, Direction::kOut), PFILD_FLOW_PASS);
    EXPECT_EQ(hook->ran, 0) << "to foresee is not to run: nothing may be counted";
}

TEST_F(FlowRulesChange, what_was_dropped_and_now_passes_is_asked_about_as_more_of_it_may_be_on_its_way) {
    know(0, 80, PFILD_FLOW_DROP, PFILD_FLOW_PASS);
    link("t:telnet", 23, true);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_ASK);
    EXPECT_EQ(answer(0, Direction::kOut), PFILD_FLOW_PASS);
}

TEST_F(FlowRulesChange, each_direction_is_decided_by_the_hooks_of_that_direction) {
    know(0, 23, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    link("t:telnet", 23, true, kIn);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_DROP);
    EXPECT_EQ(answer(0, Direction::kOut), PFILD_FLOW_PASS);
}

TEST_F(FlowRulesChange, a_hook_that_wants_every_packet_gets_it_and_gives_it_back_through_the_engine) {
    know(0, 80, PFILD_FLOW_PASS, PFILD_FLOW_ASK);
    link("t:curious", 23, false);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_ASK);
    expect_ok(registry_.remove_hook("t:curious"));
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_ASK)
        << "packets may be on their way: only the engine knows when a pass may be used";
    EXPECT_EQ(answer(0, Direction::kOut), PFILD_FLOW_ASK);
}

TEST_F(FlowRulesChange, the_engine_has_the_new_rules_before_heads_stop_to_take_the_old_answers) {
    know(0, 80, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    const std::uint32_t before = engine_.state.generation;
    link("t:telnet", 23, true);
    EXPECT_EQ(engine_.generation_then, before);
    EXPECT_EQ(engine_.state.generation, before + 1);
}

TEST_F(FlowRulesChange, flows_of_an_interface_that_is_not_attached_are_asked_about) {
    know(0, 80, PFILD_FLOW_PASS, PFILD_FLOW_PASS, 1000);
    link("t:telnet", 23, true);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_ASK);
}

TEST_F(FlowRulesChange, what_the_engine_has_decided_by_the_new_rules_meanwhile_is_left_alone) {
    know(0, 80, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    entries_[0].decision = PFILD_FLOW_DECISION(engine_.state.generation + 1, PFILD_FLOW_DROP, PFILD_FLOW_ASK);
    link("t:telnet", 23, true);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_DROP);
    EXPECT_EQ(answer(0, Direction::kOut), PFILD_FLOW_ASK);
}

TEST_F(FlowRulesChange, the_generation_goes_on_where_the_last_run_ended_and_around) {
    engine_.state.generation = 0xffffffff;
    registry_.set_generation(0xffffffff);
    know(0, 80, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
    link("t:telnet", 23, true);
    EXPECT_EQ(engine_.state.generation, 0U);
    EXPECT_EQ(answer(0, Direction::kIn), PFILD_FLOW_PASS);
}

} // namespace
} // namespace pfild::core
