// SPDX-License-Identifier: BSD-2-Clause
// The control socket with real clients, in one thread: the test is the client, and runs the loop in between.
#include "daemon/api/server.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "api_fake_service.h"
#include "control/message.h"
#include "daemon/api/dispatcher.h"

namespace pfild::api {
namespace {

using std::chrono::milliseconds;
using Json = nlohmann::json;

constexpr milliseconds kPatience{60'000}; ///< for what happens at once on a machine that is not busy
constexpr milliseconds kIdle{500};        ///< longer than a busy machine keeps this process waiting between two calls

const std::string kVersion = R"({"protocol":2,"id":7,"verb":"version"})"
                             "\n";

sys::Fd connect_to(const std::string& path) {
    sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(&address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        socket.reset();
    }
    return socket;
}

class ServerTest : public ::testing::Test {
  protected:
    std::filesystem::path directory_;
    test::FakeService service_;
    Dispatcher dispatcher_{service_, control::AttachDefaults{}};
    std::unique_ptr<sys::Loop> loop_;
    std::unique_ptr<Server> server_;

    void SetUp() override {
        std::string pattern = "/tmp/pfild-server-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        auto loop = sys::Loop::create();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
    }
    void TearDown() override {
        server_.reset();
        std::filesystem::remove_all(directory_);
    }

    [[nodiscard]] std::string path() const { return directory_ / "control.sock"; }

    core::Result<void> listen(milliseconds idle = milliseconds(5000), milliseconds stalled = milliseconds(5000)) {
        ServerOptions options;
        options.path = path();
        options.idle = idle;
        options.stalled = stalled;
        return Server::listen(std::move(options), *loop_, dispatcher_).map([this](std::unique_ptr<Server> server) {
            server_ = std::move(server);
        });
    }

    /// Rounds until nothing happens any more.
    void run_out() {
        for (int i = 0; i < 20; ++i) {
            ASSERT_TRUE(loop_->run_once(milliseconds(0)));
        }
    }

    /// Runs the loop until the server has as many connections, or for kPatience.
    [[nodiscard]] bool connections_become(std::size_t count) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (server_->connections() != count && std::chrono::steady_clock::now() < end) {
            EXPECT_TRUE(loop_->run_once(milliseconds(10)));
        }
        return server_->connections() == count;
    }

    /// Sends all of it, running the server whenever the socket is full; what it refuses to take is left.
    std::size_t send_all(const sys::Fd& socket, std::string_view bytes) {
        std::size_t sent = 0;
        for (int idle_rounds = 0; sent < bytes.size() && idle_rounds < 3;) {
            const ssize_t count = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
            if (count > 0) {
                sent += static_cast<std::size_t>(count);
                idle_rounds = 0;
            } else if (errno != EAGAIN) {
                break;
            } else {
                ++idle_rounds;
                run_out();
            }
        }
        run_out();
        return sent;
    }

    /// All that the server has to say at the moment.
    std::string received(const sys::Fd& socket) {
        std::string all;
        std::array<char, 65536> bytes{};
        for (ssize_t count = 1; count > 0; run_out()) {
            count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
            all.append(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
        }
        return all;
    }

    /// What the server has said, and then the end: it has closed, and nothing was lost by that.
    std::string said_at_the_end(const sys::Fd& socket) {
        run_out();
        std::string all;
        std::array<char, 65536> bytes{};
        ssize_t count = 0;
        while ((count = ::recv(socket.get(), bytes.data(), bytes.size(), 0)) > 0) {
            all.append(bytes.data(), static_cast<std::size_t>(count));
        }
        EXPECT_EQ(count, 0) << std::strerror(errno);
        return all;
    }

    /// Whether the server has closed it.
    static bool closed(const sys::Fd& socket) {
        char byte = 0;
        const ssize_t count = ::recv(socket.get(), &byte, 1, MSG_PEEK);
        return count == 0 || (count < 0 && errno != EAGAIN);
    }
};

std::string errno_of(const std::string& line) { return Json::parse(line)["error"]["errno"]; }

TEST_F(ServerTest, answers_requests_of_one_packet_in_their_order) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    send_all(client, R"({"protocol":2,"id":1,"verb":"version"})"
                     "\n"
                     R"({"protocol":2,"id":2,"verb":"nonsense"})"
                     "\n"
                     R"({"protocol":2,"id":3,"verb":"version"})"
                     "\n");
    std::istringstream lines(received(client));
    std::vector<int> ids;
    for (std::string line; std::getline(lines, line);) {
        ids.push_back(Json::parse(line)["id"]);
    }
    EXPECT_EQ(ids, (std::vector<int>{1, 2, 3}));
    EXPECT_FALSE(closed(client));
}

TEST_F(ServerTest, puts_a_request_together_from_single_bytes) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    for (std::size_t i = 0; i < kVersion.size(); ++i) {
        EXPECT_EQ(received(client), "") << "nothing is answered before the newline";
        send_all(client, kVersion.substr(i, 1));
    }
    EXPECT_EQ(Json::parse(received(client))["result"]["version"], "0.1.0");
}

TEST_F(ServerTest, a_mistake_does_not_end_the_connection) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    send_all(client, "\n");
    EXPECT_EQ(errno_of(received(client)), "EINVAL");
    send_all(client, std::string(1000, '[') + "\n");
    EXPECT_EQ(errno_of(received(client)), "EINVAL");
    send_all(client, kVersion);
    EXPECT_EQ(Json::parse(received(client))["ok"], true);
}

