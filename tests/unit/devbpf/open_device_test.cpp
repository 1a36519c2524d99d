// SPDX-License-Identifier: BSD-2-Clause
// An open device against a daemon that the test plays: answers in any order, reads in parts, interrupts, the end.
#include "devbpf/open_device.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pfild::devbpf {
namespace {

using client::Descriptor;
using Bytes = std::vector<std::uint8_t>;
using std::chrono_literals::operator""ms;

constexpr std::uint32_t kNumber = 9;

/// What a request came to.
struct Came {
    int calls = 0;
    int error = 0;
    std::string bytes;

    OpenDevice::Done done() {
        return [this](const Outcome& outcome) {
            ++calls;
            error = outcome.error;
            for (const iovec& part : outcome.parts) {
                bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
            }
        };
    }
};

class OpenDevices : public testing::Test {
  protected:
    OpenDevices() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends.data()), 0);
        daemon_ = Descriptor(ends[0]);
        device_.emplace(Descriptor(ends[1]));
    }

    std::uint32_t ask(pfild_op op, Came& came, const std::string& payload = "") {
        return device_->ask(op, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}, now_,
                            came.done());
    }

    /// The next request; nothing: there is none.
    std::optional<pfild_request> request() {
        Bytes bytes(PFILD_WIRE_REQUEST_MAX);
        const ssize_t got = ::recv(daemon_.get(), bytes.data(), bytes.size(), 0);
        if (got < static_cast<ssize_t>(sizeof(pfild_request))) {
            return std::nullopt;
        }
        pfild_request request{};
        std::memcpy(&request, bytes.data(), sizeof request);
        payload_.assign(bytes.begin() + sizeof request, bytes.begin() + got);
        return request;
    }

    void say(pfild_reply reply, const std::string& payload, int descriptor = -1) {
        reply.length = static_cast<__u32>(payload.size());
        Bytes bytes(sizeof reply + payload.size());
        std::memcpy(bytes.data(), &reply, sizeof reply);
        std::memcpy(bytes.data() + sizeof reply, payload.data(), payload.size());
        iovec place{.iov_base = bytes.data(), .iov_len = bytes.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            cmsghdr* const rights = CMSG_FIRSTHDR(&message);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
        }
        ASSERT_GE(::sendmsg(daemon_.get(), &message, MSG_NOSIGNAL), 0);
        device_->proceed();
    }

    void answer(const pfild_request& asked, const std::string& payload = "", __u32 error = 0, __u16 flags = 0) {
        say({.id = asked.id, .device = kNumber, .op = asked.op, .flags = flags, .error = error}, payload);
    }

    void open() {
        Came opened;
        ask(PFILD_OP_OPEN, opened, std::string(sizeof(pfild_open), '\0'));
        const auto asked = request();
        ASSERT_TRUE(asked && asked->op == PFILD_OP_OPEN && asked->device == 0);
        say({.id = asked->id, .device = kNumber, .op = PFILD_OP_OPEN}, "", STDERR_FILENO);
        ASSERT_EQ(opened.calls, 1);
        ASSERT_EQ(opened.error, 0);
        ASSERT_GE(device_->readiness(), 0);
    }

    Descriptor daemon_;
    std::optional<OpenDevice> device_;
    OpenDevice::Time now_{};
    Bytes payload_;
};

TEST_F(OpenDevices, get_the_answers_to_what_they_asked_in_any_order) {
    open();
    Came first;
    Came second;
    ask(PFILD_OP_READ, first);
    ask(PFILD_OP_WRITE, second, "frame");
    const auto read = request();
    const auto write = request();
    ASSERT_TRUE(read && write);
    EXPECT_EQ(write->device, kNumber);
    EXPECT_EQ(payload_, Bytes({'f', 'r', 'a', 'm', 'e'}));
    answer(*write, "five");
    EXPECT_EQ(second.bytes, "five");
    EXPECT_EQ(first.calls, 0);
    answer(*read, "records");
    EXPECT_EQ(first.bytes, "records");
    EXPECT_EQ(first.calls + second.calls, 2);
}

TEST_F(OpenDevices, put_the_parts_of_a_read_together_whatever_comes_between_them) {
    open();
    for (const std::string round : {"one ", "another "}) {
        Came read;
        Came other;
        ask(PFILD_OP_READ, read);
        ask(PFILD_OP_GET_STATS, other);
        const auto reading = request();
        const auto asking = request();
        answer(*reading, round, 0, PFILD_REPLY_MORE);
        answer(*reading, std::string(32768, 'x'), 0, PFILD_REPLY_MORE);
        answer(*asking, "busy", EIO);
        EXPECT_EQ(other.error, EIO);
        EXPECT_EQ(read.calls, 0);
        answer(*reading, " end");
        EXPECT_EQ(read.bytes, round + std::string(32768, 'x') + " end");
    }
}

