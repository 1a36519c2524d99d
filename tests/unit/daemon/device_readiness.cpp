// SPDX-License-Identifier: BSD-2-Clause
// The descriptor that stands for a device in poll, select and epoll (BD-30 to BD-38), also over dup and fork.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_fixture.h"

namespace pfild::device {
namespace {

using test::DeviceClient;
using test::poll_now;

constexpr short kReadable = POLLIN | POLLOUT;
constexpr short kWritable = POLLOUT;
constexpr short kGone = POLLIN | POLLOUT | POLLHUP;

short select_now(int fd) {
    fd_set in;
    fd_set out;
    fd_set special;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&special);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    FD_SET(fd, &special);
    timeval none{};
    ::select(fd + 1, &in, &out, &special, &none);
    return static_cast<short>((FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0) |
                              (FD_ISSET(fd, &special) ? POLLPRI : 0));
}

short epoll_now(int fd) {
    const sys::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLPRI, .data = {}};
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
    event.events = 0;
    ::epoll_wait(epoll.get(), &event, 1, 0);
    return static_cast<short>(event.events);
}

class DeviceSocketPoll : public test::DeviceSocket {
  protected:
    /// Of the descriptor and of a duplicate of it, by all three calls.
    static void expect(int fd, short wanted, const char* sentence) {
        const sys::Fd duplicate(::dup(fd));
        for (const int each : {fd, duplicate.get()}) {
            EXPECT_EQ(poll_now(each), wanted) << sentence;
            EXPECT_EQ(epoll_now(each), wanted) << sentence;
            EXPECT_EQ(select_now(each), wanted & ~POLLHUP) << sentence;
        }
    }
    static void expect_in_child(int fd, short wanted, const char* sentence) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(poll_now(fd) == wanted ? 0 : 1);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0) << sentence;
    }
};

TEST_F(DeviceSocketPoll, BD_30_says_what_a_read_would_find) {
    start();
    DeviceClient client = this->client();
    const test::Answer opened = client.open();
    ASSERT_TRUE(opened.fd);
    expect(opened.fd.get(), kReadable, "no interface yet");
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_BUFFER_SIZE, opened.head.device, kSize).error(), 0);
    EXPECT_EQ(client.set_interface(opened.head.device, "eth0").error(), 0);
    expect(opened.fd.get(), kWritable, "nothing there");
    packets(7);
    expect(opened.fd.get(), kWritable, "BD-36: a packet that does not fill the buffer wakes nobody");
    packets(1);
    expect(opened.fd.get(), kReadable, "a full buffer");
    expect(opened.fd.get(), kReadable, "BD-34: and polling takes nothing");
    EXPECT_EQ(client.read(opened.head.device, kSize).payload.size(), kSize);
    expect(opened.fd.get(), kWritable, "it has been read");
    packets(16);
    EXPECT_EQ(client.read(opened.head.device, kSize).payload.size(), kSize);
    EXPECT_TRUE(test::wait_for(opened.fd.get(), POLLIN)) << "BD-21: the second buffer is full as well";
    EXPECT_EQ(client.ask(PFILD_OP_FLUSH, opened.head.device).error(), 0);
    expect(opened.fd.get(), kWritable, "flushed");
}

TEST_F(DeviceSocketPoll, BD_38_follows_the_options) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    packets(1);
    expect(capture.ready.get(), kWritable, "not immediate");
    EXPECT_EQ(client.set_options(capture.device, true, false).error(), 0);
    expect(capture.ready.get(), kReadable, "immediate");
    EXPECT_EQ(client.set_options(capture.device, false, false).error(), 0);
    expect(capture.ready.get(), kWritable, "not any more");
}

TEST_F(DeviceSocketPoll, BD_35_in_immediate_mode_is_true_of_what_a_reader_has_not_got) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client, true);
    client.send_read(capture.device, kSize);
    packets(1);
    EXPECT_EQ(client.receive_read().payload.size(), kRecord);
    expect(capture.ready.get(), kWritable, "the reader was first");
    packets(1);
    expect(capture.ready.get(), kReadable, "no reader");
}

TEST_F(DeviceSocketPoll, hangs_up_for_good_when_the_interface_is_gone) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    remove_interface(kIfindex);
    expect(capture.ready.get(), kGone, "gone");
    put_interface(kIfindex, "eth0");
    expect(capture.ready.get(), kGone, "another one of that name");
}

TEST_F(DeviceSocketPoll, works_in_a_child_and_after_the_child_has_ended) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    expect_in_child(capture.ready.get(), kWritable, "before");
    packets(8);
    expect_in_child(capture.ready.get(), kReadable, "with packets");
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
    expect_in_child(capture.ready.get(), kWritable, "read by the parent");
    packets(8);
    expect(capture.ready.get(), kReadable, "the child has only closed its own");
}

TEST_F(DeviceSocketPoll, BD_31_stays_writable_whatever_is_written_into_it) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const std::vector<std::uint8_t> junk(65536, 1);
    for (int i = 0; i < 64; ++i) {
        EXPECT_EQ(::send(capture.ready.get(), junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT), -1);
        EXPECT_EQ(errno, EPIPE);
    }
    expect(capture.ready.get(), kWritable, "nothing was kept");
    packets(8);
    expect(capture.ready.get(), kReadable, "and it still works");
}

TEST_F(DeviceSocketPoll, deceives_nobody_but_who_takes_its_byte) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    packets(8);
    char byte = 1;
    EXPECT_EQ(::recv(capture.ready.get(), &byte, 1, MSG_DONTWAIT), 1);
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
    packets(8);
    expect(capture.ready.get(), kReadable, "the next buffer");
    ::shutdown(capture.ready.get(), SHUT_RDWR);
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
    packets(8);
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
}

/// A program that polls after each read must never be told of packets that it has just got.
TEST_F(DeviceSocketPoll, never_speaks_of_packets_that_were_read_before) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    for (int i = 0; i < 200; ++i) {
        packets(8);
        ASSERT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
        ASSERT_EQ(poll_now(capture.ready.get()), kWritable) << i;
    }
}

TEST_F(DeviceSocketPoll, BD_33_a_wait_time_out_makes_a_packet_readable_without_another_event) {
    start();
    DeviceClient client = this->client();
    const Capture capture = this->capture(client);
    const pfild_read_timeout millisecond{.seconds = 0, .microseconds = 1000};
    EXPECT_EQ(client.ask_with(PFILD_OP_SET_WAIT_TIMEOUT, capture.device, millisecond).error(), 0);
    packets(1);
    EXPECT_TRUE(test::wait_for(capture.ready.get(), POLLIN));
    EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kRecord);
    expect(capture.ready.get(), kWritable, "it was read");
    client.send_read(capture.device, kSize);
    packets(1);
    EXPECT_EQ(client.receive_read().payload.size(), kRecord) << "a read that waits ends so, too";
}

} // namespace
} // namespace pfild::device
