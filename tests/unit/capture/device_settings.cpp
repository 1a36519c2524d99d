// SPDX-License-Identifier: BSD-2-Clause
// What the owner of a device can set: sizes, time-outs, directions, filters; what is refused changes nothing
// (contract 2.2, 2.8).
#include <cerrno>
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

using DeviceSetup = DeviceTest;

TEST_F(DeviceSetup, BD_01_begins_with_32768_bytes_both_directions_and_nothing_else) {
    const Device device(Access::kBoth, BufferSizes{}, client_);
    EXPECT_EQ(device.state(), DeviceState::kUnattached);
    EXPECT_EQ(device.buffer_size(), 32768U);
    EXPECT_EQ(device.directions(), core::Directions::both()) << "BIOCSSEESENT is 1";
    EXPECT_EQ(device.settings(), DeviceSettings{});
    EXPECT_FALSE(device.settings().immediate);
    EXPECT_FALSE(device.settings().header_complete);
    EXPECT_FALSE(device.settings().feedback);
    EXPECT_EQ(device.settings().precision, Precision::kMicro);
    EXPECT_EQ(device.settings().personality, Personality::kMinix);
    EXPECT_EQ(device.read_timeout(), ReadTimeout{});
}

TEST_F(DeviceSetup, takes_the_nearest_buffer_size_that_is_possible) {
    struct Row {
        std::uint32_t wanted;
        std::uint32_t granted;
    };
    Device device(Access::kBoth, BufferSizes{}, client_);
    for (const Row& row : {Row{0, 32}, Row{1, 32}, Row{32, 32}, Row{33, 40}, Row{40, 40}, Row{1024, 1024},
                           Row{262143, 262144}, Row{262144, 262144}, Row{524288, 262144}, Row{UINT32_MAX, 262144}}) {
        SCOPED_TRACE(row.wanted);
        EXPECT_EQ(device.set_buffer_size(row.wanted), row.granted);
        EXPECT_EQ(device.buffer_size(), row.granted);
    }
}

TEST_F(DeviceSetup, BD_91_has_its_buffer_size_for_good_once_it_has_buffers) {
    attach();
    EXPECT_EQ(device_.set_buffer_size(1024).error().code, EINVAL);
    device_.orphan();
    EXPECT_EQ(device_.set_buffer_size(1024).error().code, EINVAL);
    EXPECT_EQ(device_.buffer_size(), kSize);
}

TEST_F(DeviceSetup, BD_92_is_attached_once_even_when_the_interface_is_gone) {
    attach();
    EXPECT_EQ(device_.attach().error().code, EINVAL);
    EXPECT_EQ(device_.state(), DeviceState::kAttached);
    device_.orphan();
    EXPECT_EQ(device_.attach().error().code, EINVAL);
    EXPECT_EQ(device_.state(), DeviceState::kOrphaned);
}

