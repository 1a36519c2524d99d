// SPDX-License-Identifier: BSD-2-Clause
// Devices over the socket: opening, reading, cancelling, closing; what is answered, and when.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "device_fixture.h"

namespace pfild::device {
namespace {

using test::Answer;
using test::DeviceClient;

class DeviceSocketRead : public test::DeviceSocket {};

TEST_F(DeviceSocketRead, is_a_socket_of_the_group_that_replaces_a_stale_one_and_is_removed) {
    start();
    thread_.reset();
    EXPECT_FALSE(std::filesystem::exists(path()));
    {
        const sys::Fd stale(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, path().c_str(), path().size() + 1);
        ASSERT_EQ(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    start();
    struct stat status {};
    ASSERT_EQ(::lstat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0660U);
    EXPECT_EQ(client().open().error(), 0);
}

TEST_F(DeviceSocketRead, refuses_to_replace_what_is_no_socket) {
    std::filesystem::create_directory(path());
    const auto started = DeviceThread::start(options_, tap_);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, EADDRINUSE);
}

TEST_F(DeviceSocketRead, BD_13_returns_a_full_buffer_at_once_and_leaves_nothing_behind) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    packets(8, kPacket, 0x5a);
    const Answer read = client.read(capture.device, kSize);
    EXPECT_EQ(read.error(), 0) << read.text();
    ASSERT_EQ(read.payload.size(), kSize);
    pfild_record record{};
    std::memcpy(&record, read.payload.data() + std::size_t{7} * kRecord, sizeof record);
    EXPECT_EQ(record.caplen, kPacket);
    EXPECT_EQ(read.payload.back(), 0x5a);
    EXPECT_EQ(client.ask(PFILD_OP_GET_STATS, capture.device).as<pfild_stats>().delivered, 8U);
}

TEST_F(DeviceSocketRead, BD_14_waits_until_the_buffer_is_full_and_other_requests_are_answered_meanwhile) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const std::uint32_t id = client.send_read(capture.device, kSize);
    packets(7);
    EXPECT_FALSE(client.has_answer());
    const Answer other = client.open();
    EXPECT_EQ(other.error(), 0);
    packets(1);
    const Answer read = client.receive_read();
    EXPECT_EQ(read.head.id, id);
    EXPECT_EQ(read.head.op, PFILD_OP_READ);
    EXPECT_EQ(read.head.device, capture.device);
    EXPECT_EQ(read.payload.size(), kSize);
}

TEST_F(DeviceSocketRead, BD_15_in_immediate_mode_ends_with_a_batch) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client, true);
    client.send_read(capture.device, kSize);
    packets(3);
    EXPECT_EQ(client.receive_read().payload.size(), 3 * kRecord);
}

TEST_F(DeviceSocketRead, BD_16_without_waiting_takes_what_is_there_or_is_EAGAIN) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    EXPECT_EQ(client.read(capture.device, kSize, PFILD_READ_NONBLOCKING).error(), EAGAIN);
    packets(1);
    EXPECT_EQ(client.read(capture.device, kSize, PFILD_READ_NONBLOCKING).payload.size(), kRecord);
    EXPECT_EQ(client.set_options(capture.device, false, true).error(), 0);
    EXPECT_EQ(client.read(capture.device, kSize).error(), EAGAIN);
}

TEST_F(DeviceSocketRead, BD_17_BD_18_time_out_with_what_is_there_or_EAGAIN) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const pfild_read_timeout soon{.seconds = 0, .microseconds = 2000};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_READ_TIMEOUT, capture.device, soon).error(), 0);
    EXPECT_EQ(client.read(capture.device, kSize).error(), EAGAIN);
    packets(2);
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), 2 * kRecord);
    EXPECT_EQ(client.ask(PFILD_OP_GET_READ_TIMEOUT, capture.device).as<pfild_read_timeout>().microseconds, 2000);
}

