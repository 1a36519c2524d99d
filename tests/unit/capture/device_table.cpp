// SPDX-License-Identifier: BSD-2-Clause
// All devices together: how many there may be, who sees which packet, promiscuous mode, and interfaces that come and go
// (contract 2.2, 2.5, 2.10).
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device_table.h"

namespace pfild::capture {
namespace {

// ---- opening and closing

TEST_F(DeviceTables, BD_01_have_16_places_and_refuse_the_17th_with_ENOBUFS) {
    for (DeviceNumber i = 0; i < 16; i++) {
        EXPECT_EQ(open(Access::kBoth, i), i);
    }
    EXPECT_EQ(table_.open({.uid = 99}, client_).error().code, ENOBUFS);
    EXPECT_TRUE(table_.close(5).has_value());
    EXPECT_EQ(open(Access::kBoth, 99), 5U);
    EXPECT_EQ(table_.open({.uid = 99}, client_).error().code, ENOBUFS);
}

TEST_F(DeviceTables, refuse_a_user_who_has_too_many_and_nobody_else_and_never_root) {
    DeviceTable table({.devices = 7, .devices_per_user = 2}, taps_);
    ASSERT_TRUE(table.open({.uid = 1}, client_).has_value());
    ASSERT_TRUE(table.open({.uid = 1}, client_).has_value());
    EXPECT_EQ(table.open({.uid = 1}, client_).error().code, ENOBUFS);
    EXPECT_TRUE(table.open({.uid = 2}, client_).has_value());
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(table.open({.uid = 0}, client_).has_value());
    }
    EXPECT_TRUE(table.close(0).has_value());
    EXPECT_TRUE(table.open({.uid = 1}, client_).has_value());
}

TEST_F(DeviceTables, BD_03_give_out_the_number_that_was_closed_last_as_new) {
    for (int i = 0; i < 3; i++) {
        open();
    }
    device(1).set_settings({.immediate = true});
    device(1).set_filter(returning(1));
    (void)device(1).set_directions(kInOnly);
    EXPECT_EQ(attach(1, "eth0"), 0);
    ASSERT_TRUE(table_.close(2).has_value());
    ASSERT_TRUE(table_.close(1).has_value());
    EXPECT_EQ(open(), 1U);
    EXPECT_EQ(device(1).settings(), DeviceSettings{});
    EXPECT_EQ(device(1).directions(), core::Directions::both());
    EXPECT_EQ(device(1).state(), DeviceState::kUnattached);
    EXPECT_EQ(device(1).lifetime(), DeviceCounts{});
    EXPECT_EQ(open(), 2U);
    EXPECT_EQ(open(), 3U);
}

TEST_F(DeviceTables, answer_EBADF_for_numbers_that_name_no_device) {
    open();
    ASSERT_TRUE(table_.close(0).has_value());
    for (const DeviceNumber number : {0U, 1U, 15U, 16U, UINT32_MAX}) {
        SCOPED_TRACE(number);
        EXPECT_EQ(table_.find(number), nullptr);
        EXPECT_EQ(table_.close(number).error().code, EBADF);
        EXPECT_EQ(attach(number, "eth0"), EBADF);
        EXPECT_EQ(set_promiscuous(number), EBADF);
        EXPECT_EQ(table_.interface_name(number).error().code, EBADF);
        EXPECT_EQ(table_.data_link(number).error().code, EBADF);
        table_.note_use(number, 1);
    }
}

TEST_F(DeviceTables, BD_04_end_a_waiting_read_when_its_device_is_closed) {
    const DeviceNumber number = open_on("eth0");
    ASSERT_TRUE(device(number).read({.id = 8, .size = 32768}, 0).has_value());
    ASSERT_TRUE(table_.close(number).has_value());
    ASSERT_EQ(client_.answers.size(), 1U);
    EXPECT_EQ(client_.answers[0].read, 8U);
    EXPECT_EQ(client_.answers[0].code, EBADF);
}

TEST_F(DeviceTables, close_what_is_open_when_they_end) {
    {
        DeviceTable table({}, taps_);
        table.put_interface({.index = kEth0, .name = "eth0"});
        ASSERT_TRUE(table.open({}, client_).has_value());
        ASSERT_TRUE(table.attach(0, "eth0").has_value());
        ASSERT_TRUE(table.set_promiscuous(0).has_value());
        ASSERT_TRUE(table.find(0)->read({.id = 8, .size = 32768}, 0).has_value());
    }
    EXPECT_EQ(client_.answers.size(), 1U);
    EXPECT_TRUE(taps_.promiscuous.empty());
}

// ---- attaching

TEST_F(DeviceTables, BIOCSETIF_is_refused_for_unknown_names_and_a_second_time) {
    const DeviceNumber number = open();
    EXPECT_EQ(attach(number, "eth7"), ENXIO);
    EXPECT_EQ(attach(number, ""), ENXIO);
    EXPECT_EQ(device(number).state(), DeviceState::kUnattached);
    EXPECT_EQ(attach(number, "eth0"), 0);
    EXPECT_EQ(attach(number, "eth1"), EINVAL);
    EXPECT_EQ(attach(number, "eth7"), EINVAL) << "comes before the name";
    EXPECT_EQ(table_.interface_name(number), "eth0");
}

TEST_F(DeviceTables, BIOCSETIF_is_ENOBUFS_when_the_buffers_of_all_devices_take_too_much_memory) {
    DeviceTable table({.buffer_memory = 3 * 4096}, taps_);
    table.put_interface({.index = kEth0, .name = "eth0"});
    for (DeviceNumber i = 0; i < 3; i++) {
        ASSERT_EQ(table.open({}, client_), i);
        ASSERT_TRUE(table.find(i)->set_buffer_size(4096).has_value());
    }
    EXPECT_TRUE(table.attach(0, "eth0").has_value());
    ASSERT_TRUE(table.find(1)->set_buffer_size(4104).has_value());
    EXPECT_EQ(table.attach(1, "eth0").error().code, ENOBUFS);
    ASSERT_TRUE(table.find(1)->set_buffer_size(2048).has_value()) << "half of it, as libpcap tries next";
    EXPECT_TRUE(table.attach(1, "eth0").has_value());
    EXPECT_EQ(table.attach(2, "eth0").error().code, ENOBUFS);
    table.remove_interface(kEth0);
    table.put_interface({.index = kEth1, .name = "eth1"});
    EXPECT_EQ(table.attach(2, "eth1").error().code, ENOBUFS) << "orphans have their buffers";
    ASSERT_TRUE(table.close(0).has_value());
    EXPECT_TRUE(table.attach(2, "eth1").has_value());
}

TEST_F(DeviceTables, limits_of_buffer_sizes_are_made_to_fit_the_alignment) {
    DeviceTable table({.buffer_sizes = {.usual = 1001, .largest = 5007}}, taps_);
    ASSERT_TRUE(table.open({}, client_).has_value());
    EXPECT_EQ(table.find(0)->buffer_size(), 1000U);
    EXPECT_EQ(table.find(0)->set_buffer_size(UINT32_MAX), 5000U);
    DeviceTable tiny({.buffer_sizes = {.usual = 0, .largest = 0}}, taps_);
    ASSERT_TRUE(tiny.open({}, client_).has_value());
    EXPECT_EQ(tiny.find(0)->buffer_size(), 32U);
}

TEST_F(DeviceTables, BD_91_BD_95_name_the_interface_as_it_is_called_now_until_it_is_gone) {
    const DeviceNumber number = open();
    EXPECT_EQ(table_.interface_name(number).error().code, EINVAL);
    EXPECT_EQ(table_.data_link(number).error().code, EINVAL);
    EXPECT_EQ(attach(number, "tun0"), 0);
    EXPECT_EQ(table_.interface_name(number), "tun0");
    EXPECT_EQ(table_.data_link(number), 12U);
    table_.put_interface({.index = kTun0, .name = "vpn0", .data_link = 12});
    EXPECT_EQ(table_.interface_name(number), "vpn0");
    EXPECT_EQ(attach(open(), "tun0"), ENXIO);
    table_.remove_interface(kTun0);
    EXPECT_EQ(table_.interface_name(number).error().code, EINVAL);
    EXPECT_EQ(table_.data_link(number).error().code, EINVAL);
    EXPECT_EQ(set_promiscuous(number), EINVAL);
    EXPECT_EQ(attach(number, "eth0"), EINVAL);
}

// ---- who sees what

TEST_F(DeviceTables, BD_60_BD_62_show_a_packet_to_every_device_of_its_interface_and_direction) {
    const DeviceNumber both = open_on("eth0");
    const DeviceNumber in = open_on("eth0");
    const DeviceNumber out = open_on("eth0");
    const DeviceNumber other = open_on("eth1");
    const DeviceNumber any = open_on("any");
    const DeviceNumber tun = open_on("tun0");
    const DeviceNumber unattached = open();
    const DeviceNumber writer = open_on("eth0", Access::kWrite);
    ASSERT_TRUE(device(in).set_directions(kInOnly).has_value());
    ASSERT_TRUE(device(out).set_directions(kOutOnly).has_value());
    dispatch(kEth0, core::Direction::kIn);
    dispatch(kEth0, core::Direction::kIn);
    dispatch(kEth0, core::Direction::kOut);
    dispatch(kEth1, core::Direction::kOut);
    dispatch(kTun0, core::Direction::kIn);
    struct Row {
        const char* sentence;
        DeviceNumber number;
        std::uint64_t received;
    };
    for (const Row& row : {
             Row{"both directions", both, 3},
             Row{"in only; what goes out is not even counted", in, 2},
             Row{"out only", out, 1},
             Row{"another interface", other, 1},
             Row{"any, of all interfaces with Ethernet frames", any, 4},
             Row{"an interface without Ethernet frames", tun, 1},
             Row{"no interface", unattached, 0},
             Row{"opened for writing", writer, 0},
         }) {
        SCOPED_TRACE(row.sentence);
        EXPECT_EQ(received(row.number), row.received);
    }
}

TEST_F(DeviceTables, BD_62_show_packets_in_the_order_of_attachment_any_among_them) {
    class Ordered final : public DeviceClient {
      public:
        Ordered(std::string name, std::string& log) : name_(std::move(name)), log_(log) {}
        [[nodiscard]] bool deliver(ReadId, std::span<const std::uint8_t>) noexcept override {
            log_ += name_;
            return true;
        }
        [[nodiscard]] bool lend(ReadId, std::span<const std::uint8_t>) noexcept override { return false; }
        void fail(ReadId, const core::Error&) override {}
        void set_readiness(Readiness) noexcept override {}

      private:
        std::string name_;
        std::string& log_;
    };
    std::string log;
    std::vector<std::unique_ptr<Ordered>> clients;
    DeviceTable table({}, taps_);
    table.put_interface({.index = kEth0, .name = "eth0"});
    for (const char* name : {"a", "b", "c", "d"}) {
        clients.push_back(std::make_unique<Ordered>(name, log));
        const DeviceNumber number = *table.open({}, *clients.back());
        ASSERT_TRUE(table.find(number)->set_buffer_size(32).has_value()); // a packet fills it
    }
    for (const DeviceNumber number : {2U, 1U, 3U, 0U}) {
        ASSERT_TRUE(table.attach(number, number == 1 ? "any" : "eth0").has_value());
        ASSERT_TRUE(table.find(number)->read({.id = 1, .size = 32}, 0).has_value());
    }
    table.dispatch(TestPacket(60, {.ifindex = kEth0}).tapped());
    EXPECT_EQ(log, "cbda");
}

TEST_F(DeviceTables, BD_62_BD_94_show_what_comes_in_while_the_interface_is_down_and_nothing_that_goes_out) {
    const DeviceNumber number = open_on("eth0");
    ASSERT_TRUE(device(number).read({.id = 1, .size = 32768}, 0).has_value());
    table_.put_interface({.index = kEth0, .name = "eth0", .up = false});
    EXPECT_EQ(device(number).state(), DeviceState::kAttached);
    EXPECT_TRUE(device(number).waits()) << "down is not gone";
    dispatch(kEth0, core::Direction::kOut);
    EXPECT_EQ(received(number), 0U);
    dispatch(kEth0, core::Direction::kIn);
    EXPECT_EQ(received(number), 1U);
    table_.put_interface({.index = kEth0, .name = "eth0", .up = true});
    dispatch(kEth0, core::Direction::kOut);
    EXPECT_EQ(received(number), 2U);
}

TEST_F(DeviceTables, wait_for_several_late_readers_in_the_same_moments) {
    constexpr int kMoments = 4;
    EXPECT_FALSE(table_.pause());
    (void)open();
    for (const DeviceNumber number : {open_on("eth0"), open_on("any")}) {
        const std::uint32_t size = device(number).buffer_size();
        for (const std::uint32_t record : {size, size - 8}) { // one in the hold, one in the store
            device(number).offer(TestPacket(record - 32).tapped());
        }
    }
    for (int moment = 0; moment < kMoments; ++moment) {
        EXPECT_TRUE(table_.pause());
    }
    EXPECT_FALSE(table_.pause());
}

TEST_F(DeviceTables, BD_62_show_what_goes_out_by_an_interface_whose_coming_up_is_still_on_its_way_to_them) {
    const DeviceNumber number = open_on("eth0");
    table_.put_interface({.index = kEth0, .name = "eth0", .up = false});
    dispatch(kEth0, core::Direction::kOut);
    EXPECT_EQ(received(number), 0U) << "the twin: it is down indeed";
    taps_.up.insert(kEth0);
    dispatch(kEth0, core::Direction::kOut);
    dispatch(kEth0, core::Direction::kOut);
    EXPECT_EQ(received(number), 2U);
    EXPECT_EQ(taps_.asked_whether_up, 2) << "not of every packet";
}

TEST_F(DeviceTables, count_packets_of_interfaces_that_are_not_known) {
    const DeviceNumber any = open_on("any");
    dispatch(77);
    table_.charge_lost(77, core::Direction::kIn, 3);
    EXPECT_EQ(table_.strays(), 4U);
    EXPECT_EQ(received(any), 0U);
}

TEST_F(DeviceTables, show_any_the_interfaces_that_come_later) {
    const DeviceNumber any = open_on("any");
    table_.put_interface({.index = 9, .name = "eth9"});
    table_.put_interface({.index = 10, .name = "tun9", .data_link = 12});
    table_.put_interface({.index = 9, .name = "eth9"}); // once more does not make it see double
    dispatch(9);
    dispatch(10);
    EXPECT_EQ(received(any), 1U);
    table_.remove_interface(9);
    EXPECT_EQ(device(any).state(), DeviceState::kAttached) << "any is never gone";
    EXPECT_EQ(table_.interface_name(any), "any");
    EXPECT_EQ(table_.data_link(any), 1U);
}

TEST_F(DeviceTables, charge_lost_packets_to_those_who_would_have_seen_them) {
    const DeviceNumber both = open_on("eth0");
    const DeviceNumber out = open_on("eth0");
    const DeviceNumber other = open_on("eth1");
    const DeviceNumber writer = open_on("eth0", Access::kWrite);
    ASSERT_TRUE(device(out).set_directions(kOutOnly).has_value());
    table_.charge_lost(kEth0, core::Direction::kIn, 5);
    EXPECT_EQ(device(both).stats().lost, 5U);
    EXPECT_EQ(device(both).stats().dropped, 5U);
    EXPECT_EQ(device(out).stats().lost, 0U);
    EXPECT_EQ(device(other).stats().lost, 0U);
    EXPECT_EQ(device(writer).stats().lost, 0U);
}

TEST_F(DeviceTables, show_a_closed_device_nothing_more) {
    const DeviceNumber first = open_on("eth0");
    const DeviceNumber any = open_on("any");
    ASSERT_TRUE(table_.close(first).has_value());
    ASSERT_TRUE(table_.close(any).has_value());
    dispatch(kEth0);
    dispatch(kEth1);
    table_.put_interface({.index = 9, .name = "eth9"}); // which any would have seen
    dispatch(9);
    EXPECT_EQ(table_.totals(), DeviceCounts{});
    EXPECT_EQ(table_.strays(), 0U);
    EXPECT_FALSE(taps_.taps.contains(9));
}

// ---- promiscuous mode

TEST_F(DeviceTables, BD_93_promiscuous_mode_is_on_while_anybody_needs_it) {
    const DeviceNumber first = open_on("eth0");
    const DeviceNumber second = open_on("eth0");
    const DeviceNumber other = open_on("eth1");
    EXPECT_EQ(set_promiscuous(first), 0);
    EXPECT_EQ(set_promiscuous(first), 0) << "once more is no error";
    EXPECT_EQ(set_promiscuous(second), 0);
    EXPECT_EQ(set_promiscuous(other), 0);
    EXPECT_EQ(taps_.promiscuous, (std::set<std::uint32_t>{kEth0, kEth1}));
    EXPECT_EQ(taps_.calls, 2);
    ASSERT_TRUE(table_.close(first).has_value());
    EXPECT_TRUE(taps_.promiscuous.contains(kEth0));
    ASSERT_TRUE(table_.close(second).has_value());
    EXPECT_EQ(taps_.promiscuous, std::set<std::uint32_t>{kEth1});
    EXPECT_EQ(taps_.calls, 3);
}

TEST_F(DeviceTables, BD_93_promiscuous_mode_needs_an_interface_and_a_driver_that_can) {
    const DeviceNumber number = open();
    EXPECT_EQ(set_promiscuous(number), EINVAL);
    EXPECT_EQ(attach(number, "eth0"), 0);
    taps_.refuses = EOPNOTSUPP;
    EXPECT_EQ(set_promiscuous(number), EOPNOTSUPP);
    EXPECT_FALSE(table_.devices()[0].promiscuous);
    taps_.refuses = 0;
    EXPECT_EQ(set_promiscuous(number), 0) << "asks again";
    EXPECT_TRUE(table_.devices()[0].promiscuous);
    EXPECT_EQ(set_promiscuous(open_on("any")), EINVAL);
}

TEST_F(DeviceTables, BD_93_promiscuous_mode_goes_with_the_interface) {
    const DeviceNumber number = open_on("eth0");
    EXPECT_EQ(set_promiscuous(number), 0);
    table_.remove_interface(kEth0);
    EXPECT_FALSE(table_.devices()[0].promiscuous);
    taps_.promiscuous.clear();
    table_.put_interface({.index = kEth0, .name = "eth0"}); // the same index again
    ASSERT_TRUE(table_.close(number).has_value());
    EXPECT_EQ(taps_.calls, 1) << "is not released twice";
}

// ---- interfaces that go

TEST_F(DeviceTables, BD_90_a_removed_interface_orphans_its_devices_and_no_others) {
    const DeviceNumber number = open_on("eth0");
    const DeviceNumber other = open_on("eth1");
    ASSERT_TRUE(device(number).read({.id = 4, .size = 32768}, 0).has_value());
    dispatch(kEth0);
    table_.remove_interface(kEth0);
    table_.announce();
    EXPECT_EQ(device(number).state(), DeviceState::kOrphaned);
    EXPECT_EQ(device(other).state(), DeviceState::kAttached);
    ASSERT_EQ(client_.answers.size(), 1U);
    EXPECT_EQ(client_.answers[0].bytes.size(), 96U);
    EXPECT_EQ(client_.told.back(), (Readiness{.readable = true, .hangup = true}));
    dispatch(kEth0);
    EXPECT_EQ(received(number), 1U);
    table_.remove_interface(kEth0); // once more is no error
    table_.put_interface({.index = kEth0, .name = "eth0"});
    dispatch(kEth0);
    EXPECT_EQ(received(number), 1U) << "an orphan stays one";
}

// ---- time and listings

TEST_F(DeviceTables, know_the_first_of_all_deadlines) {
    const DeviceNumber first = open_on("eth0");
    const DeviceNumber second = open_on("eth1");
    open_on("eth1");
    EXPECT_EQ(table_.deadline_ns(0), std::nullopt);
    ASSERT_TRUE(device(first).set_read_timeout({.seconds = 2}).has_value());
    ASSERT_TRUE(device(second).set_read_timeout({.seconds = 1}).has_value());
    ASSERT_TRUE(device(first).read({.id = 1, .size = 32768}, 0).has_value());
    ASSERT_TRUE(device(second).read({.id = 2, .size = 32768}, 0).has_value());
    EXPECT_EQ(table_.deadline_ns(0), 1'000 * kMillisecond);
    table_.expire(1'000 * kMillisecond);
    ASSERT_EQ(client_.answers.size(), 1U);
    EXPECT_EQ(client_.answers[0].read, 2U);
    EXPECT_EQ(table_.deadline_ns(0), 2'000 * kMillisecond);
    table_.expire(2'000 * kMillisecond);
    EXPECT_EQ(client_.answers.size(), 2U);
    EXPECT_EQ(table_.deadline_ns(0), std::nullopt);
}

TEST_F(DeviceTables, BD_50_count_for_all_devices_over_flush_and_close) {
    const DeviceNumber first = open_on("eth0");
    const DeviceNumber second = open_on("eth0");
    dispatch(kEth0);
    device(first).flush();
    dispatch(kEth0);
    ASSERT_TRUE(table_.close(second).has_value());
    EXPECT_EQ(table_.totals(), (DeviceCounts{.received = 4, .captured = 4, .flushed = 3}));
}

TEST_F(DeviceTables, list_devices_with_who_uses_them_and_how) {
    open();
    const DeviceNumber number = *table_.open({.uid = 7, .pid = 70, .access = Access::kRead}, client_);
    table_.note_use(number, 71);
    EXPECT_EQ(attach(number, "eth1"), 0);
    EXPECT_EQ(set_promiscuous(number), 0);
    device(number).set_settings({.immediate = true});
    ASSERT_TRUE(device(number).set_directions(kInOnly).has_value());
    dispatch(kEth1);
    const std::vector<DeviceInfo> list = table_.devices();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].interface, "");
    EXPECT_EQ(list[0].state, DeviceState::kUnattached);
    const DeviceInfo& info = list[1];
    EXPECT_EQ(info.number, number);
    EXPECT_EQ(info.opener.uid, 7U);
    EXPECT_EQ(info.opener.pid, 71);
    EXPECT_EQ(info.opener.access, Access::kRead);
    EXPECT_EQ(info.interface, "eth1");
    EXPECT_EQ(info.state, DeviceState::kAttached);
    EXPECT_EQ(info.buffer_size, 32768U);
    EXPECT_TRUE(info.promiscuous);
    EXPECT_FALSE(info.waits);
    EXPECT_EQ(info.directions, kInOnly);
    EXPECT_TRUE(info.settings.immediate);
    EXPECT_EQ(info.stats.received, 1U);
    EXPECT_EQ(info.buffered, 1U);
}

TEST_F(DeviceTables, buffer_sizes_change_for_devices_without_buffers_and_for_the_memory_of_all) {
    const DeviceNumber early = open();
    const DeviceNumber attached = open_on("eth0");
    EXPECT_EQ(device(early).set_buffer_size(1U << 30U), 262144U);
    table_.set_buffer_sizes({.usual = 100, .largest = 1001});
    EXPECT_EQ(table_.buffer_sizes().largest, 1000U) << "a multiple of 8";
    EXPECT_EQ(table_.buffer_sizes().usual, 96U);
    EXPECT_EQ(device(early).buffer_size(), 262144U) << "it was told so";
    EXPECT_EQ(device(attached).buffer_size(), 32768U);
    EXPECT_EQ(device(open()).buffer_size(), 96U);
    EXPECT_EQ(device(early).set_buffer_size(1U << 30U), 1000U);
    EXPECT_EQ(attach(early, "eth0"), ENOBUFS) << "the other one has all memory that there is by now";
    table_.set_buffer_sizes({.usual = 32768, .largest = 1U << 24U});
    EXPECT_EQ(attach(early, "eth0"), 0);
    const DeviceNumber large = open();
    EXPECT_EQ(device(large).set_buffer_size(UINT32_MAX), 1U << 24U);
    EXPECT_EQ(attach(large, "eth0"), 0);
    table_.set_buffer_sizes({.usual = 4096, .largest = 8});
    EXPECT_EQ(table_.buffer_sizes().largest, 32U);
    EXPECT_EQ(table_.buffer_sizes().usual, 32U);
}

} // namespace
} // namespace pfild::capture
