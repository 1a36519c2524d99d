// SPDX-License-Identifier: BSD-2-Clause
// Devices over the socket: every ioctl, with the errors of the contract (2.8), limits and credentials.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_fixture.h"

namespace pfild::device {
namespace {

using test::Answer;
using test::DeviceClient;

class DeviceSocketIoctl : public test::DeviceSocket {};

TEST_F(DeviceSocketIoctl, set_and_get_what_the_contract_says) {
    start();
    DeviceClient client = this->client();
    const std::uint32_t device = client.open().head.device;
    EXPECT_EQ(client.ask(PFILD_OP_GET_BUFFER_SIZE, device).as<std::uint32_t>(), 32768U);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, device, 0U).as<std::uint32_t>(), 32U);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, device, 4095U).as<std::uint32_t>(), 4096U);
    for (const int op : {PFILD_OP_GET_DATA_LINK, PFILD_OP_GET_INTERFACE, PFILD_OP_SET_PROMISCUOUS}) {
        EXPECT_EQ(client.ask(op, device).error(), EINVAL) << "needs an interface: " << op;
    }
    EXPECT_EQ(client.set_interface(device, "eth1").error(), ENXIO);
    EXPECT_EQ(client.set_interface(device, "eth0").error(), 0);
    EXPECT_EQ(client.set_interface(device, "eth0").error(), EINVAL);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, device, 8192U).error(), EINVAL);
    EXPECT_EQ(client.ask(PFILD_OP_GET_DATA_LINK, device).as<std::uint32_t>(), 1U);
    EXPECT_EQ(client.ask(PFILD_OP_GET_INTERFACE, device).text(), "eth0");
    EXPECT_EQ(client.ask(PFILD_OP_SET_PROMISCUOUS, device).error(), 0);
    EXPECT_EQ(devices().at(0).promiscuous, true);
    const pfild_read_timeout never{.seconds = 0, .microseconds = -1};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_READ_TIMEOUT, device, never).error(), EINVAL);
    const pfild_read_timeout too_long{.seconds = 1LL << 31, .microseconds = 0};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_READ_TIMEOUT, device, too_long).error(), EDOM);
    EXPECT_EQ(client.ask(PFILD_OP_GET_WAIT_TIMEOUT, device).error(), ENXIO) << "there is none";
    const pfild_read_timeout longest{.seconds = 300, .microseconds = 0};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_WAIT_TIMEOUT, device, longest).error(), 0);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_WAIT_TIMEOUT, device, too_long).error(), EINVAL);
    EXPECT_EQ(client.ask(PFILD_OP_GET_WAIT_TIMEOUT, device).as<pfild_read_timeout>().seconds, 300) << "it stays";
    EXPECT_EQ(client.ask(PFILD_OP_END_WAIT_TIMEOUT, device).error(), 0);
    EXPECT_EQ(client.ask(PFILD_OP_END_WAIT_TIMEOUT, device).error(), 0) << "once more";
    EXPECT_EQ(client.ask(PFILD_OP_GET_WAIT_TIMEOUT, device).error(), ENXIO);
    const pfild_options options{.header_complete = 1, .incoming = 1, .origins = 1, .personality = 1};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_OPTIONS, device, options).error(), 0);
    const auto got = client.ask(PFILD_OP_GET_OPTIONS, device).as<pfild_options>();
    EXPECT_EQ(std::memcmp(&got, &options, sizeof got), 0);
}

TEST_F(DeviceSocketIoctl, one_option_is_set_and_the_others_stay_as_somebody_else_has_set_them) {
    start();
    DeviceClient client = this->client();
    const std::uint32_t device = client.open().head.device;
    const auto set = [&](std::uint32_t name, std::uint32_t value) {
        return client.ask_with(PFILD_OP_SET_OPTION, device, pfild_option{.name = name, .value = value}).error();
    };
    EXPECT_EQ(set(PFILD_OPTION_IMMEDIATE, 1), 0);
    EXPECT_EQ(set(PFILD_OPTION_HEADER_COMPLETE, 1), 0);
    EXPECT_EQ(set(PFILD_OPTION_DIRECTIONS, 2), 0);
    EXPECT_EQ(set(PFILD_OPTION_IMMEDIATE, 0), 0);
    EXPECT_EQ(set(PFILD_OPTION_IMMEDIATE, 2), EINVAL);
    const auto got = client.ask(PFILD_OP_GET_OPTIONS, device).as<pfild_options>();
    const pfild_options wanted{.header_complete = 1, .outgoing = 1};
    EXPECT_EQ(std::memcmp(&got, &wanted, sizeof got), 0);
}

