// SPDX-License-Identifier: BSD-2-Clause
// The client against a daemon that is a thread of the test at the other end of a socketpair, and against sockets that
// nobody answers.
#include "bpfctl/client.h"

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bpfctl/run.h"

namespace pfild::bpfctl {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr const char* kGood = "{\"id\":1,\"ok\":true,\"result\":{\"a\":1}}\n";

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string read_line(int fd) {
    std::string line;
    for (char c = 0; recv(fd, &c, 1, 0) == 1 && c != '\n';) {
        line += c;
    }
    return line;
}

/// Asks `status` of a daemon that does this with its end, which is closed afterwards.
Outcome<Json> ask(const std::function<void(int)>& daemon, const Json& arguments = Json::object(),
                  milliseconds limit = milliseconds(5000)) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    std::thread thread([&daemon, fd = ends[0]] {
        daemon(fd);
        close(fd);
    });
    Outcome<Json> answer = Json();
    {
        Client client = Client::adopt(ends[1], "pair", {limit, limit});
        answer = client.ask("status", arguments);
    }
    thread.join();
    return answer;
}

TEST(Client, sends_one_line_and_takes_one) {
    std::string request;
    const auto answer = ask(
        [&request](int fd) {
            request = read_line(fd);
            write_all(fd, kGood);
        },
        Json{{"interface", "eth0"}});
    ASSERT_TRUE(answer) << line_of(answer.error());
    EXPECT_EQ(compact(*answer), R"({"a":1})");
    EXPECT_EQ(request, R"({"protocol":2,"id":1,"verb":"status","arguments":{"interface":"eth0"}})");
}

TEST(Client, puts_an_answer_in_pieces_together) {
    const auto answer = ask([](int fd) {
        (void)read_line(fd);
        for (const char c : std::string(kGood)) {
            write_all(fd, {&c, 1});
        }
    });
    EXPECT_TRUE(answer);
}

TEST(Client, takes_a_large_answer) {
    const auto answer = ask([](int fd) {
        (void)read_line(fd);
        write_all(fd, R"({"id":1,"ok":true,"result":{"a":")" + std::string(1 << 20, 'x') + "\"}}\n");
    });
    ASSERT_TRUE(answer) << line_of(answer.error());
    EXPECT_EQ((*answer)["a"].get_ref<const std::string&>().size(), 1U << 20);
}

