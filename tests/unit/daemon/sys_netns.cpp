// SPDX-License-Identifier: BSD-2-Clause
// Visits to network namespaces. They need CAP_SYS_ADMIN; without it the tests are skipped, which PFILD_REQUIRE_ALL=1
// makes a failure. Everything happens in namespaces that the test makes and nobody else sees; nothing is sent.
#include "daemon/sys/netns.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/socket.h>

#include "daemon/sys/capabilities.h"

namespace pfild::sys {
namespace {

class NetNsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (require_capabilities()) {
            return;
        }
        const char* const all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
        if (all != nullptr && std::string(all) == "1") {
            FAIL() << "network namespaces need root";
        }
        GTEST_SKIP() << "network namespaces need root";
    }
};

std::uint64_t here() { return NetNs::current().value().inode(); }

TEST_F(NetNsTest, a_private_one_is_another_and_making_it_moves_nobody) {
    const std::uint64_t home = here();
    const auto fresh = NetNs::create_private();
    ASSERT_TRUE(fresh) << fresh.error().line();
    EXPECT_NE(fresh->inode(), home);
    EXPECT_EQ(here(), home);
    EXPECT_NE(NetNs::create_private()->inode(), fresh->inode());
}

TEST_F(NetNsTest, a_visit_ends_where_it_began_also_when_nested) {
    const std::uint64_t home = here();
    const NetNs one = NetNs::create_private().value();
    const NetNs two = NetNs::create_private().value();
    {
        const auto first = NetNsVisit::begin(one);
        ASSERT_TRUE(first);
        EXPECT_EQ(here(), one.inode());
        {
            const auto second = NetNsVisit::begin(two);
            ASSERT_TRUE(second);
            EXPECT_EQ(here(), two.inode());
        }
        EXPECT_EQ(here(), one.inode());
    }
    EXPECT_EQ(here(), home);
}

TEST_F(NetNsTest, a_visit_moves_its_own_thread_and_no_other) {
    const std::uint64_t home = here();
    const NetNs fresh = NetNs::create_private().value();
    const auto visit = NetNsVisit::begin(fresh);
    ASSERT_TRUE(visit);
    EXPECT_EQ(here(), fresh.inode());
    std::thread([&] {
        EXPECT_EQ(here(), fresh.inode()) << "a thread begins where its maker is";
        const NetNs other = NetNs::create_private().value();
        ASSERT_TRUE(enter_netns(other));
        EXPECT_EQ(here(), other.inode());
    }).join();
    EXPECT_EQ(here(), fresh.inode());
    EXPECT_NE(here(), home);
}

TEST_F(NetNsTest, a_socket_stays_where_it_was_made) {
    const NetNs fresh = NetNs::create_private().value();
    Fd socket;
    {
        const auto visit = NetNsVisit::begin(fresh);
        ASSERT_TRUE(visit);
        socket.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        EXPECT_NE(::if_nametoindex("lo"), 0U);
    }
    std::uint64_t cookie_of_socket = 0;
    std::uint64_t cookie_of_home = 0;
    socklen_t length = sizeof cookie_of_socket;
    const Fd at_home(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie_of_socket, &length), 0);
    ASSERT_EQ(::getsockopt(at_home.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie_of_home, &length), 0);
    EXPECT_NE(cookie_of_socket, cookie_of_home);
}

TEST_F(NetNsTest, opens_by_path) {
    const NetNs fresh = NetNs::create_private().value();
    const auto opened = NetNs::open("/proc/self/fd/" + std::to_string(fresh.fd()));
    ASSERT_TRUE(opened) << opened.error().line();
    EXPECT_EQ(opened->inode(), fresh.inode());
}

TEST(NetNs, refuses_what_is_no_namespace_and_says_where_it_looked) {
    struct Bad {
        const char* sentence;
        const char* name;
        int code;
        const char* line;
    };
    for (const Bad& bad : {
             Bad{"a name nobody gave", "no-such-namespace", ENOENT,
                 "open network namespace /run/netns/no-such-namespace: no such file or directory (`ip netns list` "
                 "shows those with a name)"},
             Bad{"a path to nothing", "/proc/1/no/such", ENOENT,
                 "open network namespace /proc/1/no/such: no such file or directory (`ip netns list` shows those "
                 "with a name)"},
             Bad{"another sort of file", "/dev/null", EINVAL,
                 "open network namespace /dev/null: it is not a network namespace (give a file such as "
                 "/run/netns/NAME or /proc/PID/ns/net)"},
             Bad{"another sort of namespace", "/proc/self/ns/uts", EINVAL,
                 "open network namespace /proc/self/ns/uts: it is not a network namespace (give a file such as "
                 "/run/netns/NAME or /proc/PID/ns/net)"},
             Bad{"nothing", "", EINVAL, "open network namespace: that is no name"},
             Bad{"the folder of names itself", "..", EINVAL, "open network namespace ..: that is no name"},
         }) {
        SCOPED_TRACE(bad.sentence);
        const auto refused = NetNs::open(bad.name);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, bad.code);
        EXPECT_EQ(refused.error().line(), bad.line);
    }
}

} // namespace
} // namespace pfild::sys
