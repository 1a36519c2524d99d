// SPDX-License-Identifier: BSD-2-Clause
// Hooks that run in the kernel, over chains in memory: what heads find is always whole, and nothing that was counted is
// lost or counted twice.
#include "daemon/rules/lowered_hooks.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cbpf/program.h"
#include "core/pfil/cbpf_hook.h"

namespace pfild::rules {
namespace {

using core::Direction;
using core::RunsIn;
using ebpf::Place;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NobodyListens final : public core::SnapshotPublisher {
  public:
    void publish(std::shared_ptr<const core::Snapshot> /*snapshot*/) override {}
};

class FakeChains;

class FakeChain final : public LoadedChain {
  public:
    FakeChain(FakeChains& chains, std::size_t hooks) : counted(hooks), chains_(chains) {}
    FakeChain(const FakeChain&) = delete;
    FakeChain& operator=(const FakeChain&) = delete;
    FakeChain(FakeChain&&) = delete;
    FakeChain& operator=(FakeChain&&) = delete;
    ~FakeChain() override;
    [[nodiscard]] std::vector<core::HookTally> tallies() const override { return counted; }

    [[nodiscard]] std::optional<std::vector<std::uint32_t>>
    ns_of(std::span<const std::vector<std::uint8_t>> /*frames*/) const override {
        return std::nullopt;
    }

    std::vector<core::HookTally> counted;

  private:
    FakeChains& chains_;
};

class FakeChains final : public Chains {
  public:
    [[nodiscard]] core::Result<std::shared_ptr<LoadedChain>> load(std::span<const ebpf::Instruction> /*code*/,
                                                                  Place /*place*/, std::size_t hooks) override {
        loaded++;
        if (hooks > takes) {
            return core::fail({"load", "", "the verifier says no", "", EACCES});
        }
        return std::make_shared<FakeChain>(*this, hooks);
    }
    [[nodiscard]] core::Result<void> show(const LaneHead& head, const LoadedChain& chain) override {
        if (!shows) {
            return core::fail({"set chain", "", "no memory", "", ENOMEM});
        }
        const auto [at, fresh] = found.try_emplace(head, &chain);
        if (!fresh) {
            running.insert(std::exchange(at->second, &chain));
        }
        return {};
    }
    void hide(const LaneHead& head) noexcept override {
        if (const auto at = found.find(head); at != found.end()) {
            running.insert(at->second);
            found.erase(at);
        }
    }
    void await_packets() noexcept override {
        awaited++;
        running.clear();
    }
    [[nodiscard]] FakeChain& at(const LaneHead& head) {
        return const_cast<FakeChain&>(dynamic_cast<const FakeChain&>(*found.at(head))); // NOLINT(*-const-cast)
    }

    std::map<LaneHead, const LoadedChain*> found; ///< by heads
    std::set<const LoadedChain*> running;         ///< packets may be in it still
    std::size_t takes = 100;                      ///< the longest that the kernel takes
    bool shows = true;
    std::size_t loaded = 0;
    std::size_t awaited = 0;
    std::size_t torn = 0; ///< chains that ended while a packet could be in them
};

FakeChain::~FakeChain() {
    for (const auto& [head, chain] : chains_.found) {
        chains_.torn += chain == this ? 1U : 0U;
    }
    chains_.torn += chains_.running.count(this);
}

class LoweredHooksTest : public ::testing::Test {
  protected:
    LoweredHooksTest() {
        EXPECT_TRUE(registry_.register_head({.name = "inet", .type = core::HeadType::kInet}));
        EXPECT_TRUE(registry_.register_head({.name = "eth0", .type = core::HeadType::kEthernet, .slot = 3}));
        EXPECT_TRUE(registry_.register_head({.name = "eth1", .type = core::HeadType::kEthernet, .slot = 4}));
    }
    ~LoweredHooksTest() override {
        EXPECT_EQ(chains_.torn, 0);
        lowered_.reset();
        EXPECT_THAT(chains_.found, IsEmpty());
    }
    LoweredHooksTest(const LoweredHooksTest&) = delete;
    LoweredHooksTest& operator=(const LoweredHooksTest&) = delete;
    LoweredHooksTest(LoweredHooksTest&&) = delete;
    LoweredHooksTest& operator=(LoweredHooksTest&&) = delete;