TEST_F(OpenDevices, cancel_a_read_that_is_interrupted_and_wait_for_what_becomes_of_it) {
    open();
    Came read;
    const std::uint32_t id = ask(PFILD_OP_READ, read);
    const auto reading = request();
    device_->interrupt(id, now_);
    device_->interrupt(id, now_);
    const auto cancel = request();
    ASSERT_TRUE(cancel && cancel->op == PFILD_OP_CANCEL);
    EXPECT_FALSE(request()) << "once";
    EXPECT_EQ(std::memcmp(payload_.data(), &id, sizeof id), 0);
    EXPECT_EQ(read.calls, 0);
    answer(*reading, "", EINTR);
    EXPECT_EQ(read.error, EINTR);
    answer(*cancel);
    EXPECT_FALSE(device_->ended()) << "nobody waits for that answer";
    device_->interrupt(id, now_);
    EXPECT_FALSE(request());
}

TEST_F(OpenDevices, let_an_interrupted_call_end_and_give_up_on_a_daemon_that_hangs) {
    open();
    Came call;
    const std::uint32_t id = ask(PFILD_OP_FLUSH, call);
    const auto asked = request();
    device_->interrupt(id, now_);
    EXPECT_FALSE(request()) << "nothing is cancelled";
    device_->expire(now_ + OpenDevice::kInterruptedLimit - 1ms);
    EXPECT_EQ(call.calls, 0);
    ASSERT_EQ(device_->deadline(), now_ + OpenDevice::kInterruptedLimit);
    device_->expire(now_ + OpenDevice::kInterruptedLimit);
    EXPECT_EQ(call.error, EINTR);
    answer(*asked);
    EXPECT_FALSE(device_->ended()) << "it may come late";
    Came hanging;
    ask(PFILD_OP_FLUSH, hanging);
    device_->expire(now_ + OpenDevice::kAnswerLimit);
    EXPECT_EQ(hanging.error, EIO);
    EXPECT_TRUE(device_->ended());
}

TEST_F(OpenDevices, wait_for_a_read_without_end_but_not_for_its_cancelling) {
    open();
    Came read;
    const std::uint32_t id = ask(PFILD_OP_READ, read);
    EXPECT_FALSE(device_->deadline());
    device_->interrupt(id, now_);
    device_->expire(now_ + OpenDevice::kAnswerLimit);
    EXPECT_EQ(read.error, EIO);
}

TEST_F(OpenDevices, answer_everything_with_EIO_once_the_connection_has_ended) {
    open();
    Came before;
    Came after;
    ask(PFILD_OP_READ, before);
    daemon_ = Descriptor();
    device_->proceed();
    EXPECT_TRUE(device_->ended());
    EXPECT_EQ(before.error, EIO);
    ask(PFILD_OP_READ, after);
    EXPECT_EQ(after.error, EIO);
    EXPECT_EQ(before.calls + after.calls, 2);
}

TEST_F(OpenDevices, end_at_an_answer_that_nobody_asked_for) {
    open();
    Came read;
    ask(PFILD_OP_READ, read);
    auto wrong = *request();
    wrong.op = PFILD_OP_FLUSH;
    answer(wrong);
    EXPECT_TRUE(device_->ended());
    EXPECT_EQ(read.error, EIO);
}

TEST_F(OpenDevices, are_told_that_they_are_one_too_many) {
    Came opened;
    ask(PFILD_OP_OPEN, opened);
    say({.id = 0, .device = 0, .op = PFILD_OP_OPEN, .error = EMFILE}, "too many");
    EXPECT_EQ(opened.error, EMFILE);
}

TEST_F(OpenDevices, keep_what_the_daemon_does_not_take_yet_and_refuse_what_is_too_much) {
    open();
    std::vector<Came> all(1000);
    const std::string frame(65536, 'f');
    std::size_t accepted = 0;
    while (accepted < all.size() && all[accepted].calls == 0) {
        ask(PFILD_OP_WRITE, all[accepted], frame);
        accepted += all[accepted].calls == 0 ? 1 : 0;
    }
    EXPECT_EQ(all[accepted].error, ENOBUFS);
    EXPECT_TRUE(device_->has_unsent());
    std::size_t come = 0;
    while (request()) {
        EXPECT_EQ(payload_.size(), frame.size());
        ++come;
        device_->proceed();
    }
    EXPECT_EQ(come, accepted) << "none is lost, none comes twice";
    EXPECT_FALSE(device_->has_unsent());
    Came long_one;
    ask(PFILD_OP_WRITE, long_one, std::string(PFILD_WIRE_REQUEST_MAX, 'l'));
    EXPECT_EQ(long_one.error, EMSGSIZE);
    device_.reset();
    EXPECT_EQ(all[0].error, EIO) << "who waits is told, at the end";
}

} // namespace
} // namespace pfild::devbpf
