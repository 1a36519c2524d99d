// SPDX-License-Identifier: BSD-2-Clause
// What hooks cost, over chains in memory and a clock that a test moves: each is measured once, and nobody is kept
// waiting.
#include "daemon/rules/hook_costs.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "core/pfil/cbpf_hook.h"
#include "daemon/rules/sample_frames.h"

namespace pfild::rules {
namespace {

constexpr std::uint64_t kReadingNs = 30'000; ///< that the clock goes on each time it is read

class TimedChain final : public LoadedChain {
  public:
    explicit TimedChain(std::optional<std::uint32_t> ns) : ns_(ns) {}
    [[nodiscard]] std::vector<core::HookTally> tallies() const override { return {}; }
    /// Now and then a frame is disturbed, each time another.
    [[nodiscard]] std::optional<std::vector<std::uint32_t>>
    ns_of(std::span<const std::vector<std::uint8_t>> frames) const override {
        if (!ns_) {
            return std::nullopt;
        }
        std::vector<std::uint32_t> all(frames.size(), *ns_);
        all[asked_++ % all.size()] += 1000;
        return all;
    }

  private:
    std::optional<std::uint32_t> ns_;
    mutable std::size_t asked_ = 0;
};

/// Chains of which one hook costs 12 ns, and the rest 30.
class TimedChains final : public Chains {
  public:
    [[nodiscard]] core::Result<std::shared_ptr<LoadedChain>> load(std::span<const ebpf::Instruction> /*code*/,
                                                                  ebpf::Place /*place*/, std::size_t hooks) override {
        loaded++;
        if (!loads) {
            return core::fail({"load", "", "the verifier says no", "", EACCES});
        }
        const auto ns = static_cast<std::uint32_t>(30 + 12 * hooks);
        return std::make_shared<TimedChain>(runs ? std::optional(ns) : std::nullopt);
    }
    [[nodiscard]] core::Result<void> show(const LaneHead& /*head*/, const LoadedChain& /*chain*/) override {
        shown++;
        return {};
    }
    void hide(const LaneHead& /*head*/) noexcept override {}
    void await_packets() noexcept override {}

    bool loads = true;
    bool runs = true;
    std::size_t loaded = 0;
    std::size_t shown = 0;
};

std::shared_ptr<core::Hook> hook(const std::string& name, core::HeadType type = core::HeadType::kInet) {
    auto program = cbpf::Program::verify(std::array<cbpf::Instruction, 4>{
        {{0x30, 0, 0, 8}, {0x15, 0, 1, 1}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}}}); // time to live 1
    return std::make_shared<core::CbpfHook>(core::CbpfHookSpec{.name = name, .type = type}, *std::move(program));
}

struct Costs : ::testing::Test {
    void measure(const std::vector<std::shared_ptr<core::Hook>>& hooks, std::optional<ebpf::Place> place) {
        costs.measure(hooks, [place](const core::Hook&) { return place; });
    }

    std::uint64_t now = 0;
    std::uint64_t reading = kReadingNs;
    TimedChains chains;
    HookCosts costs{chains, [this] { return now += reading; }};
};

TEST_F(Costs, are_of_the_engine_where_a_hook_does_not_run_in_the_kernel) {
    const auto one = hook("cbpf:a");
    EXPECT_EQ(one->cost(), core::HookCost());
    measure({one}, std::nullopt);
    // A round is one pass over the frames, as it already takes longer than a round has to.
    EXPECT_DOUBLE_EQ(one->cost().engine_ns.value_or(0), static_cast<double>(kReadingNs) / 4);
    EXPECT_EQ(one->cost().kernel_ns, std::nullopt);
    EXPECT_EQ(chains.loaded, 0U);
}

TEST_F(Costs, in_the_kernel_are_what_one_hook_more_takes) {
    for (const auto type : {core::HeadType::kInet, core::HeadType::kInet6, core::HeadType::kEthernet}) {
        const auto one = hook("cbpf:a", type);
        measure({one}, ebpf::Place::kXdp);
        EXPECT_DOUBLE_EQ(one->cost().kernel_ns.value_or(0), 12)
            << core::kHeadTypeNames.at(static_cast<std::size_t>(type));
    }
    EXPECT_EQ(chains.shown, 0U);
}

TEST_F(Costs, are_measured_once) {
    const auto one = hook("cbpf:a");
    measure({one}, std::nullopt);
    const core::HookCost before = one->cost();
    reading = 7 * kReadingNs;
    measure({one}, std::nullopt);
    EXPECT_EQ(one->cost(), before);
    measure({one}, ebpf::Place::kTc); // it has come into the kernel since
    EXPECT_EQ(one->cost().engine_ns, before.engine_ns);
    EXPECT_TRUE(one->cost().kernel_ns);
    const std::size_t loaded = chains.loaded;
    measure({one}, ebpf::Place::kTc);
    EXPECT_EQ(chains.loaded, loaded);
}

TEST_F(Costs, that_the_kernel_does_not_tell_are_asked_for_once) {
    for (bool* const works : {&chains.loads, &chains.runs}) {
        *works = false;
        const auto one = hook("cbpf:a");
        measure({one}, ebpf::Place::kTc);
        EXPECT_TRUE(one->cost().engine_ns);
        EXPECT_EQ(one->cost().kernel_ns, std::nullopt);
        const std::size_t loaded = chains.loaded;
        measure({one}, ebpf::Place::kTc);
        EXPECT_EQ(chains.loaded, loaded);
        *works = true;
    }
}

TEST_F(Costs, take_no_more_time_than_there_is_and_the_next_look_goes_on) {
    reading = HookCosts::kMostNs / 20; // a hook takes ten readings and one
    std::vector<std::shared_ptr<core::Hook>> hooks{hook("cbpf:0"), hook("cbpf:1"), hook("cbpf:2"), hook("cbpf:3")};
    const auto known = [&] {
        return std::count_if(hooks.begin(), hooks.end(), [](const auto& one) { return one->cost().engine_ns; });
    };
    measure(hooks, std::nullopt);
    EXPECT_EQ(known(), 2);
    measure(hooks, std::nullopt);
    EXPECT_EQ(known(), 4);
    reading = HookCosts::kMostNs; // at least one is measured
    hooks.push_back(hook("cbpf:late"));
    measure(hooks, std::nullopt);
    EXPECT_EQ(known(), 5);
}

TEST(SampleFrames, are_what_a_hook_of_the_type_is_shown) {
    EXPECT_EQ(sample_frames(core::HeadType::kEthernet).size(), 8U);
    for (const auto& [type, version] : {std::pair(core::HeadType::kInet, 4), std::pair(core::HeadType::kInet6, 6)}) {
        const auto frames = sample_frames(type);
        EXPECT_EQ(frames.size(), 4U);
        for (const auto& frame : frames) {
            EXPECT_EQ(frame.at(kNetworkOfSample) >> 4U, version);
        }
    }
}

} // namespace
} // namespace pfild::rules