    /// It wants every packet: the time to live decides.
    std::shared_ptr<core::Hook> made(const std::string& name, RunsIn run = RunsIn::kAutomatic,
                                     unsigned char field = 8) {
        const std::vector<cbpf::Instruction> code{{0x30, 0, 0, field}, {0x16, 0, 0, 0}};
        return std::make_shared<core::CbpfHook>(
            core::CbpfHookSpec{.name = name, .type = core::HeadType::kInet, .filter = {}, .runs_in = run},
            cbpf::Program::verify(code).value());
    }
    void add(const std::string& name, RunsIn run = RunsIn::kAutomatic) {
        ASSERT_TRUE(registry_.add_hook(made(name, run)));
        ASSERT_TRUE(registry_.link({.hook = name, .head = "inet", .directions = {true, false}, .append = true}));
    }
    void put_in_force(const std::set<LaneHead>& heads) {
        lowered_->install(lowered_->prepare(heads));
        lowered_->await_old_chains();
    }
    [[nodiscard]] std::string placed(Direction direction = Direction::kIn) const {
        const core::LanePlacement* const lane = lowered_->placement(3, direction);
        std::string all;
        for (const core::PlacedHook& one : lane == nullptr ? std::vector<core::PlacedHook>() : lane->hooks) {
            all += (all.empty() ? "" : " ") + one.hook->name() + (one.because ? ":engine" : ":kernel");
        }
        return all;
    }
    [[nodiscard]] std::uint64_t seen_by(const std::string& name) const {
        lowered_->refresh_counters();
        return registry_.find_hook(name)->tally.seen_packets;
    }