TEST_F(DeviceSocketIoctl, data_link_types_and_the_version_are_told) {
    start();
    DeviceClient client = this->client();
    const std::uint32_t device = client.open().head.device;
    const auto version = client.ask(PFILD_OP_GET_VERSION, device).as<pfild_version>();
    EXPECT_EQ(version.major, 1);
    EXPECT_EQ(version.minor, 1);
    EXPECT_EQ(client.ask(PFILD_OP_GET_DATA_LINKS, device).error(), EINVAL);
    EXPECT_EQ(client.set_interface(device, "eth0").error(), 0);
    EXPECT_EQ(client.ask(PFILD_OP_GET_DATA_LINKS, device).as<std::uint32_t>(), 1U);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_DATA_LINK, device, 1U).error(), 0);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_DATA_LINK, device, 12U).error(), EINVAL);
}

TEST_F(DeviceSocketIoctl, what_is_written_goes_to_the_interface_also_while_a_read_waits) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const std::vector<std::uint8_t> frame(60, 0x5a);
    client.send_read(capture.device, kSize);
    EXPECT_EQ(client.ask(PFILD_OP_WRITE, capture.device, frame.data(), frame.size()).as<std::uint32_t>(), 60U);
    EXPECT_EQ(client.ask(PFILD_OP_WRITE, capture.device).as<std::uint32_t>(), 0U);
    EXPECT_EQ(client.ask(PFILD_OP_WRITE, capture.device, frame.data(), 13).error(), EMSGSIZE);
    EXPECT_EQ(client.ask(PFILD_OP_GET_STATS, capture.device).error(), EIO) << "that is an ioctl";
    EXPECT_EQ(tap_.written[kIfindex], std::vector<std::vector<std::uint8_t>>{frame});
}

TEST_F(DeviceSocketIoctl, a_locked_device_can_be_read_and_written_and_no_more_be_changed) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const pfild_instruction all{.code = 0x06, .jt = 0, .jf = 0, .k = 0xffffffff};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_WRITE_FILTER, capture.device, all).error(), 0);
    EXPECT_EQ(client.ask(PFILD_OP_LOCK, capture.device).error(), 0);
    EXPECT_EQ(client.ask(PFILD_OP_LOCK, capture.device).error(), 0) << "once more";
    for (const int op : {PFILD_OP_SET_FILTER, PFILD_OP_REPLACE_FILTER, PFILD_OP_SET_WRITE_FILTER}) {
        EXPECT_EQ(client.ask_with(op, capture.device, all).error(), EPERM) << op;
        EXPECT_EQ(client.ask(op, capture.device).error(), EPERM) << "not removed either: " << op;
    }
    EXPECT_EQ(client.ask(PFILD_OP_SET_PROMISCUOUS, capture.device).error(), EPERM);
    EXPECT_EQ(client.set_interface(capture.device, "eth0").error(), EPERM);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_DATA_LINK, capture.device, 1U).error(), EPERM);
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, capture.device, 4096U).error(), EPERM);
    const auto set = [&](std::uint32_t name, std::uint32_t value) {
        return client.ask_with(PFILD_OP_SET_OPTION, capture.device, pfild_option{.name = name, .value = value}).error();
    };
    EXPECT_EQ(set(PFILD_OPTION_IMMEDIATE, 1), 0);
    EXPECT_EQ(set(PFILD_OPTION_NONBLOCKING, 1), 0);
    EXPECT_EQ(set(PFILD_OPTION_HEADER_COMPLETE, 1), EPERM);
    EXPECT_EQ(set(PFILD_OPTION_HEADER_COMPLETE, 0), 0) << "it is so";
    EXPECT_EQ(set(PFILD_OPTION_DIRECTIONS, 1), EPERM);
    EXPECT_EQ(client.set_options(capture.device, false, false).error(), 0);
    const pfild_options other{.immediate = 1, .incoming = 1};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_OPTIONS, capture.device, other).error(), EPERM);
    const pfild_read_timeout timeout{.seconds = 1, .microseconds = 0};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_READ_TIMEOUT, capture.device, timeout).error(), 0);
    for (const int op : {PFILD_OP_FLUSH, PFILD_OP_GET_STATS, PFILD_OP_GET_OPTIONS, PFILD_OP_GET_INTERFACE,
                         PFILD_OP_GET_DATA_LINKS, PFILD_OP_GET_VERSION, PFILD_OP_GET_READABLE, PFILD_OP_SHARE}) {
        EXPECT_EQ(client.ask(op, capture.device).error(), 0) << op;
    }
    const std::vector<std::uint8_t> frame(60, 0x5a);
    EXPECT_EQ(client.ask(PFILD_OP_WRITE, capture.device, frame.data(), frame.size()).error(), 0);
    packets(8);
    EXPECT_EQ(client.read(capture.device, kSize).error(), 0);
}

