// SPDX-License-Identifier: BSD-2-Clause
// What heads may think of an engine by its heartbeat: silent at once, believed again after a second, never to and fro.
#include <string>

#include <gtest/gtest.h>

#include "core/heartbeat.h"

namespace pfild::core {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kWholeSecond = 1'000 * kMillisecond;

class HeartbeatSilences : public ::testing::Test {
  protected:
    /// As bpf/decide.h.
    [[nodiscard]] bool is_silent() const { return now - told_ > PFILD_SILENT_NS; }
    /// Time goes on; what heads see changes or not.
    void wait(std::uint64_t ns) {
        for (std::uint64_t end = now + ns; now < end;) {
            now += kMillisecond;
            look();
        }
    }
    void live(std::uint64_t ns, std::uint64_t gap = 100 * kMillisecond) {
        for (std::uint64_t end = now + ns; now < end;) {
            wait(gap);
            heart_.beat();
            look();
        }
    }
    void look() {
        if (is_silent() != was_silent_) {
            was_silent_ = !was_silent_;
            changes_++;
        }
    }

    static inline std::uint64_t now = 1'000 * kWholeSecond;
    __u64 told_ = 0;
    Heartbeat heart_{told_, [] { return now; }};
    bool was_silent_ = false;
    int changes_ = 0;
};

TEST_F(HeartbeatSilences, an_engine_that_beats_is_never_silent_and_writes_no_oftener_than_every_10_ms) {
    EXPECT_FALSE(is_silent()) << "from its start on";
    __u64 before = told_;
    for (int i = 0; i < 1'000; i++) {
        now += kMillisecond;
        heart_.beat();
        if (told_ != before) {
            EXPECT_GE(told_ - before, Heartbeat::kApartNs);
            before = told_;
        }
        EXPECT_LE(now - told_, Heartbeat::kApartNs);
    }
    live(10 * kWholeSecond);
    live(10 * kWholeSecond, 240 * kMillisecond);
    EXPECT_EQ(changes_, 0);
    EXPECT_EQ(heart_.silences(), 0U);
    EXPECT_FALSE(heart_.overslept());
}

TEST_F(HeartbeatSilences, a_stopped_engine_is_silent_after_250_ms_and_believed_a_second_after_it_goes_on) {
    live(kWholeSecond);
    wait(200 * kMillisecond);
    EXPECT_FALSE(is_silent());
    wait(60 * kMillisecond);
    EXPECT_TRUE(is_silent());
    wait(10 * kWholeSecond);
    heart_.beat();
    EXPECT_TRUE(is_silent()) << "the first beat is none yet";
    EXPECT_TRUE(heart_.overslept());
    live(900 * kMillisecond);
    EXPECT_TRUE(is_silent());
    live(200 * kMillisecond);
    EXPECT_FALSE(is_silent());
    EXPECT_EQ(changes_, 2);
    EXPECT_EQ(heart_.silences(), 1U);
    EXPECT_GE(heart_.longest_ns(), 10 * kWholeSecond);
    heart_.forget_overslept();
    live(kWholeSecond);
    EXPECT_FALSE(heart_.overslept());
}

TEST_F(HeartbeatSilences, what_it_meant_to_sleep_is_no_gap_of_its_own) {
    wait(100 * kMillisecond);
    heart_.beat(100 * kMillisecond);
    EXPECT_EQ(heart_.longest_ns(), 0U);
    wait(130 * kMillisecond);
    heart_.beat(100 * kMillisecond);
    EXPECT_EQ(heart_.longest_ns(), 30 * kMillisecond);
    wait(300 * kMillisecond);
    heart_.beat(100 * kMillisecond);
    EXPECT_TRUE(is_silent()) << "it is silent all the same";
    EXPECT_EQ(heart_.longest_ns(), 200 * kMillisecond);
}

// Heads follow no such engine to and fro: at most a change a second, taken over two of them.
TEST_F(HeartbeatSilences, an_engine_that_stumbles_does_not_flap) {
    struct Row {
        const char* sentence;
        std::uint64_t alive;
        std::uint64_t gap;
    };
    for (const Row& row : {Row{"300 ms between any two beats", 0, 300 * kMillisecond},
                           Row{"gaps of 300 ms, half a second of life", 500 * kMillisecond, 300 * kMillisecond},
                           Row{"gaps of 300 ms, 1.1 s of life", 1'100 * kMillisecond, 300 * kMillisecond},
                           Row{"gaps of 260 ms, 1.3 s of life", 1'300 * kMillisecond, 260 * kMillisecond},
                           Row{"gaps of 2 s, 1.1 s of life", 1'100 * kMillisecond, 2 * kWholeSecond},
                           Row{"gaps of 251 ms, 10 ms of life", 10 * kMillisecond, 251 * kMillisecond}}) {
        live(5 * kWholeSecond);
        changes_ = 0;
        const std::uint64_t start = now;
        while (now < start + 60 * kWholeSecond) {
            wait(row.gap);
            heart_.beat();
            look();
            live(row.alive, 10 * kMillisecond);
        }
        EXPECT_GE(changes_, 1) << row.sentence;
        EXPECT_LE(changes_, 61) << row.sentence;
    }
}

} // namespace
} // namespace pfild::core