    static constexpr LaneHead kTc{3, Direction::kIn, Place::kTc};
    static constexpr LaneHead kXdp{3, Direction::kIn, Place::kXdp};
    static constexpr LaneHead kOther{4, Direction::kIn, Place::kTc};
    NobodyListens nobody_;
    core::Registry registry_{nobody_};
    FakeChains chains_;
    std::unique_ptr<LoweredHooks> lowered_ = std::make_unique<LoweredHooks>(chains_, registry_, core::Fragments::kPass);
};

TEST_F(LoweredHooksTest, are_found_when_they_are_installed_and_not_before) {
    add("a:a");
    auto next = lowered_->prepare({kTc});
    EXPECT_THAT(chains_.found, IsEmpty());
    EXPECT_EQ(placed(), "");
    lowered_->install(std::move(next));
    EXPECT_TRUE(chains_.found.contains(kTc));
    EXPECT_EQ(placed(), "a:a:kernel");
    EXPECT_EQ(lowered_->chained(3), (core::Directions{true, false}));
    EXPECT_EQ(lowered_->chained(4), core::Directions());
    EXPECT_THAT(lowered_->heads(), ElementsAre(kTc));
}

TEST_F(LoweredHooksTest, that_stay_as_they_are_cost_nothing) {
    add("a:a");
    put_in_force({kTc});
    const std::size_t loaded = chains_.loaded;
    const std::size_t awaited = chains_.awaited;
    put_in_force({kTc});
    EXPECT_EQ(chains_.loaded, loaded);
    EXPECT_EQ(chains_.awaited, awaited);
}

TEST_F(LoweredHooksTest, keep_what_they_have_counted_whatever_takes_their_place) {
    add("a:a");
    put_in_force({kTc});
    chains_.at(kTc).counted[0].seen_packets = 5;
    EXPECT_EQ(seen_by("a:a"), 5);
    add("b:b");
    auto next = lowered_->prepare({kTc});
    FakeChain& old = chains_.at(kTc);
    lowered_->install(std::move(next));
    old.counted[0].seen_packets = 6; // a packet that was in it
    chains_.at(kTc).counted[0].seen_packets = 10;
    lowered_->await_old_chains();
    EXPECT_EQ(seen_by("a:a"), 16);
    EXPECT_EQ(seen_by("b:b"), 0);
    put_in_force({}); // the interface is detached
    EXPECT_EQ(seen_by("a:a"), 16);
    put_in_force({kTc, kXdp});
    chains_.at(kTc).counted[0].seen_packets = 1;
    chains_.at(kXdp).counted[0].seen_packets = 2;
    EXPECT_EQ(seen_by("a:a"), 19);
}

TEST_F(LoweredHooksTest, are_made_shorter_until_the_kernel_takes_them_and_say_why) {
    for (const char* name : {"a:a", "b:b", "c:c", "d:d"}) {
        add(name);
    }
    chains_.takes = 2;
    put_in_force({kTc});
    EXPECT_EQ(placed(), "a:a:kernel b:b:kernel c:c:engine d:d:engine");
    EXPECT_EQ(lowered_->placement(3, Direction::kIn)->hooks[2].because, "the verifier says no");
    chains_.takes = 0;
    ASSERT_TRUE(registry_.replace_hook(made("a:a", RunsIn::kAutomatic, 9)));
    put_in_force({kTc});
    EXPECT_EQ(placed(), "a:a:engine b:b:engine c:c:engine d:d:engine");
    EXPECT_THAT(chains_.found, IsEmpty());
    EXPECT_EQ(lowered_->chained(3), core::Directions());
}

TEST_F(LoweredHooksTest, that_heads_cannot_be_shown_run_in_the_engine_and_are_tried_again) {
    add("a:a");
    put_in_force({kTc});
    chains_.at(kTc).counted[0].seen_packets = 4;
    chains_.shows = false;
    add("b:b", RunsIn::kKernel);
    put_in_force({kTc});
    EXPECT_THAT(chains_.found, IsEmpty()) << "nor the old one, which lacks a hook";
    EXPECT_EQ(placed(), "a:a:engine b:b:engine");
    EXPECT_EQ(lowered_->placement(3, Direction::kIn)->hooks[0].because, "no memory");
    EXPECT_FALSE(lowered_->keeps_promises());
    EXPECT_EQ(seen_by("a:a"), 4);
    chains_.shows = true;
    put_in_force({kTc});
    EXPECT_EQ(placed(), "a:a:kernel b:b:kernel");
    EXPECT_TRUE(lowered_->keeps_promises());
    EXPECT_TRUE(chains_.found.contains(kTc));
}

TEST_F(LoweredHooksTest, that_are_to_run_in_the_kernel_and_cannot_are_told_before_anything_changes) {
    add("a:a");
    put_in_force({kTc});
    const auto before = chains_.found;
    chains_.takes = 1;
    add("b:b", RunsIn::kKernel);
    {
        const auto next = lowered_->prepare({kTc});
        const auto kept = next.keeps_promises();
        ASSERT_FALSE(kept);
        EXPECT_EQ(kept.error().code, EOPNOTSUPP);
        EXPECT_EQ(kept.error().object, "b:b");
        EXPECT_THAT(kept.error().why, HasSubstr("the verifier says no"));
    } // and is given up
    EXPECT_EQ(chains_.found, before);
    EXPECT_EQ(placed(), "a:a:kernel");
    EXPECT_TRUE(lowered_->keeps_promises());
}

TEST_F(LoweredHooksTest, of_the_head_that_is_asked_first_are_what_counts) {
    add("a:a", RunsIn::kKernel);
    put_in_force({kTc, kXdp});
    EXPECT_EQ(chains_.found.size(), 2);
    put_in_force({kTc});
    EXPECT_FALSE(chains_.found.contains(kXdp));
    EXPECT_EQ(placed(), "a:a:kernel");
}

TEST_F(LoweredHooksTest, of_lanes_that_ask_the_same_are_loaded_once_a_change) {
    for (std::size_t number = 1; number <= 4; number++) {
        add("a:" + std::to_string(number));
        put_in_force({kTc, kOther, kXdp});
        EXPECT_EQ(chains_.loaded, 2 * number) << "for TC, and for XDP";
        EXPECT_EQ(chains_.found.at(kTc), chains_.found.at(kOther));
        EXPECT_NE(chains_.found.at(kTc), chains_.found.at(kXdp));
    }
    put_in_force({kTc, kXdp});
    put_in_force({kTc, kOther, kXdp}); // it comes again
    EXPECT_EQ(chains_.loaded, 8);
    EXPECT_EQ(chains_.found.at(kTc), chains_.found.at(kOther));
}

TEST_F(LoweredHooksTest, that_the_kernel_refuses_are_not_tried_again_for_each_lane) {
    for (const char* name : {"a:a", "b:b", "c:c"}) {
        add(name);
    }
    chains_.takes = 2;
    put_in_force({kTc, kOther});
    EXPECT_EQ(chains_.loaded, 2) << "with three hooks, and with two";
    EXPECT_EQ(chains_.found.at(kTc), chains_.found.at(kOther));
    EXPECT_EQ(lowered_->placement(4, Direction::kIn)->hooks[2].because, "the verifier says no");
}

TEST_F(LoweredHooksTest, that_lanes_share_are_counted_once_and_not_past_while_one_asks_them) {
    add("a:a");
    put_in_force({kTc, kOther});
    chains_.at(kTc).counted[0].seen_packets = 5;
    EXPECT_EQ(seen_by("a:a"), 5);
    put_in_force({kOther});
    chains_.at(kOther).counted[0].seen_packets = 7;
    EXPECT_EQ(seen_by("a:a"), 7);
    add("b:b"); // another chain for the one that is left
    put_in_force({kOther});
    EXPECT_EQ(seen_by("a:a"), 7);
    put_in_force({});
    EXPECT_EQ(seen_by("a:a"), 7);
}

TEST_F(LoweredHooksTest, that_lanes_shared_go_past_once_when_all_leave_them_together) {
    add("a:a");
    put_in_force({kTc, kOther});
    chains_.at(kTc).counted[0].seen_packets = 5;
    add("b:b");
    put_in_force({kTc, kOther});
    EXPECT_EQ(seen_by("a:a"), 5);
    put_in_force({});
    EXPECT_EQ(seen_by("a:a"), 5);
}

TEST_F(LoweredHooksTest, are_tried_alone_before_they_are_linked) {
    EXPECT_TRUE(lowered_->takes(*made("a:a")));
    chains_.takes = 0;
    const auto refused = lowered_->takes(*made("a:a"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EOPNOTSUPP);
    EXPECT_EQ(refused.error().object, "a:a");
    EXPECT_EQ(refused.error().why, "the verifier says no");
    EXPECT_THAT(chains_.found, IsEmpty());
}

} // namespace
} // namespace pfild::rules
