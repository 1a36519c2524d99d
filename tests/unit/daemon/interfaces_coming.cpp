// SPDX-License-Identifier: BSD-2-Clause
// Interfaces that come and go while pfild runs: heads at once, all else when it is quiet, one step a time.
#include <gmock/gmock.h>

#include "interfaces_fixture.h"

namespace pfild::interfaces::test {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class InterfacesComing : public InterfacesTest {
  protected:
    void SetUp() override {
        (void)interfaces_.host_interfaces(true);
        interfaces_.sweep_all({});
    }
    /// Whether it calls after so many milliseconds.
    bool calls_after(int ms) {
        schedule_.pass(milliseconds(ms));
        return schedule_.call();
    }
};

TEST_F(InterfacesComing, have_heads_at_once_and_the_rest_after_silence) {
    ASSERT_TRUE(meet("eth0"));
    EXPECT_TRUE(kernel_.heads.contains(2));
    EXPECT_TRUE(attachment("eth0").is_coming());
    expect_whole();
    EXPECT_FALSE(calls_after(19));
    ASSERT_TRUE(calls_after(1));
    EXPECT_THAT(kernel_.ports, IsEmpty()) << "it is made beside";
    ASSERT_TRUE(schedule_.do_one());
    schedule_.follow();
    ASSERT_TRUE(calls_after(0));
    EXPECT_FALSE(attachment("eth0").is_coming());
    EXPECT_THAT(kernel_.log, Contains("eth0 goes on"));
    ASSERT_TRUE(calls_after(0));
    EXPECT_EQ(schedule_.calls_in_ms(), std::nullopt) << "nothing is left to be done";
}

TEST_F(InterfacesComing, wait_for_silence_but_not_for_ever) {
    int waited = 0;
    for (int i = 0; i < 1000; i++) {
        kernel_.put(100, "veth0");
        ASSERT_TRUE(meet("veth0"));
        if (calls_after(10)) {
            break;
        }
        waited += 10;
        take_out(100);
        interfaces_.let_go(100);
    }
    EXPECT_GE(waited, 480);
    EXPECT_LE(waited, 500);
}

TEST_F(InterfacesComing, make_one_port_after_another) {
    ASSERT_TRUE(meet("eth0"));
    ASSERT_TRUE(meet("eth1"));
    ASSERT_TRUE(calls_after(20));
    EXPECT_EQ(schedule_.pieces_beside(), 1);
    ASSERT_TRUE(meet("eth2"));
    ASSERT_TRUE(calls_after(20));
    EXPECT_EQ(schedule_.pieces_beside(), 1) << "the first is not done";
    schedule_.finish();
    for (const char* name : {"eth0", "eth1", "eth2"}) {
        EXPECT_FALSE(attachment(name).is_coming()) << name;
    }
    EXPECT_EQ(kernel_.ports.size(), 3);
}

TEST_F(InterfacesComing, that_go_while_their_port_is_made_leave_nothing) {
    ASSERT_TRUE(meet("eth0"));
    ASSERT_TRUE(calls_after(20));
    ASSERT_TRUE(schedule_.do_one());
    take_out(2);
    interfaces_.let_go(2);
    schedule_.follow(); // the port is there, and nobody wants it
    EXPECT_EQ(kernel_.ports.size(), 1) << "its end waits long: not here";
    schedule_.finish();
    expect_nothing();
}

TEST_F(InterfacesComing, do_not_take_the_port_of_one_that_had_their_index) {
    ASSERT_TRUE(meet("eth0"));
    ASSERT_TRUE(calls_after(20));
    take_out(2);
    interfaces_.let_go(2);
    kernel_.put(2, "eth0");
    ASSERT_TRUE(meet("eth0"));
    const std::uint32_t number = attachment("eth0").number();
    schedule_.finish();
    EXPECT_THAT(kernel_.ports, ElementsAre(number));
    EXPECT_FALSE(attachment("eth0").is_coming());
    expect_whole();
}

TEST_F(InterfacesComing, whose_port_cannot_be_taken_are_left_to_housekeeping) {
    ASSERT_TRUE(meet("eth0"));
    kernel_.steps = {.failing = 1, .taken = 0};
    schedule_.finish();
    EXPECT_NE(interfaces_.find("eth0"), nullptr) << "its heads guard it";
    expect_whole();
}

TEST_F(InterfacesComing, are_held_down_if_they_are_new_and_to_be_so) {
    const auto strict = [&](const std::string& name, bool heads_first) {
        config::Interface interface;
        interface.name = name;
        interface.mode = core::HeadMode::kTc;
        interface.strict = true;
        interfaces_.set_manner({.heads_first = heads_first});
        EXPECT_TRUE(interfaces_.put(interface));
        return attachment(name).spec().strict;
    };
    kernel_.put(9, "veth9");
    interfaces_.look_at(9);
    EXPECT_FALSE(strict("eth0", true)) << "it was there before";
    kernel_.put(10, "veth10");
    bool held = false;
    interfaces_.tell({.seen = [&](const std::string& name) { held = strict(name, true); }, .gone = {}, .renamed = {}});
    interfaces_.look_at(10);
    EXPECT_TRUE(held);
    EXPECT_FALSE(strict("veth9", true)) << "somebody has looked at it";
}

TEST_F(InterfacesComing, have_heads_loaded_for_slots_that_nobody_uses) {
    ASSERT_TRUE(attach("eth0"));
    ASSERT_TRUE(attach("eth1"));
    interfaces_.expect_more(true);
    EXPECT_EQ(host_.awaited_beside, 0b11U);
    take_out(3);
    interfaces_.let_go(3);
    interfaces_.expect_more(true);
    EXPECT_EQ(host_.awaited_beside, 0b11U) << "it is not cleared up";
    schedule_.finish();
    EXPECT_EQ(host_.awaited_beside, 0b01U);
    interfaces_.expect_more(false);
    EXPECT_EQ(host_.awaited_beside, std::nullopt);
}

TEST_F(InterfacesComing, all_end_at_the_end_whatever_is_left_to_be_done) {
    ASSERT_TRUE(meet("eth0"));
    ASSERT_TRUE(meet("eth1"));
    ASSERT_TRUE(calls_after(20));
    take_out(3);
    interfaces_.let_go(3);
    interfaces_.end();
    EXPECT_EQ(schedule_.calls_in_ms(), std::nullopt);
    EXPECT_TRUE(kernel_.heads.empty() && kernel_.ports.empty() && kernel_.slots.empty());
}

} // namespace
} // namespace pfild::interfaces::test