TEST(Client, reads_the_refusal_of_a_daemon_that_closes_before_it_has_read_everything) {
    const auto answer = ask(
        [](int fd) {
            write_all(
                fd, "{\"id\":0,\"ok\":false,\"error\":{\"errno\":\"EBUSY\",\"what\":\"connect\",\"why\":\"full\"}}\n");
            shutdown(fd, SHUT_RDWR);
        },
        Json{{"filter", std::string(250'000, 'x')}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().exit, Exit::kRefused) << line_of(answer.error());
    EXPECT_EQ(answer.error().errno_name, "EBUSY");
}

TEST(Client, reports_a_daemon_that_does_not_answer) {
    struct Row {
        const char* sentence;
        std::function<void(int)> daemon;
        const char* why;
    };
    const Row rows[] = {
        {"it closes at once", [](int) {}, "it closed without an answer"},
        {"it closes after the question", [](int fd) { (void)read_line(fd); }, "it closed without an answer"},
        {"it closes in its answer", [](int fd) { write_all(fd, "{\"id\""); }, "it closed in its answer"},
        {"it says something else", [](int fd) { write_all(fd, "HTTP/1.1 200 OK\r\n"); },
         "not one of the control protocol"},
    };
    for (const Row& row : rows) {
        const auto answer = ask(row.daemon);
        ASSERT_FALSE(answer) << row.sentence;
        EXPECT_EQ(answer.error().exit, Exit::kUnreachable) << row.sentence;
        EXPECT_THAT(line_of(answer.error()), HasSubstr(row.why)) << row.sentence;
    }
}

TEST(Client, waits_no_longer_than_its_limit) {
    const auto silent = [](int fd) {
        char c = 0;
        while (recv(fd, &c, 1, 0) == 1) {
        }
    };
    const auto answer = ask(silent, Json::object(), milliseconds(30));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().exit, Exit::kUnreachable);
    EXPECT_THAT(line_of(answer.error()), HasSubstr("no answer within 30 ms"));
}

TEST(Client, waits_no_longer_when_bytes_keep_dripping) {
    const auto dripping = [](int fd) {
        while (send(fd, " ", 1, MSG_NOSIGNAL) == 1) {
            std::this_thread::sleep_for(milliseconds(2));
        }
    };
    const auto answer = ask(dripping, Json::object(), milliseconds(50));
    ASSERT_FALSE(answer);
    EXPECT_THAT(line_of(answer.error()), HasSubstr("no answer within 50 ms"));
}

TEST(Client, gives_up_on_an_answer_without_an_end) {
    const auto endless = [](int fd) {
        const std::string chunk(1 << 20, 'x');
        for (int i = 0; i < 70; ++i) {
            write_all(fd, chunk);
        }
    };
    const auto answer = ask(endless);
    ASSERT_FALSE(answer);
    EXPECT_THAT(line_of(answer.error()), HasSubstr("its answer is longer than 67108864 bytes"));
}

TEST(Client, does_not_send_what_the_daemon_would_not_read) {
    std::string request;
    const auto answer =
        ask([&request](int fd) { request = read_line(fd); }, Json{{"filter", std::string(262'144, 'x')}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().exit, Exit::kRefused);
    EXPECT_EQ(answer.error().error.code, EMSGSIZE);
    EXPECT_EQ(request, "");
}

/// A folder with a socket that is bound, and listened to if so wanted, but never accepted from.
class DeafSocket {
  public:
    explicit DeafSocket(bool listens) {
        EXPECT_NE(mkdtemp(folder_.data()), nullptr);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof(address.sun_path) - 1);
        fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0); // NOLINT
        EXPECT_TRUE(!listens || listen(fd_, 0) == 0);
    }
    DeafSocket(const DeafSocket&) = delete;
    DeafSocket& operator=(const DeafSocket&) = delete;
    ~DeafSocket() {
        close(fd_);
        unlink(path().c_str());
        rmdir(folder_.c_str());
    }

    [[nodiscard]] std::string path() const { return folder_ + "/s"; }

  private:
    std::string folder_ = "/tmp/pfild-unit.XXXXXX"; // short: a socket's path has 107 characters
    int fd_ = -1;
};

TEST(Client, that_cannot_connect_says_to_what_and_why_and_what_to_do) {
    const DeafSocket unheard(false);
    struct Row {
        const char* sentence;
        Endpoint endpoint;
        int code;
        const char* line;
    };
    const Row rows[] = {
        {"no socket",
         {"/nonexistent/lab/control.sock", "lab"},
         ENOENT,
         "bpfctl: connect /nonexistent/lab/control.sock: No such file or directory "
         "(is pfild running? start it with: pfild --name lab)"},
        {"nobody listens",
         {unheard.path(), ""},
         ECONNREFUSED,
         ": Connection refused (is pfild running, and is this its socket?)"},
        {"a path that no socket can have", {"/" + std::string(200, 'x'), ""}, ENAMETOOLONG, "File name too long"},
        {"an empty path", {"", ""}, EINVAL, "Invalid argument"},
    };
    for (const Row& row : rows) {
        const auto answer = Client::connect(row.endpoint);
        ASSERT_FALSE(answer) << row.sentence;
        EXPECT_EQ(answer.error().exit, Exit::kUnreachable) << row.sentence;
        EXPECT_EQ(answer.error().error.code, row.code) << row.sentence;
        EXPECT_THAT(line_of(answer.error()), HasSubstr(row.line)) << row.sentence;
    }
}

TEST(Client, does_not_wait_for_ever_for_a_daemon_that_takes_no_connection) {
    const DeafSocket deaf(true);
    const Timeouts limits{milliseconds(30), milliseconds(30)};
    const auto first = Client::connect({deaf.path(), ""}, limits); // fills the backlog
    ASSERT_TRUE(first) << line_of(first.error());
    const auto second = Client::connect({deaf.path(), ""}, limits);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().exit, Exit::kUnreachable);
    EXPECT_THAT(line_of(second.error()), HasSubstr("it takes no connection"));
}

} // namespace
} // namespace pfild::bpfctl
