// SPDX-License-Identifier: BSD-2-Clause
// The event loop: who is called, who is not called any more, and what a callback may do to the loop it runs in.
#include "daemon/sys/loop.h"

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/sys/fd.h"

namespace pfild::sys {
namespace {

using std::chrono::milliseconds;

struct Pipe {
    Fd read_end;
    Fd write_end;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

void poke(const Pipe& pipe) { EXPECT_EQ(::write(pipe.write_end.get(), "x", 1), 1); }

class LoopTest : public ::testing::Test {
  protected:
    std::unique_ptr<Loop> loop_;

    void SetUp() override {
        auto loop = Loop::create();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
    }
    void round() { ASSERT_TRUE(loop_->run_once(milliseconds(0))); }
};

TEST_F(LoopTest, calls_for_a_descriptor_as_long_as_it_is_ready) {
    const Pipe pipe = make_pipe();
    int calls = 0;
    auto registration = loop_->add(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t events) {
        EXPECT_EQ(events, EPOLLIN);
        ++calls;
    });
    ASSERT_TRUE(registration);
    round();
    EXPECT_EQ(calls, 0);
    poke(pipe);
    round();
    round();
    EXPECT_EQ(calls, 2);
    registration->reset();
    round();
    EXPECT_EQ(calls, 2);
}

TEST_F(LoopTest, waits_for_other_events_when_told) {
    const Pipe pipe = make_pipe();
    poke(pipe);
    int calls = 0;
    auto registration = loop_->add(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t) { ++calls; });
    ASSERT_TRUE(registration);
    ASSERT_TRUE(registration->set_events(0));
    round();
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(registration->set_events(EPOLLIN));
    round();
    EXPECT_EQ(calls, 1);
    Registration empty;
    EXPECT_FALSE(empty.set_events(EPOLLIN));
}

TEST_F(LoopTest, a_callback_may_remove_itself_and_still_use_what_it_captured) {
    const Pipe pipe = make_pipe();
    poke(pipe);
    Registration registration;
    std::vector<std::string> said;
    auto added =
        loop_->add(pipe.read_end.get(), EPOLLIN, [&registration, &said, word = std::string(100, 'w')](std::uint32_t) {
            registration.reset();
            said.push_back(word); // freed memory if the callback had gone with it
        });
    ASSERT_TRUE(added);
    registration = std::move(*added);
    round();
    round();
    EXPECT_EQ(said, std::vector<std::string>{std::string(100, 'w')});
}

TEST_F(LoopTest, who_is_removed_by_another_callback_of_the_same_round_is_not_called) {
    const Pipe one = make_pipe();
    const Pipe two = make_pipe();
    poke(one);
    poke(two);
    int calls = 0;
    std::array<Registration, 2> registrations;
    for (std::size_t i = 0; i < 2; ++i) {
        auto added = loop_->add((i == 0 ? one : two).read_end.get(), EPOLLIN, [&, i](std::uint32_t) {
            ++calls;
            registrations.at(1 - i).reset();
        });
        ASSERT_TRUE(added);
        registrations.at(i) = std::move(*added);
    }
    round();
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, a_new_registration_on_a_reused_descriptor_does_not_inherit_old_events) {
    Pipe one = make_pipe();
    const Pipe two = make_pipe();
    poke(one);
    poke(two);
    const int number = one.read_end.get();
    int old_calls = 0;
    int new_calls = 0;
    Registration first;
    Registration second;
    Registration again;
    Pipe fresh;
    const auto replace = [&](std::uint32_t) { // runs in the round in which the first one is ready too
        if (again) {
            return;
        }
        first.reset();
        one = {};
        fresh = make_pipe();
        ASSERT_EQ(std::min(fresh.read_end.get(), fresh.write_end.get()), number) << "the kernel gives the lowest";
        again = loop_->add(fresh.read_end.get(), EPOLLIN, [&](std::uint32_t) { ++new_calls; }).value();
    };
    second = loop_->add(two.read_end.get(), EPOLLIN, replace).value();
    first = loop_->add(one.read_end.get(), EPOLLIN, [&](std::uint32_t) { ++old_calls; }).value();
    round();
    round();
    EXPECT_EQ(new_calls, 0);
    poke(fresh);
    round();
    EXPECT_EQ(new_calls, 1);
}

TEST_F(LoopTest, a_moved_registration_is_removed_once_by_its_new_owner) {
    const Pipe pipe = make_pipe();
    poke(pipe);
    int calls = 0;
    auto added = loop_->add(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t) { ++calls; });
    ASSERT_TRUE(added);
    {
        Registration owner = std::move(*added);
        added->reset();
        EXPECT_FALSE(static_cast<bool>(*added));
        round();
        EXPECT_EQ(calls, 1);
    }
    round();
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, refuses_what_epoll_refuses) {
    const auto refused = loop_->add(-1, EPOLLIN, [](std::uint32_t) {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EBADF);
}

TEST_F(LoopTest, a_one_shot_timer_fires_once_and_not_early) {
    int calls = 0;
    const auto begin = std::chrono::steady_clock::now();
    auto timer = loop_->once(milliseconds(5), [&] {
        ++calls;
        EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(5));
        loop_->stop();
    });
    ASSERT_TRUE(timer);
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(calls, 1);
    ASSERT_TRUE(loop_->run_once(milliseconds(10)));
    EXPECT_EQ(calls, 1);
    timer->reset(); // it has gone already
}

