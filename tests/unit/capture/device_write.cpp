// SPDX-License-Identifier: BSD-2-Clause
// What programs write to their devices: which frames go to the interface, and how, and which are refused with what
// (contract 2.7, BIOCSDLT).
#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device_table.h"

namespace pfild::capture {
namespace {

class DeviceWrite : public DeviceTables {
  protected:
    int write(DeviceNumber number, std::size_t bytes) {
        const std::vector<std::uint8_t> frame(bytes, 0x5a);
        const auto result = table_.write(number, frame);
        return result ? 0 : result.error().code;
    }
};

TEST_F(DeviceWrite, BD_70_is_EINVAL_without_an_interface_whatever_is_written) {
    const DeviceNumber number = open();
    EXPECT_EQ(write(number, 0), EINVAL);
    EXPECT_EQ(write(number, 60), EINVAL);
    device(number).set_settings({.personality = Personality::kFreebsd});
    EXPECT_EQ(write(number, 60), ENXIO);
    const DeviceNumber orphan = open_on("eth1");
    table_.remove_interface(kEth1);
    EXPECT_EQ(write(orphan, 60), EINVAL);
    EXPECT_EQ(write(77, 60), EBADF);
    EXPECT_TRUE(taps_.written.empty());
}

TEST_F(DeviceWrite, BD_71_of_no_bytes_is_done_and_nothing_goes_out) {
    const DeviceNumber number = open_on("eth0");
    device(number).set_write_filter(returning(0));
    EXPECT_EQ(write(number, 0), 0);
    EXPECT_TRUE(taps_.written.empty());
}

TEST_F(DeviceWrite, BD_72_of_less_than_a_link_header_is_EMSGSIZE) {
    const DeviceNumber number = open_on("eth0");
    EXPECT_EQ(write(number, 1), EMSGSIZE);
    EXPECT_EQ(write(number, 13), EMSGSIZE);
    EXPECT_EQ(write(number, 14), 0);
    EXPECT_EQ(write(open_on("tun0"), 1), 0) << "no link header there";
    ASSERT_EQ(taps_.written.size(), 2U);
    EXPECT_EQ(taps_.written.back().how.data_link, 12U);
}

TEST_F(DeviceWrite, needs_a_device_that_was_opened_for_it) {
    EXPECT_EQ(write(open_on("eth0", Access::kRead), 60), EBADF);
    EXPECT_EQ(write(open_on("eth0", Access::kWrite), 60), 0);
}

TEST_F(DeviceWrite, to_all_interfaces_at_once_is_refused) { EXPECT_EQ(write(open_on("any"), 60), EINVAL); }

TEST_F(DeviceWrite, BD_75_lets_go_what_the_write_filter_wants_whole) {
    const DeviceNumber number = open_on("eth0");
    device(number).set_write_filter(returning(59));
    EXPECT_EQ(write(number, 60), EPERM);
    EXPECT_EQ(write(number, 59), 0);
    device(number).set_write_filter(returning(0));
    EXPECT_EQ(write(number, 60), EPERM);
    device(number).set_filter(returning(0)); // of what is read
    device(number).set_write_filter(std::nullopt);
    EXPECT_EQ(write(number, 60), 0);
    EXPECT_EQ(taps_.written.size(), 2U);
}

TEST_F(DeviceWrite, BD_76_and_BD_78_go_with_the_frame_as_they_are_set) {
    const DeviceNumber number = open(Access::kBoth, 0);
    ASSERT_EQ(attach(number, "eth1"), 0);
    for (const bool complete : {false, true}) {
        for (const bool feedback : {false, true}) {
            device(number).set_settings({.header_complete = complete, .feedback = feedback});
            EXPECT_EQ(write(number, 60), 0);
            const auto& written = taps_.written.back();
            EXPECT_EQ(written.ifindex, kEth1);
            EXPECT_EQ(written.bytes, std::vector<std::uint8_t>(60, 0x5a));
            EXPECT_EQ(written.how.source_too, complete);
            EXPECT_EQ(written.how.feedback, feedback);
        }
    }
}

TEST_F(DeviceWrite, BD_78_past_the_rules_of_input_is_for_root_alone) {
    const DeviceNumber number = open_on("eth0"); // by user 1000
    device(number).set_settings({.feedback = true});
    EXPECT_EQ(write(number, 60), EPERM);
    EXPECT_TRUE(taps_.written.empty()) << "nor does it go out";
    device(number).set_settings({.feedback = false});
    EXPECT_EQ(write(number, 60), 0);
}

TEST_F(DeviceWrite, BD_83_passes_on_what_the_interface_says) {
    const DeviceNumber number = open_on("eth0");
    for (const int code : {ENETDOWN, ENOBUFS, EMSGSIZE}) {
        taps_.refuses = code;
        EXPECT_EQ(write(number, 60), code);
    }
}

TEST_F(DeviceWrite, BD_84_is_not_in_the_way_of_a_read_that_waits) {
    const DeviceNumber number = open_on("eth0");
    ASSERT_TRUE(device(number).read({.id = 1, .size = device(number).buffer_size()}, 0).has_value());
    ASSERT_TRUE(device(number).waits());
    EXPECT_EQ(write(number, 60), 0);
    EXPECT_TRUE(device(number).waits());
}

TEST_F(DeviceTables, have_one_data_link_type_each_which_can_be_set_to_itself) {
    const auto set = [&](DeviceNumber number, std::uint32_t type) {
        const auto result = table_.set_data_link(number, type);
        return result ? 0 : result.error().code;
    };
    EXPECT_EQ(set(open(), 1), EINVAL) << "it has no interface";
    EXPECT_EQ(set(open_on("eth0"), 1), 0);
    EXPECT_EQ(set(open_on("eth0"), 12), EINVAL);
    EXPECT_EQ(set(open_on("tun0"), 12), 0);
    EXPECT_EQ(set(99, 1), EBADF);
}

} // namespace
} // namespace pfild::capture
