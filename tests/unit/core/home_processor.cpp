// SPDX-License-Identifier: BSD-2-Clause
// HomeProcessor: when the engine's thread may change its processor, and whom it obeys.
#include "core/home_processor.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace pfild::core {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

using Numbers = std::vector<std::size_t>;

Processors set_of(std::initializer_list<std::size_t> numbers) {
    Processors processors;
    for (const std::size_t number : numbers) {
        processors.set(number);
    }
    return processors;
}

// One thread and what it is allowed; the kernel moves it to the lowest processor when it must.
class FakeScheduler final : public Scheduler {
  public:
    [[nodiscard]] Processors allowed() noexcept override { return mask & there; }
    [[nodiscard]] bool allow(const Processors& processors) noexcept override {
        if (refuses || (processors & there).none()) {
            return false;
        }
        asked.push_back(processors);
        mask = processors & there;
        if (!mask.test(here)) {
            here = mask._Find_first();
        }
        return true;
    }
    [[nodiscard]] std::size_t current() noexcept override { return here; }
    [[nodiscard]] std::uint64_t run_ns() noexcept override { return run; }
    void nap() noexcept override {
        naps++;
        here = allowed().test(wakes_at) ? wakes_at : here;
    }

    [[nodiscard]] Numbers may() const {
        Numbers numbers;
        for (std::size_t i = mask._Find_first(); i < mask.size(); i = mask._Find_next(i)) {
            numbers.push_back(i);
        }
        return numbers;
    }
    /// From outside.
    void give(const Processors& processors) {
        mask = processors;
        here = allowed().test(here) ? here : allowed()._Find_first();
    }

    Processors mask = set_of({0, 1, 2, 3});
    Processors there = set_of({0, 1, 2, 3, 4, 5}); ///< a cpuset, and what is online
    std::size_t here = 1;
    std::size_t wakes_at = 3;
    std::uint64_t run = 0;
    int naps = 0;
    bool refuses = false;
    std::vector<Processors> asked;
};

class HomeProcessorTest : public ::testing::Test {
  protected:
    /// Rounds with packets for so long, of which the thread had a part of its processor, in percent. Whether it
    /// starved.
    bool busy(std::uint64_t ms, std::uint64_t percent = 100) {
        bool starved = false;
        for (std::uint64_t i = 0; i < ms; i++) {
            now_ += kMs;
            scheduler_.run += kMs * percent / 100;
            starved = home_.starved(now_, true) || starved;
        }
        return starved;
    }
    bool rest_after(std::uint64_t ms, bool out) {
        home_.sleeps();
        now_ += ms * kMs;
        return home_.rest(now_, out);
    }
    /// Busy, and at home on processor 1 of four.
    void begin() {
        home_.make_home();
        busy(150);
        ASSERT_TRUE(home_.at_home());
        ASSERT_EQ(scheduler_.may(), Numbers({1}));
    }

    FakeScheduler scheduler_;
    HomeProcessor home_{scheduler_};
    std::uint64_t now_ = 1000 * kMs;
};

using HomeProcessors = HomeProcessorTest;

TEST_F(HomeProcessors, stays_where_it_is_while_it_is_busy) {
    begin();
    EXPECT_FALSE(busy(5000));
    EXPECT_EQ(scheduler_.may(), Numbers({1}));
    EXPECT_EQ(scheduler_.asked.size(), 1U);
}

TEST_F(HomeProcessors, rests_after_silence_and_is_at_home_where_it_wakes) {
    begin();
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({0, 1, 2, 3}));
    scheduler_.here = 2;
    home_.make_home();
    EXPECT_EQ(scheduler_.may(), Numbers({2}));
}

TEST_F(HomeProcessors, does_not_rest_between_packets) {
    begin();
    for (int i = 0; i < 50; i++) {
        EXPECT_FALSE(rest_after(20, false));
        home_.make_home();
        EXPECT_FALSE(home_.starved(now_, true));
    }
    EXPECT_EQ(scheduler_.asked.size(), 1U);
}

TEST_F(HomeProcessors, does_not_rest_while_something_is_out_but_not_for_ever) {
    begin();
    EXPECT_FALSE(rest_after(900, true));
    EXPECT_EQ(scheduler_.may(), Numbers({1}));
    EXPECT_TRUE(rest_after(110, true));
    EXPECT_EQ(scheduler_.may(), Numbers({0, 1, 2, 3}));
}

TEST_F(HomeProcessors, sets_nothing_where_there_is_one_processor) {
    scheduler_.give(set_of({1}));
    home_.make_home();
    EXPECT_FALSE(busy(3000, 10));
    EXPECT_FALSE(rest_after(5000, false));
    home_.make_home();
    EXPECT_TRUE(scheduler_.asked.empty());
}