TEST_F(LoopTest, a_timer_of_zero_fires_in_a_later_round_never_at_once) {
    int calls = 0;
    auto timer = loop_->once(std::chrono::nanoseconds(0), [&] { ++calls; });
    ASSERT_TRUE(timer);
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(loop_->run_once(milliseconds(1000)));
    EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, a_timer_that_is_removed_never_fires) {
    int calls = 0;
    loop_->once(milliseconds(1), [&] { ++calls; }).value().reset();
    ASSERT_TRUE(loop_->run_once(milliseconds(5)));
    EXPECT_EQ(calls, 0);
}

TEST_F(LoopTest, a_periodic_timer_fires_until_it_removes_itself) {
    int calls = 0;
    Registration timer;
    timer = loop_
                ->every(milliseconds(1),
                        [&] {
                            if (++calls == 3) {
                                timer.reset();
                                loop_->stop();
                            }
                        })
                .value();
    ASSERT_TRUE(loop_->run());
    ASSERT_TRUE(loop_->run_once(milliseconds(5)));
    EXPECT_EQ(calls, 3);
    EXPECT_FALSE(loop_->every(milliseconds(0), [] {})) << "that would never wait";
}

TEST_F(LoopTest, a_one_shot_timer_may_set_itself_again) {
    int calls = 0;
    Registration timer;
    std::function<void()> again = [&] {
        if (++calls == 3) {
            loop_->stop();
        } else {
            timer = loop_->once(milliseconds(1), again).value();
        }
    };
    timer = loop_->once(milliseconds(1), again).value();
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(calls, 3);
}

TEST_F(LoopTest, runs_what_other_threads_post_in_their_order_and_on_its_own_thread) {
    constexpr int kTasks = 1000;
    std::vector<int> order;
    const auto home = std::this_thread::get_id();
    std::thread other([&] {
        for (int i = 0; i < kTasks; ++i) {
            loop_->post([&, i] {
                EXPECT_EQ(std::this_thread::get_id(), home);
                order.push_back(i);
            });
        }
        loop_->post([&] { loop_->stop(); });
    });
    ASSERT_TRUE(loop_->run());
    other.join();
    ASSERT_EQ(order.size(), static_cast<std::size_t>(kTasks));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(LoopTest, that_refuses_tasks_destroys_those_that_wait_and_those_that_come) {
    auto held = std::make_shared<int>();
    loop_->post([held] { FAIL() << "nobody runs it"; });
    EXPECT_EQ(held.use_count(), 2);
    loop_->refuse_tasks();
    EXPECT_EQ(held.use_count(), 1);
    loop_->post([held] { FAIL() << "nobody runs it"; });
    EXPECT_EQ(held.use_count(), 1);
    ASSERT_TRUE(loop_->run_once(std::chrono::milliseconds(0)));
}

TEST_F(LoopTest, a_task_that_posts_does_not_starve_the_rest) {
    int calls = 0;
    std::function<void()> again = [&] {
        ++calls;
        loop_->post(again);
    };
    loop_->post(again);
    round();
    EXPECT_EQ(calls, 1) << "what was posted meanwhile waits for the next round";
    round();
    EXPECT_EQ(calls, 2);
}

TEST_F(LoopTest, stop_from_another_thread_ends_it_and_a_stop_that_came_first_counts) {
    loop_->stop();
    ASSERT_TRUE(loop_->run());
    std::thread other([&] { loop_->stop(); });
    ASSERT_TRUE(loop_->run());
    other.join();
}

TEST(LoopSignals, are_reported_one_by_one_and_do_not_end_the_process) {
    std::thread([] { // its own mask, so that other tests keep theirs
        auto loop = Loop::create();
        ASSERT_TRUE(loop);
        std::vector<int> seen;
        auto signals = (*loop)->on_signals({SIGUSR1, SIGUSR2}, [&](int signal) { seen.push_back(signal); });
        ASSERT_TRUE(signals);
        ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR2), 0);
        ASSERT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
        ASSERT_TRUE((*loop)->run_once(milliseconds(0)));
        ASSERT_TRUE((*loop)->run_once(milliseconds(0)));
        EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2})) << "the lower number first";
        EXPECT_FALSE((*loop)->on_signals({9999}, [](int) {}));
    })
        .join();
}

} // namespace
} // namespace pfild::sys