TEST_F(DeviceSocketIoctl, filters_and_flushes_change_what_is_counted) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const pfild_instruction nothing{.code = 0x06, .jt = 0, .jf = 0, .k = 0};
    packets(3);
    EXPECT_EQ(client.ask_with(PFILD_OP_REPLACE_FILTER, capture.device, nothing).error(), 0);
    packets(2);
    auto stats = client.ask(PFILD_OP_GET_STATS, capture.device).as<pfild_stats>();
    EXPECT_EQ(stats.received, 5U);
    EXPECT_EQ(stats.captured, 3U);
    EXPECT_EQ(stats.filtered, 2U);
    EXPECT_EQ(stats.buffered, 3U);
    EXPECT_EQ(client.ask(PFILD_OP_GET_READABLE, capture.device).as<std::uint64_t>(), 0U) << "not immediate";
    EXPECT_EQ(client.ask(PFILD_OP_SET_FILTER, capture.device).error(), 0);
    stats = client.ask(PFILD_OP_GET_STATS, capture.device).as<pfild_stats>();
    EXPECT_EQ(stats.received, 0U) << "BIOCSETF flushes";
    EXPECT_EQ(stats.buffered, 0U);
    packets(8);
    EXPECT_EQ(client.ask(PFILD_OP_GET_READABLE, capture.device).as<std::uint64_t>(), kSize);
    EXPECT_EQ(client.ask(PFILD_OP_FLUSH, capture.device).error(), 0);
    EXPECT_EQ(client.ask(PFILD_OP_GET_READABLE, capture.device).as<std::uint64_t>(), 0U);
}

TEST_F(DeviceSocketIoctl, tell_the_tap_what_is_wanted_and_nothing_when_nobody_is_left) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    capture::TapWish wish;
    thread_->call([&](sys::Loop&, capture::DeviceTable&) { wish = tap_.wishes[kIfindex]; });
    EXPECT_EQ(wish, (capture::TapWish{.directions = core::Directions::both(), .length = kSize - 32}));
    EXPECT_EQ(client.ask(PFILD_OP_SET_PROMISCUOUS, capture.device).error(), 0);
    thread_.reset();
    EXPECT_EQ(tap_.wishes[kIfindex], capture::TapWish{});
    EXPECT_EQ(tap_.promiscuous[kIfindex], false) << "BD-03";
}

TEST_F(DeviceSocketIoctl, are_about_the_packets_until_then_but_a_read_takes_what_is_there_first) {
    start();
    DeviceClient client = this->client();
    const std::uint32_t device = this->capture(client).device;
    const auto caught_up = [&] {
        int now = 0;
        thread_->call([&](sys::Loop&, capture::DeviceTable&) { now = tap_.caught_up; });
        return now;
    };
    packets(8);
    const int before = caught_up();
    EXPECT_EQ(client.ask(PFILD_OP_GET_STATS, device).error(), 0);
    EXPECT_EQ(caught_up(), before + 1);
    EXPECT_EQ(client.read(device, kSize).payload.size(), kSize);
    EXPECT_EQ(caught_up(), before + 1) << "those that come would find no room";
    EXPECT_EQ(client.read(device, kSize, PFILD_READ_NONBLOCKING).error(), EAGAIN);
    EXPECT_EQ(caught_up(), before + 2) << "perhaps one has come";
}

