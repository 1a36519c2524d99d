// SPDX-License-Identifier: BSD-2-Clause
// Programs at the device socket that die, do not read, or send what is none: nobody else notices, and nothing leaks.
//
// PFILD_FUZZ_MESSAGES in the environment: how many random messages are sent, instead of 100,000.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device_fixture.h"

namespace pfild::device {
namespace {

using test::Answer;
using test::DeviceClient;
using test::open_descriptors;

class DeviceSocketHostile : public test::DeviceSocket {
  protected:
    /// Opens, captures, reads and closes as if nothing were.
    void expect_service() {
        DeviceClient client = this->client();
        const Capture capture = this->capture(client);
        packets(8);
        EXPECT_EQ(client.read(capture.device, kSize).payload.size(), kSize);
    }
    /// So many descriptors of this process are open, or are so soon.
    [[nodiscard]] bool descriptors_become(std::size_t count) {
        return becomes([&] {
            thread_->call([](sys::Loop&, capture::DeviceTable&) {});
            return open_descriptors() == count;
        });
    }
};

/// The one descriptor of this process that the kernel calls so.
int descriptor_called(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone; // the one that reads the directory
        if (std::filesystem::read_symlink(entry.path(), gone) == name) {
            return std::stoi(entry.path().filename());
        }
    }
    return -1;
}

TEST_F(DeviceSocketHostile, a_thread_whose_loop_breaks_ends_its_clients_and_lets_nobody_wait) {
    start();
    DeviceClient client = this->client();
    EXPECT_EQ(client.open().error(), 0);
    EXPECT_TRUE(thread_->call([](sys::Loop&, capture::DeviceTable&) {})) << "the twin";
    const int epoll = descriptor_called("anon_inode:[eventpoll]");
    const sys::Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ASSERT_GE(::dup3(nothing.get(), epoll, O_CLOEXEC), 0);
    bool served = true;
    for (int calls = 0; served && calls < 10; ++calls) { // the round that waits now is the last
        served = thread_->call([](sys::Loop&, capture::DeviceTable&) {});
    }
    EXPECT_FALSE(served);
    EXPECT_TRUE(client.is_closed());
}

TEST_F(DeviceSocketHostile, malformed_messages_end_their_connection_with_EPROTO) {
    start();
    const pfild_request flush{.id = 5, .device = 0, .length = 0, .op = PFILD_OP_FLUSH, .zero = 0};
    struct Row {
        const char* sentence;
        std::vector<std::uint8_t> bytes;
        std::uint32_t id;
    };
    const auto* const raw = reinterpret_cast<const std::uint8_t*>(&flush);
    std::vector<std::uint8_t> longer(raw, raw + sizeof flush);
    longer.push_back(0);
    std::vector<std::uint8_t> longest(raw, raw + sizeof flush);
    longest.resize(PFILD_WIRE_REQUEST_MAX + 1);
    const std::vector<Row> table{{"an empty one", {}, 0},
                                 {"one byte", {1}, 0},
                                 {"less than a header", {raw, raw + sizeof flush - 1}, 0},
                                 {"more than the header says", longer, 5},
                                 {"longer than the longest", longest, 5}};
    for (const Row& row : table) {
        DeviceClient client = this->client();
        EXPECT_TRUE(client.send_bytes(row.bytes.data(), row.bytes.size())) << row.sentence;
        client.send(PFILD_OP_FLUSH, 0); // too late
        const Answer answer = client.receive();
        EXPECT_EQ(answer.error(), EPROTO) << row.sentence;
        EXPECT_EQ(answer.head.id, row.id) << row.sentence;
        EXPECT_FALSE(answer.text().empty()) << row.sentence;
    }
    expect_service();
}

/// So many requests, each fourth of them without a byte.
void send_many(const DeviceClient& client, int count) {
    const pfild_request flush{.id = 77, .device = 0, .length = 0, .op = PFILD_OP_FLUSH, .zero = 0};
    for (int i = 0; i < count; ++i) {
        (void)::send(client.fd(), &flush, i % 4 == 0 ? 0 : sizeof flush, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/// All that a client has sent is there when the daemon hears the first of it, and most of it is never read.
TEST_F(DeviceSocketHostile, the_last_answer_comes_first_whatever_is_still_unread) {
    constexpr std::uint8_t kNonsense = 1;
    options_.socket.max_connections_per_user = 1;
    start();
    for (const int behind : {0, 1, 2, 100}) {
        DeviceClient malformed = client();
        EXPECT_EQ(malformed.ask(PFILD_OP_FLUSH, 4711).error(), EBADF) << "it was taken in";
        std::optional<DeviceClient> too_many;
        EXPECT_TRUE(thread_->call([&](sys::Loop&, capture::DeviceTable&) {
            too_many.emplace(path());
            send_many(*too_many, behind);
        }));
        EXPECT_TRUE(test::wait_for(too_many->fd(), POLLHUP)); // so that it reads what a close leaves
        EXPECT_EQ(too_many->receive().error(), EMFILE) << behind;
        EXPECT_TRUE(too_many->is_closed()) << behind;
        EXPECT_TRUE(thread_->call([&](sys::Loop&, capture::DeviceTable&) {
            malformed.send_bytes(&kNonsense, sizeof kNonsense);
            send_many(malformed, behind);
        }));
        EXPECT_TRUE(test::wait_for(malformed.fd(), POLLHUP));
        EXPECT_EQ(malformed.receive().error(), EPROTO) << behind;
        EXPECT_TRUE(malformed.is_closed()) << behind;
    }
    expect_service();
}

/// The same while another thread goes on sending: at each moment between the answer and the close.
TEST_F(DeviceSocketHostile, the_last_answer_comes_whenever_something_else_is_sent) {
    constexpr std::uint8_t kNonsense = 1;
    start();
    for (int round = 0; round < 3000; ++round) {
        DeviceClient client = this->client();
        std::thread sender([&client] { send_many(client, 40); });
        client.send_bytes(&kNonsense, sizeof kNonsense);
        Answer answer = client.receive();
        while (answer.error() == EBADF) {
            answer = client.receive();
        }
        sender.join();
        ASSERT_EQ(answer.error(), EPROTO) << round;
    }
    expect_service();
}

TEST_F(DeviceSocketHostile, descriptors_that_are_sent_do_not_get_in) {
    start();
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        DeviceClient client = this->client();
        EXPECT_EQ(client.open().error(), 0);
        std::array<int, 20> fds{};
        alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof fds)> control{};
        pfild_request flush{.id = 1, .device = 0, .length = 0, .op = PFILD_OP_FLUSH, .zero = 0};
        iovec bytes{.iov_base = &flush, .iov_len = sizeof flush};
        msghdr header{};
        header.msg_iov = &bytes;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fds);
        fds.fill(STDIN_FILENO);
        std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
        ASSERT_GT(::sendmsg(client.fd(), &header, 0), 0);
        EXPECT_EQ(client.receive().error(), EPROTO);
    }
    EXPECT_TRUE(descriptors_become(before));
}

TEST_F(DeviceSocketHostile, a_client_that_is_killed_while_a_read_waits_is_forgotten) {
    // The child is made before there is a second thread, whose locks it would inherit, and connects when it is told to.
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const sys::Fd told(ends[0]);
    sys::Fd tell(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        tell.reset();
        char nothing = 0;
        (void)::read(told.get(), &nothing, 1);
        DeviceClient client = this->client();
        const Capture capture = this->capture(client);
        client.send_read(capture.device, kSize);
        ::pause();
        ::_exit(1);
    }
    start();
    const std::size_t before = open_descriptors() - 1; // without the end that tells
    tell.reset();
    EXPECT_TRUE(becomes([&] {
        const auto list = devices();
        return list.size() == 1 && list[0].waits;
    }));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(devices_become(0));
    packets(100);
    EXPECT_TRUE(descriptors_become(before));
    expect_service();
}

TEST_F(DeviceSocketHostile, a_client_that_takes_no_answers_is_disconnected_and_another_one_loses_nothing) {
    start();
    DeviceClient good = client();
    const Capture watched = capture(good);
    DeviceClient slow = client();
    const Capture ignored = capture(slow);
    const pfild_read read{.size = kSize, .flags = 0};
    pfild_request request{.id = 1, .device = ignored.device, .length = sizeof read, .op = PFILD_OP_READ, .zero = 0};
    std::array<std::uint8_t, sizeof request + sizeof read> message{};
    std::memcpy(message.data(), &request, sizeof request);
    std::memcpy(message.data() + sizeof request, &read, sizeof read);
    int rounds = 0;
    while (devices().size() == 2 && rounds < 5000) {
        slow.send_bytes(message.data(), message.size());
        packets(8);
        ASSERT_EQ(good.read(watched.device, kSize).payload.size(), kSize) << ++rounds;
    }
    EXPECT_EQ(devices().size(), 1U);
    EXPECT_EQ(devices().at(0).stats.dropped, 0U);
    EXPECT_TRUE(test::wait_for(ignored.ready.get(), POLLHUP));
}

TEST_F(DeviceSocketHostile, a_flood_of_requests_keeps_nobody_else_waiting) {
    start();
    DeviceClient good = client();
    const Capture watched = capture(good);
    DeviceClient flood = client();
    for (int i = 0; i < 200; ++i) {
        for (int j = 0; j < 50; ++j) {
            const pfild_request nonsense{.id = 0, .device = 99, .length = 0, .op = PFILD_OP_FLUSH, .zero = 0};
            (void)::send(flood.fd(), &nonsense, sizeof nonsense, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        packets(8);
        ASSERT_EQ(good.read(watched.device, kSize).payload.size(), kSize) << i;
    }
}

/// At each stage of its life, with answers on their way or not.
TEST_F(DeviceSocketHostile, a_thousand_clients_that_die_at_any_moment_leave_nothing) {
    start();
    const std::size_t before = open_descriptors();
    std::mt19937 random(1); // NOLINT(*-msc51-cpp): the same every time
    for (int i = 0; i < 1000; ++i) {
        DeviceClient client = this->client();
        const unsigned stage = random() % 6;
        const unsigned opened = stage == 0 ? 0 : 1 + random() % 3;
        for (unsigned j = 0; j < opened; ++j) {
            const pfild_open wanted{.version = PFILD_WIRE_VERSION, .access = PFILD_ACCESS_BOTH};
            client.send(PFILD_OP_OPEN, 0, &wanted, sizeof wanted);
        }
        std::uint32_t device = 0;
        if (stage >= 2) {
            const Answer answer = client.receive();
            device = answer.head.device;
            client.send(PFILD_OP_SET_INTERFACE, device, "eth0", 4);
        }
        if (stage >= 3) {
            client.send(PFILD_OP_SET_PROMISCUOUS, device);
            client.send_read(device, 32768);
        }
        if (stage >= 4) {
            packets(random() % 80);
        }
    }
    EXPECT_TRUE(devices_become(0));
    EXPECT_TRUE(descriptors_become(before));
    bool promiscuous = true;
    capture::TapWish wish{.length = 1};
    capture::DeviceCounts totals;
    thread_->call([&](sys::Loop&, capture::DeviceTable& table) {
        promiscuous = tap_.promiscuous[kIfindex];
        wish = tap_.wishes[kIfindex];
        totals = table.totals();
    });
    EXPECT_FALSE(promiscuous);
    EXPECT_EQ(wish, capture::TapWish{});
    EXPECT_TRUE(totals.balanced(0));
    expect_service();
}

/// Mostly right headers, so that most messages get as far as a device; what they say is random.
class RandomMessages {
  public:
    std::vector<std::uint8_t> next() {
        const unsigned kind = number() % 1024;
        std::vector<std::uint8_t> payload(lengths_[number() % lengths_.size()]);
        for (std::uint8_t& byte : payload) {
            byte = static_cast<std::uint8_t>(number() % 4 == 0 ? number() : number() % 2);
        }
        pfild_request head{.id = number(),
                           .device = number() % 4,
                           .length = static_cast<__u32>(payload.size()),
                           .op = static_cast<__u16>(number() % (PFILD_OPS + 1)),
                           .zero = 0};
        if (head.op == PFILD_OP_OPEN && kind % 2 == 0) {
            head.device = 0;
            payload = {PFILD_WIRE_VERSION, 0, 0, 0, static_cast<std::uint8_t>(number() % 3), 0, 0, 0};
            head.length = sizeof(pfild_open);
        } else if (head.op == PFILD_OP_SET_INTERFACE && kind % 2 == 0) {
            payload = {'e', 't', 'h', '0'};
            head.length = 4;
        } else if (head.op == PFILD_OP_READ && kind % 2 == 0) {
            payload = {0, 0x80, 0, 0, static_cast<std::uint8_t>(kind / 2 % 2), 0, 0, 0};
            head.length = sizeof(pfild_read);
        }
        if (kind == 0) {
            head.length ^= 1U << number() % 32;
        }
        std::vector<std::uint8_t> message(sizeof head + payload.size());
        std::memcpy(message.data(), &head, sizeof head);
        std::copy(payload.begin(), payload.end(), message.begin() + sizeof head);
        if (kind == 1) {
            message.resize(number() % sizeof head);
        }
        return message;
    }
    unsigned number() { return static_cast<unsigned>(random_()); }

  private:
    std::mt19937 random_{2}; // NOLINT(*-msc51-cpp): the same every time
    std::array<std::size_t, 8> lengths_{0, 0, 4, 4, 8, 16, 16, 24};
};

TEST_F(DeviceSocketHostile, random_messages_do_no_harm) {
    const char* const wanted = std::getenv("PFILD_FUZZ_MESSAGES"); // NOLINT(concurrency-mt-unsafe)
    const long messages = wanted != nullptr ? std::strtol(wanted, nullptr, 10) : 100'000;
    start();
    const std::size_t before = open_descriptors();
    RandomMessages random;
    auto client = std::make_unique<DeviceClient>(path());
    std::vector<std::uint8_t> sink(PFILD_WIRE_REPLY_MAX);
    long answers = 0;
    for (long i = 0; i < messages; ++i) {
        const auto message = random.next();
        if (::send(client->fd(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
            client = std::make_unique<DeviceClient>(path());
        }
        while (::recv(client->fd(), sink.data(), sink.size(), MSG_DONTWAIT) > 0) {
            ++answers;
        }
        if (random.number() % 64 == 0) {
            packets(100);
        }
    }
    EXPECT_GT(answers, messages / 2);
    client.reset();
    EXPECT_TRUE(devices_become(0));
    EXPECT_TRUE(descriptors_become(before));
    expect_service();
}

} // namespace
} // namespace pfild::device
