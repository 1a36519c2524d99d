// SPDX-License-Identifier: BSD-2-Clause
// Test 11 of the contract's list: links come and go while packets flow. No packet is lost, and no hook sees one after
// its unlink returned. The reader works as the engine does: a quiescent point, a batch, now and then offline.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "core/pfil/publication.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

constexpr int kPairs = 100'000;
constexpr int kFewestPairs = 100; // on a machine so busy that the time is over first
constexpr std::chrono::seconds kTime{3};
constexpr int kBatch = 4;

/// Counts the packets that it sees, and those that it sees while it is not linked.
class Guarded final : public Hook {
  public:
    explicit Guarded(std::string name) : Hook(std::move(name), HeadType::kInet) {}
    [[nodiscard]] std::string_view module() const override { return "guarded"; }
    [[nodiscard]] Verdict run(Packet&) noexcept override {
        seen_.store(seen_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        if (!linked_.load(std::memory_order_relaxed)) {
            late_.store(late_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        return Verdict::pass();
    }
    void set_linked(bool linked) { linked_.store(linked, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t seen() const { return seen_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t late() const { return late_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> linked_{false};
    std::atomic<std::uint64_t> seen_{0};
    std::atomic<std::uint64_t> late_{0};
};

/// The engine's side: carries packets until told to stop, counts those that came through.
class Traffic {
  public:
    explicit Traffic(Publication& publication) : thread_([this, &publication] { carry(publication); }) {
        while (sent_.load() == 0) {
            std::this_thread::yield();
        }
    }
    void stop() {
        stop_.store(true);
        thread_.join();
    }
    [[nodiscard]] std::uint64_t sent() const { return sent_.load(); }
    [[nodiscard]] std::uint64_t passed() const { return passed_.load(); }

  private:
    void carry(Publication& publication) {
        Buffers buffers(8);
        const Bytes bytes = ethernet({}, kTypeIpv4, ipv4(udp(53)));
        for (std::uint64_t round = 1; !stop_.load(std::memory_order_relaxed); round++) {
            const Snapshot& snapshot = publication.quiescent();
            for (int i = 0; i < kBatch; i++) {
                Frame frame = buffers.frame(bytes);
                PacketView view = parse(frame);
                const Verdict verdict = run_heads(snapshot, {}, frame, view);
                sent_.store(sent_.load(std::memory_order_relaxed) + 1);
                passed_.store(passed_.load(std::memory_order_relaxed) + (verdict == Verdict::pass() ? 1 : 0));
            }
            if (round % 64 == 0) {
                publication.offline();
                publication.online();
            }
        }
        publication.offline();
        buffers.expect_all_free();
    }

    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> passed_{0};
    std::thread thread_; // last: it uses the others
};

/// Whether there is time for another round; a publish takes microseconds, or a time slice when others use the CPUs.
class Budget {
  public:
    [[nodiscard]] bool left() const { return std::chrono::steady_clock::now() < end_; }

  private:
    std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + kTime;
};

class RelinkStorm : public ::testing::Test {
  protected:
    RelinkStorm() {
        expect_ok(registry_.register_head({.name = "inet", .type = HeadType::kInet}));
        expect_ok(registry_.add_hook(witness_));
        witness_->set_linked(true);
        expect_ok(registry_.link({.hook = "t:witness", .head = "inet", .directions = kBoth}));
    }
    void expect_nothing_lost(const Traffic& traffic) {
        EXPECT_EQ(traffic.passed(), traffic.sent());
        EXPECT_EQ(witness_->seen(), traffic.sent()) << "a hook that stays linked sees every packet";
        EXPECT_EQ(witness_->late(), 0U);
    }

    Publication publication_;
    Registry registry_{publication_};
    std::shared_ptr<Guarded> witness_ = std::make_shared<Guarded>("t:witness");
};

TEST_F(RelinkStorm, PF_11_PF_17_test_11_loses_no_packet_and_shows_none_after_unlink) {
    const auto guarded = std::make_shared<Guarded>("t:guarded");
    expect_ok(registry_.add_hook(guarded));
    const LinkRequest request{.hook = "t:guarded", .head = "inet", .directions = kBoth};
    Traffic traffic(publication_);
    const Budget budget;
    int pair = 0;
    for (; pair < kPairs && budget.left(); pair++) {
        guarded->set_linked(true);
        ASSERT_TRUE(registry_.link(request).has_value());
        ASSERT_TRUE(registry_.unlink(request).has_value());
        guarded->set_linked(false);
    }
    traffic.stop();
    expect_nothing_lost(traffic);
    RecordProperty("pairs", pair);
    EXPECT_GE(pair, kFewestPairs);
    EXPECT_GT(guarded->seen(), 0U) << "the storm never met a packet";
    EXPECT_EQ(guarded->late(), 0U);
}

// The hook is freed by its removal: were it still in use, the sanitizers would say so.
TEST_F(RelinkStorm, PF_11_a_removed_hook_is_gone) {
    Traffic traffic(publication_);
    const Budget budget;
    int round = 0;
    for (; round < kPairs / 20 && budget.left(); round++) {
        auto guarded = std::make_shared<Guarded>("t:guarded");
        guarded->set_linked(true);
        const std::weak_ptr<Guarded> weak = guarded;
        ASSERT_TRUE(registry_.add_hook(std::move(guarded)).has_value());
        ASSERT_TRUE(registry_.link({.hook = "t:guarded", .head = "inet", .directions = kBoth}).has_value());
        ASSERT_TRUE(registry_.remove_hook("t:guarded").has_value());
        ASSERT_TRUE(weak.expired());
    }
    traffic.stop();
    expect_nothing_lost(traffic);
    EXPECT_GE(round, kFewestPairs);
}

} // namespace
} // namespace pfild::core