TEST_F(DeviceSetup, refuses_read_timeouts_that_are_none) {
    struct Row {
        ReadTimeout timeout;
        int code;
    };
    const ReadTimeout before{.seconds = 1, .microseconds = 999'999};
    for (const Row& row : {
             Row{{.seconds = -1, .microseconds = 0}, EINVAL},
             Row{{.seconds = 0, .microseconds = -1}, EINVAL},
             Row{{.seconds = 0, .microseconds = 1'000'000}, EINVAL},
             Row{{.seconds = 0x80000000, .microseconds = 0}, EDOM},
             Row{{.seconds = INT64_MAX, .microseconds = 0}, EDOM},
             Row{{.seconds = INT64_MAX, .microseconds = -1}, EINVAL},
             Row{{.seconds = 0x7fffffff, .microseconds = 999'999}, 0},
             Row{{.seconds = 0, .microseconds = 1}, 0},
             Row{{.seconds = 0, .microseconds = 0}, 0},
         }) {
        SCOPED_TRACE(std::to_string(row.timeout.seconds) + "s " + std::to_string(row.timeout.microseconds) + "us");
        ASSERT_TRUE(device_.set_read_timeout(before).has_value());
        const auto result = device_.set_read_timeout(row.timeout);
        EXPECT_EQ(result ? 0 : result.error().code, row.code);
        EXPECT_EQ(device_.read_timeout(), row.code == 0 ? row.timeout : before);
    }
}

TEST_F(DeviceSetup, waits_for_the_longest_time_without_wrapping) {
    attach();
    ASSERT_TRUE(device_.set_read_timeout({.seconds = 0x7fffffff, .microseconds = 999'999}).has_value());
    constexpr std::uint64_t kNow = 1ULL << 62U; // 146 years
    EXPECT_EQ(read(1, false, kNow), 0);
    EXPECT_EQ(device_.deadline_ns(0), kNow + 2'147'483'647'999'999'000U);
    device_.expire(kNow);
    expect_waiting();
}

TEST_F(DeviceSetup, BD_60_sees_no_direction_but_those_it_was_set_to) {
    EXPECT_EQ(device_.set_directions({}).error().code, EINVAL);
    EXPECT_EQ(device_.directions(), core::Directions::both());
    for (const core::Directions directions : {kInOnly, kOutOnly, core::Directions::both()}) {
        ASSERT_TRUE(device_.set_directions(directions).has_value());
        EXPECT_EQ(device_.wants(core::Direction::kIn), directions.has(core::Direction::kIn));
        EXPECT_EQ(device_.wants(core::Direction::kOut), directions.has(core::Direction::kOut));
    }
}

TEST_F(DeviceSetup, BIOCSETF_throws_away_what_was_captured_and_counted) {
    attach();
    offer({4008, 96});
    device_.set_filter(returning(8));
    EXPECT_EQ(device_.stats(), DeviceCounts{});
    EXPECT_EQ(device_.lifetime().flushed, 2U);
    EXPECT_EQ(read(1, true), EAGAIN);
    offer({96});
    expect_read(40);
    device_.set_filter(std::nullopt);
    EXPECT_EQ(device_.stats(), DeviceCounts{}) << "also when the filter is removed";
    offer({96});
    expect_read(96);
}

TEST_F(DeviceSetup, BIOCSETFNR_keeps_what_was_captured_and_counted) {
    attach();
    offer({4008, 96});
    device_.replace_filter(returning(8));
    EXPECT_EQ(device_.stats().captured, 2U);
    offer({96});
    expect_read(4008);
    expect_read(136);
}

TEST_F(DeviceSetup, BIOCFLUSH_empties_both_buffers_and_makes_room) {
    attach();
    offer({4008, 4008, 96});
    EXPECT_EQ(device_.stats().dropped, 1U);
    device_.flush();
    EXPECT_EQ(device_.buffered(), 0U);
    offer({4008, 96});
    EXPECT_EQ(device_.stats(), (DeviceCounts{.received = 2, .captured = 2}));
    expect_read(4008);
}

TEST_F(DeviceSetup, BIOCGSTATS_is_not_cleared_by_reading) {
    attach();
    offer({96});
    const DeviceCounts first = device_.stats();
    EXPECT_EQ(device_.stats(), first);
    expect_read(96);
    EXPECT_EQ(device_.stats().captured, 1U);
}

TEST_F(DeviceSetup, BD_91_an_orphan_can_be_flushed_and_set_up) {
    attach();
    offer({96});
    device_.orphan();
    EXPECT_TRUE(device_.set_directions(kInOnly).has_value());
    EXPECT_TRUE(device_.set_read_timeout({.seconds = 1}).has_value());
    device_.set_filter(returning(8));
    device_.flush();
    EXPECT_EQ(device_.buffered(), 0U);
    EXPECT_EQ(read(), EIO);
}

TEST_F(DeviceSetup, settings_work_before_there_is_an_interface) {
    set(&DeviceSettings::immediate);
    device_.set_filter(returning(8));
    device_.flush();
    attach();
    offer({96});
    expect_read(40);
}

TEST_F(DeviceSetup, wishes_of_the_tap_what_filter_direction_and_buffer_need) {
    const cbpf::Program deep = program_of({{0x20, 0, 0, 196}, {0x06, 0, 0, 96}}); // ld [196]
    EXPECT_EQ(device_.tap_wish(), TapWish{}) << "nothing without an interface";
    attach();
    EXPECT_EQ(device_.tap_wish(), (TapWish{core::Directions::both(), kSize - 32})) << "what a buffer can take";
    device_.set_filter(returning(96));
    EXPECT_EQ(device_.tap_wish(), (TapWish{core::Directions::both(), 96}));
    device_.set_filter(deep);
    EXPECT_EQ(device_.tap_wish(), (TapWish{core::Directions::both(), 200})) << "what it looks at";
    device_.replace_filter(returning(0));
    EXPECT_EQ(device_.tap_wish(), (TapWish{core::Directions::both(), 0})) << "packets count, bytes are not needed";
    ASSERT_TRUE(device_.set_directions(kOutOnly).has_value());
    device_.set_filter(std::nullopt);
    EXPECT_EQ(device_.tap_wish(), (TapWish{kOutOnly, kSize - 32}));
    device_.orphan();
    EXPECT_EQ(device_.tap_wish(), TapWish{}) << "nothing any more";
}

TEST_F(DeviceSetup, wishes_nothing_of_the_tap_when_it_cannot_be_read) {
    Device writer(Access::kWrite, BufferSizes{}, client_);
    Device reader(Access::kRead, BufferSizes{}, client_);
    ASSERT_TRUE(writer.attach().has_value());
    ASSERT_TRUE(reader.attach().has_value());
    EXPECT_EQ(writer.tap_wish(), TapWish{});
    EXPECT_NE(reader.tap_wish(), TapWish{});
}

} // namespace
} // namespace pfild::capture
