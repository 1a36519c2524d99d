// SPDX-License-Identifier: BSD-2-Clause
// What happens to interfaces by itself, and to heads that a killed daemon has left.
#include <gmock/gmock.h>

#include "interfaces_fixture.h"

namespace pfild::interfaces::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class InterfacesFollowing : public InterfacesTest {
  protected:
    void SetUp() override {
        ASSERT_TRUE(attach("eth0"));
        ASSERT_TRUE(attach("eth1"));
        (void)interfaces_.host_interfaces(true);
        interfaces_.sweep_all({});
    }
    [[nodiscard]] std::vector<std::string> names() {
        std::vector<std::string> found;
        for (const config::HostInterface& host_interface : interfaces_.host_interfaces(false)) {
            found.push_back(host_interface.name);
        }
        return found;
    }
};

TEST_F(InterfacesFollowing, one_that_is_gone_is_detached_and_keeps_its_slot_until_it_is_cleared_up) {
    take_out(2);
    interfaces_.let_go(2);
    EXPECT_THAT(told_, ElementsAre("gone eth0"));
    EXPECT_EQ(interfaces_.find("eth0"), nullptr);
    expect_whole();
    EXPECT_EQ(kernel_.slots.size(), 2);
    ASSERT_TRUE(attach("eth2"));
    EXPECT_EQ(attachment("eth2").slot(), 2);
    schedule_.finish();
    EXPECT_EQ(kernel_.slots.size(), 2);
    EXPECT_THAT(kernel_.log, Contains("eth0 cleared up"));
    EXPECT_EQ(kernel_.ports.size(), 2);
}

TEST_F(InterfacesFollowing, one_that_is_gone_may_be_announced_in_any_way_and_more_than_once) {
    take_out(2);
    interfaces_.look_at(2);
    interfaces_.let_go(2);
    interfaces_.look_at(2);
    EXPECT_THAT(told_, ElementsAre("gone eth0"));
    take_out(3);
    interfaces_.look_at_all(); // announcements were lost
    EXPECT_THAT(told_, ElementsAre("gone eth0", "gone eth1"));
    schedule_.finish();
    expect_nothing();
}

TEST_F(InterfacesFollowing, another_one_that_has_its_index_is_not_taken_for_it) {
    kernel_.put(2, "veth9");
    kernel_.heads.erase(2);
    interfaces_.look_at(2);
    EXPECT_THAT(told_, ElementsAre("gone eth0", "seen veth9"));
    EXPECT_EQ(interfaces_.find("veth9"), nullptr);
    expect_whole();
}

TEST_F(InterfacesFollowing, an_old_announcement_does_no_harm) {
    interfaces_.let_go(2); // it was away, and has come back with its heads
    EXPECT_NE(interfaces_.find("eth0"), nullptr);
    EXPECT_THAT(told_, IsEmpty());
    interfaces_.let_go(99);
    EXPECT_THAT(told_, IsEmpty());
    expect_whole();
}

TEST_F(InterfacesFollowing, heads_follow_names_that_are_exchanged) {
    kernel_.put(2, "eth1");
    kernel_.put(3, "eth0");
    const std::uint8_t slot = attachment("eth0").slot();
    interfaces_.look_at(2);
    EXPECT_THAT(told_, ElementsAre("renamed eth0 eth1", "renamed eth1 eth0", "seen eth1"));
    EXPECT_EQ(dependents_.heads.at("eth1"), slot);
    expect_whole();
    told_.clear();
    interfaces_.look_at(3); // it is known by then
    EXPECT_THAT(told_, IsEmpty());
}

TEST_F(InterfacesFollowing, a_name_counts_as_the_head_has_it_until_the_head_has_another) {
    kernel_.put(4, "eth0"); // eth0 is wan0 by now, and eth2 is called eth0
    kernel_.put(2, "wan0");
    interfaces_.look_at(4);
    EXPECT_THAT(names(), UnorderedElementsAre("lo", "eth0", "eth1")) << "the second eth0 is left out";
    interfaces_.look_at(2);
    EXPECT_THAT(names(), UnorderedElementsAre("lo", "wan0", "eth1", "eth0")) << "it is free by now";
}