TEST_F(DeviceSocketIoctl, of_another_connections_device_are_EBADF) {
    start();
    DeviceClient owner = client();
    DeviceClient stranger = client();
    const Capture capture = this->capture(owner);
    for (int op = PFILD_OP_CLOSE; op <= PFILD_OPS; ++op) {
        const Answer answer = stranger.ask(op, capture.device);
        EXPECT_EQ(answer.error(), EBADF) << op;
        EXPECT_FALSE(answer.text().empty()) << "a sentence";
    }
    EXPECT_EQ(stranger.ask(PFILD_OP_FLUSH, 4711).error(), EBADF);
    EXPECT_EQ(owner.ask(PFILD_OPS, capture.device).error(), ENOTTY);
    EXPECT_EQ(owner.ask(PFILD_OP_CLOSE, capture.device).error(), 0);
}

TEST_F(DeviceSocketIoctl, BD_01_the_17th_open_is_ENOBUFS_and_who_closes_makes_room) {
    start();
    DeviceClient client = this->client();
    DeviceClient other = this->client();
    for (std::uint32_t i = 0; i < 16; ++i) {
        const Answer opened = (i % 2 == 0 ? client : other).open();
        EXPECT_EQ(opened.error(), 0);
        EXPECT_EQ(opened.head.device, i);
        EXPECT_TRUE(opened.fd);
    }
    const Answer refused = client.open();
    EXPECT_EQ(refused.error(), ENOBUFS);
    EXPECT_FALSE(refused.fd);
    EXPECT_NE(refused.text().find("16"), std::string::npos) << refused.text();
    EXPECT_EQ(client.ask(PFILD_OP_CLOSE, 4).error(), 0);
    const Answer again = other.open();
    EXPECT_EQ(again.error(), 0);
    EXPECT_EQ(again.head.device, 4U) << "BD-03";
}

TEST_F(DeviceSocketIoctl, are_noted_with_the_process_that_has_asked_for_the_limits_with_the_user_that_has_opened) {
    options_.limits.devices_per_user = 2;
    start();
    DeviceClient client = this->client();
    EXPECT_EQ(client.open().error(), 0);
    capture::DeviceInfo info = devices().at(0);
    EXPECT_EQ(info.opener.uid, ::getuid());
    EXPECT_EQ(info.opener.pid, ::getpid());
    const pid_t child = ::fork();
    if (child == 0) {
        const pfild_request flush{.id = 1, .device = 0, .length = 0, .op = PFILD_OP_FLUSH, .zero = 0};
        ::_exit(client.send_bytes(&flush, sizeof flush) ? 0 : 1);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(client.receive().error(), 0);
    info = devices().at(0);
    EXPECT_EQ(info.opener.pid, child) << "of the last request";
    EXPECT_EQ(client.open().error(), 0);
    const int third = ::getuid() == 0 ? 0 : ENOBUFS; // root is not held to the limit of a user
    EXPECT_EQ(this->client().open().error(), third);
}

TEST_F(DeviceSocketIoctl, connections_have_limits_too_and_are_told_so) {
    options_.socket.max_connections_per_user = 2;
    start();
    DeviceClient first = client();
    DeviceClient second = client();
    EXPECT_EQ(first.open().error(), 0);
    EXPECT_EQ(second.open().error(), 0);
    DeviceClient third = client();
    const Answer refused = third.receive();
    EXPECT_EQ(refused.error(), EMFILE);
    EXPECT_EQ(refused.head.id, 0U);
    EXPECT_FALSE(refused.text().empty());
    EXPECT_TRUE(third.is_closed());
    first.hang_up();
    EXPECT_TRUE(devices_become(1));
    EXPECT_EQ(client().open().error(), 0);
}

TEST_F(DeviceSocketIoctl, no_more_connections_in_all_is_EAGAIN) {
    options_.socket.max_connections = 1;
    start();
    DeviceClient first = client();
    EXPECT_EQ(first.open().error(), 0);
    EXPECT_EQ(client().receive().error(), EAGAIN);
    EXPECT_EQ(first.open().error(), 0);
}

} // namespace
} // namespace pfild::device
