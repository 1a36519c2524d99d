// SPDX-License-Identifier: BSD-2-Clause
// Publication: when an old snapshot may go, and when no hook runs. Threads meet through atomics, nothing sleeps.
#include <atomic>
#include <memory>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "core/pfil/publication.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

void wait_for(const std::atomic<bool>& flag) {
    while (!flag.load()) {
        std::this_thread::yield();
    }
}

/// Gives others every chance to do what they must not do.
void linger() {
    for (int i = 0; i < 200; i++) {
        std::this_thread::yield();
    }
}

/// A snapshot with one hook on the inet head, both ways.
std::shared_ptr<const Snapshot> snapshot_with(const std::shared_ptr<Hook>& hook) {
    auto snapshot = std::make_shared<Snapshot>();
    for (const Direction direction : kEachDirection) {
        snapshot->set_run_order({HeadType::kInet, {}}, direction, std::vector{hook});
    }
    return snapshot;
}

TEST(Publication, begins_with_nothing_to_run) {
    Publication publication;
    EXPECT_FALSE(publication.quiescent().hooked(0, Direction::kIn));
    publication.offline();
}

TEST(Publication, gives_the_newest_snapshot_and_frees_the_old_one_at_once_when_the_reader_is_offline) {
    Publication publication;
    auto first = std::make_shared<const Snapshot>();
    auto second = std::make_shared<const Snapshot>();
    const std::weak_ptr<const Snapshot> old = first;
    const Snapshot* newest = second.get();
    publication.publish(std::move(first));
    EXPECT_FALSE(old.expired());
    publication.publish(std::move(second));
    EXPECT_TRUE(old.expired());
    publication.online();
    EXPECT_EQ(&publication.quiescent(), newest);
    EXPECT_EQ(&publication.quiescent(), newest);
    publication.offline();
    auto third = std::make_shared<const Snapshot>();
    newest = third.get();
    publication.publish(std::move(third));
    EXPECT_EQ(&publication.quiescent(), newest) << "quiescent() alone brings the reader back, too";
    publication.offline();
}

TEST(Publication, PF_03_waits_while_the_reader_may_use_the_old_snapshot) {
    for (const bool goes_offline : {false, true}) {
        SCOPED_TRACE(goes_offline ? "until it goes offline" : "until its next quiescent point");
        Publication publication;
        auto first = std::make_shared<const Snapshot>();
        const std::weak_ptr<const Snapshot> old = first;
        publication.publish(std::move(first));

        publication.online();
        const Snapshot& held = publication.quiescent();
        std::atomic<bool> published{false};
        std::thread writer([&] {
            publication.publish(std::make_shared<const Snapshot>());
            published.store(true);
        });
        linger();
        EXPECT_FALSE(published.load());
        EXPECT_FALSE(old.expired());
        EXPECT_FALSE(held.hooked(0, Direction::kIn)) << "still there to be read";
        // The writer may not have begun yet: the reader says it again until the writer has heard it.
        while (!published.load()) {
            if (goes_offline) {
                publication.offline();
            } else {
                static_cast<void>(publication.quiescent());
            }
        }
        writer.join();
        EXPECT_TRUE(old.expired());
        publication.offline();
    }
}

// A publisher in front of a Publication that says when a change is on its way.
class Announced final : public SnapshotPublisher {
  public:
    explicit Announced(Publication& publication) : publication_(publication) {}
    void publish(std::shared_ptr<const Snapshot> snapshot) override {
        publishing.store(true);
        publication_.publish(std::move(snapshot));
    }
    std::atomic<bool> publishing{false};

  private:
    Publication& publication_;
};