TEST_F(DeviceSocketRead, times_out_of_the_nearer_of_two_deadlines_first) {
    start();
    DeviceClient client = this->client();
    const Capture late = capture(client);
    const Capture early = capture(client);
    (void)client.ask_with(PFILD_OP_SET_READ_TIMEOUT, late.device,
                          pfild_read_timeout{.seconds = 3600, .microseconds = 0});
    (void)client.ask_with(PFILD_OP_SET_READ_TIMEOUT, early.device, pfild_read_timeout{.seconds = 0, .microseconds = 1});
    client.send_read(late.device, kSize);
    client.send_read(early.device, kSize);
    EXPECT_EQ(client.receive_read().head.device, early.device);
    EXPECT_FALSE(client.has_answer());
}

TEST_F(DeviceSocketRead, comes_in_messages_of_limited_length_however_large_the_buffer_is) {
    start();
    DeviceClient client = this->client();
    const Answer opened = client.open();
    const std::uint32_t size =
        client.ask_with(PFILD_OP_SET_BUFFER_SIZE, opened.head.device, UINT32_MAX).as<std::uint32_t>();
    EXPECT_EQ(size, 262144U);
    EXPECT_EQ(client.set_interface(opened.head.device, "eth0").error(), 0);
    packets(size / kRecord);
    client.send_read(opened.head.device, size);
    std::size_t messages = 0;
    EXPECT_EQ(client.receive_read(&messages).payload.size(), size);
    EXPECT_EQ(messages, 8U);
}

TEST_F(DeviceSocketRead, BD_12_while_one_waits_is_EIO_and_so_is_every_ioctl) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const std::uint32_t waiting = client.send_read(capture.device, kSize);
    EXPECT_EQ(client.read(capture.device, kSize).error(), EIO);
    for (int op = PFILD_OP_GET_BUFFER_SIZE; op <= PFILD_OPS; ++op) {
        EXPECT_EQ(client.ask(op, capture.device).error(), op == PFILD_OP_WRITE ? 0 : EIO) << op; // BD-84
    }
    EXPECT_EQ(client.ask(PFILD_OP_CANCEL, capture.device).error(), EINVAL) << "of what size a payload is, is looked at";
    EXPECT_EQ(client.ask_with(PFILD_OP_CANCEL, capture.device, waiting + 1).error(), 0) << "not the one that waits";
    EXPECT_EQ(devices().at(0).waits, true);
    client.send(PFILD_OP_CANCEL, capture.device, &waiting, sizeof waiting);
    const Answer read = client.receive();
    EXPECT_EQ(read.head.id, waiting);
    EXPECT_EQ(read.error(), EINTR) << "BD-22";
    EXPECT_EQ(client.receive().head.op, PFILD_OP_CANCEL);
    EXPECT_EQ(client.ask(PFILD_OP_GET_BUFFER_SIZE, capture.device).as<std::uint32_t>(), kSize);
}

TEST_F(DeviceSocketRead, BD_04_that_waits_ends_with_EBADF_when_the_device_is_closed) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    client.send_read(capture.device, kSize);
    client.send(PFILD_OP_CLOSE, capture.device);
    EXPECT_EQ(client.receive().error(), EBADF);
    const Answer closed = client.receive();
    EXPECT_EQ(closed.head.op, PFILD_OP_CLOSE);
    EXPECT_EQ(closed.error(), 0);
    EXPECT_TRUE(test::wait_for(capture.ready.get(), POLLHUP));
    EXPECT_EQ(client.ask(PFILD_OP_FLUSH, capture.device).error(), EBADF);
}

TEST_F(DeviceSocketRead, BD_24_BD_25_after_the_interface_is_gone_drains_and_then_is_EIO) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    packets(1);
    client.send_read(capture.device, kSize);
    EXPECT_EQ(client.ask(PFILD_OP_FLUSH, capture.device).error(), EIO) << "the read waits";
    remove_interface(kIfindex);
    EXPECT_EQ(client.receive_read().payload.size(), kRecord);
    EXPECT_EQ(client.read(capture.device, kSize).error(), EIO);
    EXPECT_EQ(client.ask(PFILD_OP_GET_INTERFACE, capture.device).error(), EINVAL) << "BD-91";
    EXPECT_EQ(client.set_interface(capture.device, "eth0").error(), EINVAL) << "once per open";
}

} // namespace
} // namespace pfild::device
