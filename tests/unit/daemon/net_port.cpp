// SPDX-License-Identifier: BSD-2-Clause
// What becomes of a pair of a killed daemon. It needs CAP_SYS_ADMIN; without it the test is skipped, which
// PFILD_REQUIRE_ALL=1 makes a failure. All namespaces are the test's own; nothing is sent.
#include "daemon/net/port.h"

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "daemon/sys/capabilities.h"

namespace pfild::net {
namespace {

class PairOfAKilledDaemon : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!sys::require_capabilities()) {
            const char* const all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
            if (all != nullptr && std::string(all) == "1") {
                FAIL() << "network namespaces need root";
            }
            GTEST_SKIP() << "network namespaces need root";
        }
        auto own = sys::NetNs::create_private();
        ASSERT_TRUE(own);
        own_.emplace(std::move(*own));
        auto visit = sys::NetNsVisit::begin(*own_);
        ASSERT_TRUE(visit);
        visit_.emplace(std::move(*visit));
    }

    std::optional<sys::NetNs> own_;
    std::optional<sys::NetNsVisit> visit_;
};

TEST_F(PairOfAKilledDaemon, goes_where_its_other_end_is_while_something_holds_that) {
    const auto held = sys::NetNs::create_private();
    auto links = Links::open();
    ASSERT_TRUE(held && links);
    ASSERT_TRUE(links->make_pair({.name = "pfp7", .alias = "", .mtu = 1500, .peer_netns = held->fd()}));
    const auto end = links->find("pfp7");
    ASSERT_TRUE(end && links->set_up(end->ifindex));
    const auto cleared = clear_away(*links, *end);
    EXPECT_TRUE(cleared) << cleared.error().line();
    EXPECT_EQ(links->find("pfp7").error().code, ENODEV);
    const auto there =
        sys::within(*held, [] { return Links::open().and_then([](Links inside) { return inside.all(); }); });
    ASSERT_TRUE(there);
    EXPECT_EQ(there->size(), 3U) << "the loopback interface and both ends";
}

TEST_F(PairOfAKilledDaemon, is_removed_when_nothing_holds_its_namespace) {
    auto links = Links::open();
    ASSERT_TRUE(links);
    for (int round = 0; round < 10; round++) {
        {
            const auto held = sys::NetNs::create_private();
            ASSERT_TRUE(held && links->make_pair({.name = "pfp7", .alias = "", .mtu = 1500, .peer_netns = held->fd()}));
        }
        const auto end = links->find("pfp7"); // the kernel may have taken it down already
        if (end) {
            const auto cleared = clear_away(*links, *end);
            EXPECT_TRUE(cleared || cleared.error().code == ENODEV) << cleared.error().line();
        }
        EXPECT_EQ(links->find("pfp7").error().code, ENODEV);
    }
}

} // namespace
} // namespace pfild::net