TEST_F(InterfacesFollowing, other_alternative_names_are_told) {
    kernel_.put(2, "eth0", {"wan"});
    interfaces_.look_at(2);
    EXPECT_THAT(told_, ElementsAre("seen eth0"));
    told_.clear();
    kernel_.links[2].mtu = 1400;
    interfaces_.look_at(2);
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_EQ(attachment("eth0").link().mtu, 1400);
    EXPECT_THAT(kernel_.log, Contains("eth0 changed"));
}

TEST_F(InterfacesFollowing, what_happens_to_a_port_is_looked_at_by_its_owner) {
    kernel_.log.clear();
    interfaces_.look_at(attachment("eth1").port_ifindex());
    EXPECT_THAT(kernel_.log, ElementsAre("eth1 looked at"));
}

TEST_F(InterfacesFollowing, a_change_that_was_prepared_forgets_who_has_gone) {
    ASSERT_TRUE(put("eth0", core::HeadMode::kXdp));
    interfaces_.remove("eth1");
    take_out(2);
    take_out(3);
    interfaces_.look_at_all();
    kernel_.put(2, "veth2"); // others have their indexes
    kernel_.put(3, "veth3");
    ASSERT_TRUE(attach("veth2"));
    ASSERT_TRUE(attach("veth3"));
    interfaces_.drop_leaving();
    EXPECT_FALSE(attachment("veth2").has_xdp_head());
    EXPECT_NE(interfaces_.find("veth3"), nullptr);
    expect_whole();
}

using LeftHeads = InterfacesTest;

TEST_F(LeftHeads, nobody_is_told_of_interfaces_before_they_are_swept) {
    interfaces_.look_at(3);
    take_out(3);
    interfaces_.look_at(3);
    EXPECT_THAT(told_, IsEmpty());
    interfaces_.sweep_all({});
    interfaces_.look_at(4);
    EXPECT_THAT(told_, ElementsAre("seen eth2"));
}

TEST_F(LeftHeads, are_swept_where_nothing_is_attached_and_spared_where_nothing_could_be) {
    kernel_.left = {2, 3, 4};
    ASSERT_TRUE(attach("eth0"));
    EXPECT_EQ(interfaces_.left_on(3), "eth1");
    EXPECT_EQ(interfaces_.left_on("eth1"), 3);
    EXPECT_EQ(interfaces_.left_on("eth0"), std::nullopt) << "they were taken over";
    interfaces_.sweep_all({"eth1", "lo"});
    EXPECT_THAT(kernel_.left, ElementsAre(3));
    EXPECT_FALSE(interfaces_.all_replaced());
    interfaces_.look_at(3);
    EXPECT_THAT(kernel_.left, ElementsAre(3));
}

TEST_F(LeftHeads, that_were_spared_go_when_it_is_detached_or_attached_or_all_ends) {
    const auto spare = [&](std::uint32_t ifindex, const std::string& name) {
        kernel_.left = {ifindex};
        interfaces_.sweep_all({name});
        EXPECT_FALSE(interfaces_.all_replaced());
    };
    spare(2, "eth0");
    detach("eth0");
    EXPECT_THAT(kernel_.left, IsEmpty());
    EXPECT_TRUE(interfaces_.all_replaced());
    spare(2, "eth0");
    ASSERT_TRUE(attach("eth0"));
    EXPECT_TRUE(interfaces_.all_replaced());
    spare(3, "eth1");
    interfaces_.sweep_spared();
    EXPECT_THAT(kernel_.left, IsEmpty());
}

TEST_F(LeftHeads, are_not_replaced_while_an_attachment_has_none) {
    ASSERT_TRUE(put("eth0"));
    EXPECT_FALSE(interfaces_.all_replaced());
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kStays));
    EXPECT_TRUE(interfaces_.all_replaced());
    EXPECT_FALSE(attachment("eth0").kept());
    interfaces_.keep_all();
    EXPECT_TRUE(attachment("eth0").kept());
}

} // namespace
} // namespace pfild::interfaces::test
