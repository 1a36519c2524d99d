// SPDX-License-Identifier: BSD-2-Clause
// What names mean by announcements alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/interfaces/known_interfaces.h"

namespace pfild::interfaces {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

net::Link link(std::uint32_t ifindex, std::string name, std::vector<std::string> altnames = {}) {
    net::Link made;
    made.ifindex = ifindex;
    made.name = std::move(name);
    made.altnames = std::move(altnames);
    return made;
}

std::vector<std::string> words(const std::vector<config::HostInterface>& host_interfaces) {
    std::vector<std::string> all;
    for (const config::HostInterface& host_interface : host_interfaces) {
        std::string& one = all.emplace_back(std::to_string(host_interface.ifindex) + ' ' + host_interface.name);
        for (const std::string& name : host_interface.altnames) {
            one += ' ' + name;
        }
        one += host_interface.only_by_name ? " (by name)" : "";
    }
    return all;
}

TEST(KnownInterfaces, are_what_was_announced_last) {
    KnownInterfaces known;
    EXPECT_THAT(known.all({}), IsEmpty());
    known.know(link(2, "eth0", {"uplink"}));
    known.know(link(3, "eth1"));
    EXPECT_THAT(words(known.all({})), ElementsAre("2 eth0 uplink", "3 eth1"));
    known.know(link(2, "wan0"));
    EXPECT_THAT(words(known.all({})), ElementsAre("2 wan0", "3 eth1"));
    const auto gone = known.forget(2);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->name, "wan0");
    EXPECT_FALSE(known.forget(2));
    known.know_all({link(5, "eth5")});
    EXPECT_THAT(words(known.all({})), ElementsAre("5 eth5"));
}

TEST(KnownInterfaces, that_are_attached_keep_the_names_by_which_they_are_guarded) {
    KnownInterfaces known;
    known.know(link(2, "eth1", {"uplink"})); // the names were exchanged, which nobody has followed yet
    known.know(link(3, "eth0"));
    EXPECT_THAT(words(known.all({{2, "eth0"}})), ElementsAre("2 eth0 uplink"))
        << "3 has a name that means another one still";
    EXPECT_THAT(words(known.all({{2, "eth0"}, {3, "eth1"}})), ElementsAre("2 eth0 uplink", "3 eth1"));
    EXPECT_THAT(words(known.all({{9, "eth9"}})), ElementsAre("9 eth9", "2 eth1 uplink", "3 eth0"))
        << "attached, and not announced yet";
}

TEST(KnownInterfaces, are_new_if_they_were_made_after_the_start_until_somebody_has_looked) {
    KnownInterfaces known;
    known.know(link(2, "eth0"));
    EXPECT_FALSE(known.is_new(2)) << "it was there before";
    known.expect_new();
    known.know(link(2, "eth0"));
    known.know(link(3, "veth0"));
    EXPECT_FALSE(known.is_new(2));
    EXPECT_TRUE(known.is_new(3));
    known.know(link(3, "veth1"));
    EXPECT_TRUE(known.is_new(3)) << "nobody has looked at it";
    known.looked_at(3);
    EXPECT_FALSE(known.is_new(3));
    known.know_all({link(2, "eth0"), link(4, "veth2")});
    EXPECT_TRUE(known.is_new(4));
    known.know_all({link(2, "eth0")});
    EXPECT_FALSE(known.is_new(4)) << "it is gone";
    known.know(link(4, "veth3"));
    EXPECT_TRUE(known.is_new(4)) << "another one, with its index";
}

TEST(KnownInterfaces, that_no_pattern_means_are_told) {
    KnownInterfaces known;
    net::Link loopback = link(1, "lo");
    loopback.loopback = true;
    known.know(loopback);
    EXPECT_THAT(words(known.all({})), ElementsAre("1 lo (by name)"));
}

} // namespace
} // namespace pfild::interfaces