TEST(Publication, PF_03_PF_11_test_16_a_change_returns_only_after_the_running_hook_has_returned) {
    struct Row {
        const char* sentence;
        Result<void> (*change)(Registry& registry);
    };
    for (const Row& row : {
             Row{"unregister the head", [](Registry& registry) { return registry.unregister_head("inet"); }},
             Row{"remove the hook", [](Registry& registry) { return registry.remove_hook("t:a"); }},
             Row{"unlink it",
                 [](Registry& registry) {
                     return registry.unlink({.hook = "t:a", .head = "inet", .directions = kBoth});
                 }},
         }) {
        SCOPED_TRACE(row.sentence);
        Publication publication;
        Announced announced(publication);
        Registry registry(announced);
        std::atomic<bool> inside{false};
        std::atomic<bool> leave{false};
        std::atomic<bool> left{false};
        expect_ok(registry.register_head({.name = "inet", .type = HeadType::kInet}));
        expect_ok(registry.add_hook(hook("t:a", HeadType::kInet, [&](Packet&) {
            inside.store(true);
            wait_for(leave);
            left.store(true);
            return Verdict::pass();
        })));
        expect_ok(registry.link({.hook = "t:a", .head = "inet", .directions = kBoth}));
        announced.publishing.store(false);

        std::thread reader([&] {
            Buffers buffers;
            publication.online();
            Frame frame = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(53))));
            PacketView view = parse(frame);
            EXPECT_EQ(run_heads(publication.quiescent(), {}, frame, view), Verdict::pass());
            publication.offline();
        });
        wait_for(inside);
        std::atomic<bool> changed{false};
        std::thread writer([&] {
            expect_ok(row.change(registry));
            EXPECT_TRUE(left.load()) << "returned while the hook was running";
            changed.store(true);
        });
        wait_for(announced.publishing);
        linger();
        EXPECT_FALSE(changed.load());
        leave.store(true);
        writer.join();
        reader.join();
    }
}

TEST(Publication, PF_18_no_hook_runs_during_an_exclusive) {
    Publication publication;
    std::atomic<std::uint64_t> runs{0};
    publication.publish(snapshot_with(hook("t:a", HeadType::kInet, [&](Packet&) {
        runs.fetch_add(1);
        return Verdict::pass();
    })));
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        Buffers buffers;
        Frame frame = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(53))));
        PacketView view = parse(frame);
        publication.online();
        while (!stop.load()) {
            EXPECT_EQ(run_heads(publication.quiescent(), {}, frame, view), Verdict::pass());
        }
        publication.offline();
    });
    for (int round = 0; round < 20; round++) {
        const std::uint64_t before = runs.load();
        while (runs.load() == before) {
            std::this_thread::yield(); // it runs again after the last one
        }
        const Publication::Exclusive exclusive = publication.exclude();
        const std::uint64_t during = runs.load();
        linger();
        EXPECT_EQ(runs.load(), during);
    }
    stop.store(true);
    reader.join();
    EXPECT_GT(publication.times_held(), 0U);
    EXPECT_LE(publication.times_held(), 20U);
}

TEST(Publication, PF_18_an_exclusive_holds_a_reader_that_wakes_up) {
    Publication publication;
    std::atomic<bool> up{false};
    std::thread reader;
    {
        Publication::Exclusive first = publication.exclude(); // at once: the reader is offline
        const Publication::Exclusive exclusive = std::move(first);
        reader = std::thread([&] {
            publication.online();
            static_cast<void>(publication.quiescent());
            up.store(true);
            publication.offline();
        });
        while (publication.times_held() == 0) {
            std::this_thread::yield();
        }
        linger();
        EXPECT_FALSE(up.load());
    }
    reader.join();
    EXPECT_TRUE(up.load());
    EXPECT_EQ(publication.times_held(), 1U);
}

// What PF-18 is for: a filter with one state across heads, here two plain numbers that are always equal.
TEST(Publication, PF_18_a_filter_changes_its_state_and_its_rules_as_one) {
    Publication publication;
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    std::atomic<std::uint64_t> runs{0};
    const auto compare = [&](Packet&) {
        EXPECT_EQ(first, second);
        runs.fetch_add(1, std::memory_order_relaxed);
        return Verdict::pass();
    };
    publication.publish(snapshot_with(hook("t:a", HeadType::kInet, compare)));
    std::atomic<bool> stop{false};
    std::thread reader([&] {
        Buffers buffers;
        Frame frame = buffers.frame(ethernet({}, kTypeIpv4, ipv4(udp(53))));
        PacketView view = parse(frame);
        for (std::uint64_t round = 0; !stop.load(); round++) {
            static_cast<void>(run_heads(publication.quiescent(), {}, frame, view));
            if (round % 16 == 0) { // sleeps now and then
                publication.offline();
                publication.online();
            }
        }
        publication.offline();
    });
    while (runs.load() == 0) {
        std::this_thread::yield();
    }
    for (int round = 0; round < 2000; round++) {
        const Publication::Exclusive exclusive = publication.exclude();
        first++;
        publication.publish(snapshot_with(hook("t:b", HeadType::kInet, compare))); // does not wait for itself
        second++;
    }
    stop.store(true);
    reader.join();
    EXPECT_EQ(second, 2000U);
}

} // namespace
} // namespace pfild::core