TEST_F(ServerTest, takes_a_request_of_262144_bytes_and_refuses_one_byte_more) {
    ASSERT_TRUE(listen());
    std::string request = kVersion;
    request.insert(0, control::kMaxRequestBytes - request.size(), ' ');
    {
        const sys::Fd client = connect_to(path());
        EXPECT_EQ(send_all(client, request), control::kMaxRequestBytes);
        EXPECT_EQ(Json::parse(received(client))["ok"], true);
        EXPECT_FALSE(closed(client));
    }
    const sys::Fd client = connect_to(path());
    send_all(client, " " + request);
    EXPECT_EQ(errno_of(received(client)), "EMSGSIZE");
    EXPECT_TRUE(closed(client)) << "nobody can say where the next request begins";
    EXPECT_EQ(service_.calls.size(), 1U);
}

TEST_F(ServerTest, refuses_262144_bytes_without_a_newline_at_once) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    send_all(client, std::string(control::kMaxRequestBytes - 1, 'a'));
    EXPECT_EQ(received(client), "");
    EXPECT_FALSE(closed(client));
    send_all(client, "a");
    EXPECT_EQ(errno_of(received(client)), "EMSGSIZE");
    EXPECT_TRUE(closed(client));
}

TEST_F(ServerTest, survives_a_megabyte_of_random_bytes) {
    ASSERT_TRUE(listen());
    std::mt19937 random(2); // NOLINT(cert-msc51-cpp): the same bytes every time
    std::string bytes(1U << 20U, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    for (const bool newlines : {true, false}) {
        if (!newlines) {
            std::replace(bytes.begin(), bytes.end(), '\n', ' ');
        }
        const sys::Fd client = connect_to(path());
        send_all(client, bytes);
        EXPECT_TRUE(service_.calls.empty());
    }
    const sys::Fd client = connect_to(path());
    send_all(client, kVersion);
    EXPECT_EQ(Json::parse(received(client))["ok"], true);
    EXPECT_TRUE(connections_become(1)) << "the others are gone";
}

TEST_F(ServerTest, a_client_that_takes_no_answers_is_not_read_from_and_does_not_hold_up_others) {
    ASSERT_TRUE(listen());
    service_.padding = 100'000;
    const sys::Fd lazy = connect_to(path());
    std::string many;
    for (int i = 0; i < 5000; ++i) {
        many += kVersion;
    }
    send_all(lazy, many);
    EXPECT_LT(service_.calls.size(), 100U) << "what is not taken is not computed either";
    const std::size_t before = service_.calls.size();
    const sys::Fd other = connect_to(path());
    send_all(other, kVersion);
    EXPECT_FALSE(received(other).empty());
    EXPECT_EQ(service_.calls.size(), before + 1);
}

TEST_F(ServerTest, an_answer_larger_than_the_socket_arrives_whole) {
    ASSERT_TRUE(listen());
    service_.padding = 3'000'000;
    const sys::Fd client = connect_to(path());
    send_all(client, kVersion + kVersion);
    const std::string answers = received(client);
    EXPECT_EQ(std::count(answers.begin(), answers.end(), '\n'), 2);
    EXPECT_EQ(answers.size() / 2, answers.find('\n') + 1) << "both are the same";
}

TEST_F(ServerTest, closes_a_connection_that_does_not_take_its_answer) {
    ASSERT_TRUE(listen(milliseconds(60'000), milliseconds(20)));
    service_.padding = 3'000'000;
    const sys::Fd client = connect_to(path());
    send_all(client, kVersion);
    EXPECT_TRUE(connections_become(0));
}

TEST_F(ServerTest, closes_an_idle_connection_and_one_that_has_sent_half_a_request) {
    ASSERT_TRUE(listen(kIdle, milliseconds(60'000)));
    const sys::Fd silent = connect_to(path());
    const sys::Fd half = connect_to(path());
    send_all(half, "{");
    ASSERT_TRUE(connections_become(2));
    EXPECT_TRUE(connections_become(0));
    EXPECT_TRUE(closed(silent));
    EXPECT_TRUE(closed(half));
}

TEST_F(ServerTest, serves_16_connections_tells_the_17th_and_takes_one_again_when_one_goes) {
    ASSERT_TRUE(listen());
    std::vector<sys::Fd> clients;
    for (int i = 0; i < 16; ++i) {
        clients.push_back(connect_to(path()));
        run_out();
    }
    ASSERT_EQ(server_->connections(), 16U);
    const sys::Fd refused = connect_to(path());
    run_out();
    EXPECT_EQ(errno_of(received(refused)), "EBUSY");
    EXPECT_TRUE(closed(refused));
    for (const sys::Fd& client : clients) {
        send_all(client, kVersion);
        EXPECT_EQ(Json::parse(received(client))["ok"], true);
    }
    clients.pop_back();
    run_out();
    const sys::Fd welcome = connect_to(path());
    send_all(welcome, kVersion);
    EXPECT_EQ(Json::parse(received(welcome))["ok"], true);
}

/// Also when he has asked already, and nobody has heard it.
TEST_F(ServerTest, who_is_turned_away_reads_why_and_then_the_end) {
    ASSERT_TRUE(listen());
    std::vector<sys::Fd> clients;
    for (int i = 0; i < 16; ++i) {
        clients.push_back(connect_to(path()));
        run_out();
    }
    for (const std::size_t bytes : {std::size_t{0}, kVersion.size(), std::size_t{100'000}}) {
        const sys::Fd refused = connect_to(path());
        const std::string question = bytes <= kVersion.size() ? kVersion.substr(0, bytes) : std::string(bytes, 'a');
        EXPECT_EQ(::send(refused.get(), question.data(), bytes, 0), static_cast<ssize_t>(bytes));
        run_out();
        EXPECT_EQ(errno_of(said_at_the_end(refused)), "EBUSY") << bytes;
        EXPECT_LT(::send(refused.get(), "a", 1, MSG_NOSIGNAL), 0);
    }
}

TEST_F(ServerTest, who_sends_more_than_a_request_reads_why_it_ends_and_then_the_end) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    const std::string chunk(60'000, 'a');
    std::size_t sent = 0;
    while (sent < control::kMaxRequestBytes - chunk.size()) { // the last ones are there at once
        EXPECT_EQ(send_all(client, chunk), chunk.size());
        sent += chunk.size();
    }
    EXPECT_EQ(::send(client.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL), static_cast<ssize_t>(chunk.size()));
    EXPECT_EQ(::send(client.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL), static_cast<ssize_t>(chunk.size()));
    EXPECT_EQ(errno_of(said_at_the_end(client)), "EMSGSIZE");
}

TEST_F(ServerTest, answers_a_client_that_has_finished_sending) {
    ASSERT_TRUE(listen());
    const sys::Fd client = connect_to(path());
    ASSERT_EQ(::send(client.get(), kVersion.data(), kVersion.size(), 0), static_cast<ssize_t>(kVersion.size()));
    ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
    run_out();
    EXPECT_EQ(Json::parse(received(client))["ok"], true);
    EXPECT_TRUE(closed(client));
    EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(ServerTest, half_a_request_of_a_client_that_goes_is_never_carried_out) {
    ASSERT_TRUE(listen());
    sys::Fd client = connect_to(path());
    send_all(client, kVersion.substr(0, kVersion.size() - 1));
    client.reset();
    run_out();
    EXPECT_EQ(server_->connections(), 0U);
    EXPECT_TRUE(service_.calls.empty());
}

TEST_F(ServerTest, a_client_that_asks_and_goes_at_once_does_no_harm) {
    ASSERT_TRUE(listen());
    service_.padding = 500'000;
    for (int i = 0; i < 5; ++i) {
        const sys::Fd client = connect_to(path());
        ASSERT_EQ(::send(client.get(), kVersion.data(), kVersion.size(), 0), static_cast<ssize_t>(kVersion.size()));
    }
    run_out();
    EXPECT_TRUE(connections_become(0));
}

TEST_F(ServerTest, the_socket_is_the_owners_alone_from_the_first_moment_and_goes_with_the_server) {
    const mode_t before = ::umask(0);
    ASSERT_TRUE(listen());
    ::umask(before);
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    server_.reset();
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ServerTest, replaces_the_socket_of_a_dead_daemon_and_no_other_file) {
    {
        const sys::Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, path().c_str(), path().size() + 1);
        ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ASSERT_TRUE(std::filesystem::exists(path()));
    ASSERT_TRUE(listen());
    EXPECT_TRUE(connect_to(path()));
    server_.reset();

    std::ofstream(path()) << "somebody's letters";
    const auto refused = listen();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().line(), "listen " + path() + ": a file that is no socket is in the way (remove it)");
    EXPECT_EQ(refused.error().code, EADDRINUSE);
    EXPECT_TRUE(std::filesystem::is_regular_file(path()));
}

/// Sends a line with descriptors beside it.
void send_with(const sys::Fd& socket, const std::string& line, std::vector<int> descriptors) {
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    iovec bytes{const_cast<char*>(line.data()), line.size()}; // NOLINT(cppcoreguidelines-pro-type-const-cast)
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
    ASSERT_EQ(::sendmsg(socket.get(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Whether this process comes to have so many, within kPatience: foreign ones are closed aside.
bool descriptors_become(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (open_descriptors() != count && std::chrono::steady_clock::now() < end) {
        std::this_thread::yield();
    }
    return open_descriptors() == count;
}

TEST_F(ServerTest, descriptors_that_nobody_asked_for_are_closed) {
    ASSERT_TRUE(listen());
    const sys::Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const sys::Fd sealed(::memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    ASSERT_EQ(::fcntl(sealed.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    const std::size_t without = open_descriptors();
    sys::Fd client = connect_to(path());
    send_all(client, kVersion);
    EXPECT_NE(received(client).find(R"("ok":true)"), std::string::npos);
    const std::size_t before = open_descriptors();
    for (const int one : {file.get(), sealed.get()}) {
        for (const std::size_t count : {1U, 2U, 100U}) {
            send_with(client, kVersion, std::vector<int>(count, one));
            run_out();
            EXPECT_NE(received(client).find(R"("ok":true)"), std::string::npos);
            EXPECT_TRUE(descriptors_become(before)) << count;
        }
    }
    for (int i = 0; i < 5; ++i) { // of half a request: one is kept, if it is sealed
        send_with(client, "{", {sealed.get(), file.get()});
        run_out();
    }
    EXPECT_TRUE(descriptors_become(before + 1));
    client.reset();
    run_out();
    EXPECT_TRUE(descriptors_become(without)) << "what was kept goes with the connection";
}

TEST_F(ServerTest, tells_whom_it_does_not_admit) {
    ServerOptions options;
    options.path = path();
    options.open_to_all = true;
    options.admits = [](const control::Peer&) { return false; };
    auto server = Server::listen(std::move(options), *loop_, dispatcher_);
    ASSERT_TRUE(server);
    server_ = std::move(*server);
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0666U);
    const sys::Fd client = connect_to(path());
    run_out();
    EXPECT_EQ(errno_of(received(client)), "EACCES");
    EXPECT_TRUE(closed(client));
}

const std::string kMonitor = R"({"protocol":2,"id":5,"verb":"monitor"})"
                             "\n";

TEST_F(ServerTest, an_answer_that_goes_on_tells_each_change_and_ends_with_the_next_request) {
    ASSERT_TRUE(listen(kIdle, kIdle));
    service_.made.on_add([this] { server_->tell_streams(); });
    const sys::Fd client = connect_to(path());
    send_all(client, kMonitor);
    const Json first = Json::parse(received(client));
    EXPECT_EQ(first["more"], true);
    EXPECT_EQ(first["result"]["number"], 0);
    const sys::Fd other = connect_to(path());
    send_all(other, R"({"protocol":2,"id":1,"verb":"detach","arguments":{"interface":"eth0"}})"
                    "\n");
    const Json second = Json::parse(received(client));
    EXPECT_EQ(second["id"], 5);
    EXPECT_EQ(second["more"], true);
    EXPECT_EQ(second["result"]["did"], "detach eth0");
    EXPECT_EQ(second["result"]["pid"], ::getpid());
    EXPECT_TRUE(connections_become(1)) << "the other one is idle; one that goes on is not";
    EXPECT_FALSE(closed(client));
    send_all(client, kVersion);
    const Json last = Json::parse(received(client));
    EXPECT_EQ(last["id"], 7);
    EXPECT_FALSE(last.contains("more"));
    service_.made.add({});
    run_out();
    EXPECT_EQ(received(client), "");
    EXPECT_TRUE(connections_become(0)) << "it is an ordinary connection again";
}

TEST_F(ServerTest, who_does_not_read_an_answer_that_goes_on_is_told_what_he_has_missed_and_costs_one_line) {
    constexpr std::size_t kChanges = 20'000;
    ASSERT_TRUE(listen(kIdle, kIdle));
    service_.made.on_add([this] { server_->tell_streams(); });
    const sys::Fd slow = connect_to(path());
    send_all(slow, kMonitor);
    for (std::size_t i = 0; i < kChanges; ++i) {
        service_.made.add({.verb = "link", .did = "link a b", .unrecorded = {}});
        if (i % 100 == 0) {
            run_out();
        }
    }
    ASSERT_EQ(server_->connections(), 1U) << "nobody waits for him, and nobody closes him";
    std::istringstream lines(received(slow));
    std::uint64_t missed = 0;
    std::uint64_t seen = 0;
    std::string line;
    std::getline(lines, line); // where it begins
    while (std::getline(lines, line)) {
        const Json change = Json::parse(line)["result"];
        missed += change["missed"].get<std::uint64_t>();
        ++seen;
        EXPECT_EQ(change["number"], missed + seen);
    }
    EXPECT_EQ(missed + seen, kChanges);
    EXPECT_GT(missed, kChanges / 2);
}

TEST_F(ServerTest, eight_answers_go_on_and_a_ninth_is_refused) {
    ASSERT_TRUE(listen());
    std::vector<sys::Fd> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(connect_to(path()));
        send_all(clients.back(), kMonitor);
        EXPECT_EQ(Json::parse(received(clients.back()))["ok"], true);
    }
    const sys::Fd ninth = connect_to(path());
    send_all(ninth, kMonitor);
    const std::string refused = received(ninth);
    EXPECT_EQ(errno_of(refused), "EBUSY");
    EXPECT_EQ(Json::parse(refused)["error"]["why"], "there are 8 answers that go on already");
    send_all(ninth, kVersion);
    EXPECT_EQ(Json::parse(received(ninth))["ok"], true);
    clients.pop_back();
    run_out();
    send_all(ninth, kMonitor);
    EXPECT_EQ(Json::parse(received(ninth))["ok"], true);
}

TEST_F(ServerTest, says_when_a_path_is_too_long_for_a_socket) {
    directory_ /= std::string(120, 'a');
    const auto refused = listen();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENAMETOOLONG);
    directory_ = directory_.parent_path();
}

} // namespace
} // namespace pfild::api
