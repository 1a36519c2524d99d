// SPDX-License-Identifier: BSD-2-Clause
// Local sockets: their file, and who is taken in, also when the process has no descriptors left.
#include "daemon/sys/acceptor.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/sys/local_socket.h"

namespace pfild::sys {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

#ifndef __SANITIZE_ADDRESS__
/// No descriptor can be made while it lives.
class NoDescriptors {
  public:
    NoDescriptors() {
        const Fd first_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{.rlim_cur = static_cast<rlim_t>(first_free.get()), .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

  private:
    rlimit before_{};
};

/// Rounds of the loop in this time.
int run_for(Loop& loop, milliseconds time) {
    const auto end = Clock::now() + time;
    int rounds = 0;
    while (Clock::now() < end) {
        EXPECT_TRUE(loop.run_once(milliseconds(10)));
        ++rounds;
    }
    return rounds;
}
#endif

constexpr milliseconds kPatience{60'000}; ///< for what happens at once on a machine that is not busy

class AcceptorTest : public ::testing::Test {
  protected:
    std::filesystem::path folder_;
    std::string path_;
    std::unique_ptr<Loop> loop_;
    std::vector<Fd> taken_;

    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "pfild-test-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        path_ = folder_ / "socket";
        auto loop = Loop::create();
        ASSERT_TRUE(loop);
        loop_ = std::move(*loop);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// Runs the loop until so many have been taken in, or for kPatience.
    [[nodiscard]] bool taken_become(std::size_t count) {
        const auto end = Clock::now() + kPatience;
        while (taken_.size() < count && Clock::now() < end) {
            EXPECT_TRUE(loop_->run_once(milliseconds(10)));
        }
        return taken_.size() == count;
    }
    std::unique_ptr<Acceptor> start() {
        auto socket = bind_local(path_, SOCK_SEQPACKET, 0600);
        if (!socket || ::listen(socket->get(), 8) != 0) {
            return nullptr;
        }
        auto acceptor = Acceptor::start(std::move(*socket), path_, *loop_,
                                        [this](Fd client) { taken_.push_back(std::move(client)); });
        return acceptor ? std::move(*acceptor) : nullptr;
    }
    [[nodiscard]] bool connect(const Fd& socket) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(&address.sun_path, path_.c_str(), path_.size() + 1);
        return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    static Fd client() { return Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }
};

TEST_F(AcceptorTest, takes_in_whoever_connects_and_removes_the_file_at_its_end) {
    auto acceptor = start();
    ASSERT_NE(acceptor, nullptr);
    const Fd one = client();
    const Fd other = client();
    ASSERT_TRUE(connect(one) && connect(other));
    ASSERT_TRUE(taken_become(2));
    EXPECT_NE(::fcntl(taken_[0].get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(taken_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    acceptor.reset();
    EXPECT_FALSE(std::filesystem::exists(path_));
}

#ifndef __SANITIZE_ADDRESS__ // the sanitizers' look at objects with virtual functions takes descriptors
TEST_F(AcceptorTest, rests_when_there_are_no_descriptors_and_takes_in_later_who_waited) {
    auto acceptor = start();
    ASSERT_NE(acceptor, nullptr);
    const Fd waiting = client();
    ASSERT_TRUE(connect(waiting));
    int rounds = 0;
    {
        const NoDescriptors none;
        rounds = run_for(*loop_, milliseconds(60));
    }
    EXPECT_LT(rounds, 20) << "it asks again and again";
    EXPECT_TRUE(taken_.empty());
    EXPECT_TRUE(taken_become(1));
}
#endif

TEST_F(AcceptorTest, a_socket_has_its_mode_from_the_first_moment_and_replaces_a_dead_one) {
    for (const mode_t mode : {0600, 0400}) {
        const auto socket = bind_local(path_, SOCK_STREAM, mode);
        ASSERT_TRUE(socket) << socket.error().line();
        struct stat status {};
        ASSERT_EQ(::stat(path_.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777U, mode);
    }
}

} // namespace
} // namespace pfild::sys