TEST_F(HomeProcessors, never_allows_more_than_it_was_given) {
    scheduler_.give(set_of({1, 2}));
    begin();
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({1, 2}));
}

TEST_F(HomeProcessors, moves_on_when_it_starves) {
    begin();
    EXPECT_TRUE(busy(200, 30));
    EXPECT_EQ(scheduler_.may(), Numbers({1})); // who drains first says when
    home_.move_on(now_, false);
    EXPECT_EQ(scheduler_.may(), Numbers({3}));
    EXPECT_EQ(scheduler_.naps, 1);
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({0, 1, 2, 3}));
}

TEST_F(HomeProcessors, stays_while_something_is_out_but_not_for_ever) {
    begin();
    for (unsigned i = 1; i < HomeProcessor::kTries; i++) {
        EXPECT_TRUE(busy(200, 30));
        home_.move_on(now_, true);
        ASSERT_EQ(scheduler_.may(), Numbers({1}));
    }
    EXPECT_TRUE(busy(200, 30));
    home_.move_on(now_, true);
    EXPECT_EQ(scheduler_.may(), Numbers({3}));
}

TEST_F(HomeProcessors, moves_on_at_most_once_a_second) {
    begin();
    EXPECT_TRUE(busy(200, 30));
    home_.move_on(now_, false);
    EXPECT_FALSE(busy(800, 30));
    EXPECT_TRUE(busy(400, 30));
}

TEST_F(HomeProcessors, does_not_starve_with_half_of_a_processor_or_when_it_slept) {
    begin();
    EXPECT_FALSE(busy(1000, 60));
    for (int i = 0; i < 50; i++) {
        EXPECT_FALSE(busy(20, 1));
        home_.sleeps();
    }
}

TEST_F(HomeProcessors, obeys_an_affinity_set_from_outside_while_it_is_busy) {
    begin();
    scheduler_.give(set_of({4, 5}));
    EXPECT_FALSE(busy(150));
    EXPECT_EQ(scheduler_.may(), Numbers({4}));
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({4, 5}));
}

TEST_F(HomeProcessors, obeys_an_affinity_set_from_outside_while_it_rests) {
    begin();
    EXPECT_TRUE(rest_after(60, false));
    scheduler_.give(set_of({2}));
    scheduler_.asked.clear();
    home_.make_home();
    EXPECT_FALSE(busy(500));
    EXPECT_FALSE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({2}));
    EXPECT_TRUE(scheduler_.asked.empty());
}

TEST_F(HomeProcessors, obeys_one_that_comes_between_the_last_packet_and_rest) {
    begin();
    scheduler_.give(set_of({2, 5}));
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({2, 5}));
}

TEST_F(HomeProcessors, a_processor_that_goes_lets_it_go_on_within_what_it_was_given) {
    scheduler_.give(set_of({1, 2}));
    begin();
    scheduler_.there.reset(1);
    scheduler_.give(scheduler_.there); // so does Linux when a thread has no processor left
    busy(150);
    EXPECT_EQ(scheduler_.may(), Numbers({2}));
    EXPECT_FALSE(busy(5000, 100));
    EXPECT_EQ(scheduler_.here, 2U);
}

TEST_F(HomeProcessors, a_processor_that_goes_while_it_rests_is_missed_by_nobody) {
    begin();
    EXPECT_TRUE(rest_after(60, false));
    scheduler_.there.reset(0);
    home_.make_home();
    EXPECT_EQ(scheduler_.may(), Numbers({1}));
    busy(150);
    EXPECT_TRUE(rest_after(60, false));
    EXPECT_EQ(scheduler_.may(), Numbers({1, 2, 3}));
}

TEST_F(HomeProcessors, what_is_refused_leaves_all_as_it_was_and_is_tried_again) {
    scheduler_.refuses = true;
    home_.make_home();
    EXPECT_FALSE(busy(1000, 10));
    EXPECT_EQ(scheduler_.may(), Numbers({0, 1, 2, 3}));
    scheduler_.refuses = false;
    busy(150);
    EXPECT_EQ(scheduler_.may(), Numbers({1}));
    scheduler_.refuses = true;
    EXPECT_FALSE(rest_after(60, false));
    home_.move_on(now_, false);
    EXPECT_EQ(scheduler_.may(), Numbers({1}));
    scheduler_.refuses = false;
    EXPECT_TRUE(rest_after(60, false));
}

TEST_F(HomeProcessors, a_kernel_that_tells_nothing_is_left_alone) {
    scheduler_.there.reset();
    home_.make_home();
    EXPECT_FALSE(busy(1000, 10));
    EXPECT_TRUE(scheduler_.asked.empty());
}

} // namespace
} // namespace pfild::core
