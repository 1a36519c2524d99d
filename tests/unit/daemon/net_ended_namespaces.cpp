// SPDX-License-Identifier: BSD-2-Clause
// Network namespaces that have ended: once they are awaited, nothing of them is left. It needs CAP_SYS_ADMIN; without
// it the test is skipped, which PFILD_REQUIRE_ALL=1 makes a failure. All namespaces are the test's own; nothing is
// sent.
#include "daemon/net/ended_namespaces.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/net/links.h"
#include "daemon/sys/capabilities.h"
#include "daemon/sys/netns.h"

namespace pfild::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EndedNamespaces : public ::testing::Test {
  protected:
    void SetUp() override {
        if (sys::require_capabilities()) {
            return;
        }
        const char* const all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): nobody sets it
        if (all != nullptr && std::string(all) == "1") {
            FAIL() << "network namespaces need root";
        }
        GTEST_SKIP() << "network namespaces need root";
    }
};

TEST_F(EndedNamespaces, have_no_device_any_more_once_they_were_awaited) {
    constexpr int kNamespaces = 8;
    const auto here = sys::NetNs::create_private();
    ASSERT_TRUE(here) << here.error().line();
    const auto visit = sys::NetNsVisit::begin(*here);
    auto links = Links::open();
    ASSERT_TRUE(visit && links);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < kNamespaces; ++i) {
            const auto other = sys::NetNs::create_private(); // ends at once
            ASSERT_TRUE(links->make_pair({.name = fmt::format("end{}", i), .mtu = 1500, .peer_netns = other->fd()}));
        }
        EXPECT_EQ(await_ended_namespaces(seconds(20)), true);
        for (int i = 0; i < kNamespaces; ++i) {
            EXPECT_EQ(links->find(fmt::format("end{}", i)).error().code, ENODEV) << round << ' ' << i;
        }
    }
    EXPECT_EQ(await_ended_namespaces(milliseconds(0)), false) << "as nobody waits, it is not known";
}

TEST_F(EndedNamespaces, are_not_those_that_somebody_has_open) {
    const auto here = sys::NetNs::create_private();
    const auto open = sys::NetNs::create_private();
    ASSERT_TRUE(here && open);
    const auto visit = sys::NetNsVisit::begin(*here);
    auto links = Links::open();
    ASSERT_TRUE(visit && links);
    ASSERT_TRUE(links->make_pair({.name = "end0", .mtu = 1500, .peer_netns = open->fd()}));
    EXPECT_EQ(await_ended_namespaces(seconds(20)), true);
    EXPECT_TRUE(links->find("end0"));
}

} // namespace
} // namespace pfild::net
