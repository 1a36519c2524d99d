// SPDX-License-Identifier: BSD-2-Clause
// What a change of what is wanted does to attachments, and that an error at any step leaves nothing half done.
#include <gmock/gmock.h>

#include "interfaces_fixture.h"

namespace pfild::interfaces::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using InterfacesChange = InterfacesTest;

TEST_F(InterfacesChange, brings_heads_last_and_at_once_with_all_others) {
    ASSERT_TRUE(put("eth0"));
    ASSERT_TRUE(put("eth1"));
    EXPECT_THAT(kernel_.heads, IsEmpty());
    expect_whole();
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kGoes));
    EXPECT_EQ(kernel_.heads.size(), 2);
    EXPECT_TRUE(interfaces_.take_heads_came());
    EXPECT_FALSE(interfaces_.take_heads_came());
    interfaces_.end();
    EXPECT_TRUE(kernel_.heads.empty() && kernel_.ports.empty() && kernel_.slots.empty());
}

TEST_F(InterfacesChange, detaches_together_what_leaves_together) {
    for (const char* const name : {"eth0", "eth1", "eth2"}) {
        ASSERT_TRUE(attach(name));
    }
    interfaces_.remove("eth0");
    interfaces_.remove("eth2");
    interfaces_.drop_leaving();
    EXPECT_THAT(host_.together, ElementsAre(2));
    expect_whole();
    ASSERT_TRUE(attach("eth0"));
    interfaces_.end();
    EXPECT_THAT(host_.together, ElementsAre(2, 2));
    EXPECT_TRUE(kernel_.heads.empty() && kernel_.ports.empty() && kernel_.slots.empty());
}

TEST_F(InterfacesChange, that_fails_at_any_step_leaves_nothing_half_done) {
    for (const core::HeadMode mode : {core::HeadMode::kTc, core::HeadMode::kTap}) {
        std::size_t failed = 0;
        for (kernel_.steps.failing = 1;; kernel_.steps.failing++) {
            kernel_.steps.taken = 0;
            const bool done = put("eth0", mode).has_value();
            expect_whole();
            const bool live = done && interfaces_.bring_heads(WithoutHeads::kGoes).has_value();
            expect_whole();
            failed += live ? 0 : 1;
            EXPECT_EQ(interfaces_.find("eth0") != nullptr, done);
            EXPECT_EQ(kernel_.heads.contains(2), live);
            detach("eth0"); // as a transaction takes it back
            expect_nothing();
            if (live) {
                break;
            }
        }
        EXPECT_EQ(failed, mode == core::HeadMode::kTap ? 3 : 4) << "attachable, register, attach, heads";
        kernel_.steps = {};
    }
}

TEST_F(InterfacesChange, of_mode_that_fails_at_any_step_leaves_nothing_half_done) {
    for (std::size_t failing = 1;; failing++) {
        ASSERT_TRUE(attach("eth0", core::HeadMode::kTap));
        kernel_.steps = {.failing = failing, .taken = 0};
        const bool done = put("eth0", core::HeadMode::kTc).has_value();
        const bool live = done && interfaces_.bring_heads(WithoutHeads::kGoes).has_value();
        if (done) {
            expect_whole();
        }
        kernel_.steps = {};
        if (!live) { // as a transaction takes it back
            ASSERT_TRUE(attach("eth0", core::HeadMode::kTap));
        }
        expect_whole();
        EXPECT_EQ(attachment("eth0").only_tapped(), !live);
        detach("eth0");
        expect_nothing();
        if (live) {
            EXPECT_EQ(failing, 5) << "attachable, register, attach, heads";
            break;
        }
    }
}

TEST_F(InterfacesChange, of_mode_keeps_slot_and_head_and_comes_with_the_heads) {
    ASSERT_TRUE(attach("eth1"));
    ASSERT_TRUE(attach("eth0"));
    const std::uint32_t before = attachment("eth0").number();
    const std::uint8_t slot = attachment("eth0").slot();
    ASSERT_TRUE(put("eth0", core::HeadMode::kXdp));
    EXPECT_EQ(attachment("eth0").number(), before);
    EXPECT_TRUE(interfaces_.will_filter(attachment("eth0")));
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kGoes));
    EXPECT_NE(attachment("eth0").number(), before);
    EXPECT_EQ(attachment("eth0").slot(), slot);
    EXPECT_TRUE(attachment("eth0").has_xdp_head());
    expect_whole();
    ASSERT_TRUE(put("eth0", core::HeadMode::kTap));
    EXPECT_FALSE(interfaces_.will_filter(attachment("eth0")));
    EXPECT_TRUE(dependents_.heads.contains("eth0")) << "until then";
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kGoes));
    EXPECT_FALSE(dependents_.heads.contains("eth0"));
    expect_whole();
}

TEST_F(InterfacesChange, of_mode_that_is_taken_back_changes_nothing) {
    ASSERT_TRUE(attach("eth0"));
    const std::uint32_t before = attachment("eth0").number();
    ASSERT_TRUE(put("eth0", core::HeadMode::kXdp));
    ASSERT_TRUE(put("eth0", core::HeadMode::kTc));
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kGoes));
    EXPECT_EQ(attachment("eth0").number(), before);
    expect_whole();
}

TEST_F(InterfacesChange, of_mode_of_one_that_is_tapped_leaves_no_head_when_it_is_taken_back_or_gone) {
    ASSERT_TRUE(attach("eth0", core::HeadMode::kTap));
    ASSERT_TRUE(put("eth0", core::HeadMode::kTc));
    EXPECT_TRUE(dependents_.heads.contains("eth0")) << "links come before heads";
    ASSERT_TRUE(put("eth0", core::HeadMode::kXdp)) << "asked for twice";
    ASSERT_TRUE(put("eth0", core::HeadMode::kTap));
    expect_whole();
    ASSERT_TRUE(put("eth0", core::HeadMode::kTc));
    interfaces_.remove("eth0");
    expect_whole();
    interfaces_.drop_leaving();
    expect_nothing();
    ASSERT_TRUE(attach("eth0", core::HeadMode::kTap));
    ASSERT_TRUE(put("eth0", core::HeadMode::kTc));
    take_out(2);
    interfaces_.let_go(2);
    schedule_.finish();
    expect_nothing();
}

TEST_F(InterfacesChange, detaches_at_its_end_and_not_what_is_put_again) {
    ASSERT_TRUE(attach("eth0"));
    ASSERT_TRUE(attach("eth1"));
    interfaces_.remove("eth0");
    interfaces_.remove("eth1");
    EXPECT_EQ(kernel_.heads.size(), 2);
    EXPECT_FALSE(interfaces_.stays(2));
    EXPECT_FALSE(interfaces_.will_filter(attachment("eth0")));
    ASSERT_TRUE(put("eth1"));
    EXPECT_TRUE(interfaces_.stays(3));
    ASSERT_TRUE(interfaces_.bring_heads(WithoutHeads::kGoes));
    interfaces_.drop_leaving();
    EXPECT_EQ(interfaces_.find("eth0"), nullptr);
    EXPECT_EQ(kernel_.heads.size(), 1);
    expect_whole();
    EXPECT_THAT(kernel_.log, Contains("2 leaves"));
}

TEST_F(InterfacesChange, refuses_what_cannot_be_attached_and_says_why) {
    const auto code = [&](const std::string& name) { return put(name).error().code; };
    EXPECT_EQ(code("eth7"), ENODEV);
    EXPECT_EQ(put("eth7").error().what, "attach");
    EXPECT_EQ(code("uplink"), ENODEV) << "the name of a head is the kernel's";
    EXPECT_EQ(code("lo"), EOPNOTSUPP);
    kernel_.foreign = {2};
    EXPECT_EQ(code("eth0"), EBUSY);
    expect_nothing();
}

TEST_F(InterfacesChange, gives_each_a_slot_of_its_own_as_long_as_there_are_some) {
    kernel_.room = 2 * PFILD_MAX_INTERFACES;
    for (std::uint32_t i = 0; i < PFILD_MAX_INTERFACES; i++) {
        kernel_.put(100 + i, fmt::format("veth{}", i));
        ASSERT_TRUE(attach(fmt::format("veth{}", i)));
    }
    const auto refused = put("eth0");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOBUFS);
    EXPECT_THAT(refused.error().advice, HasSubstr("another instance"));
    const std::uint8_t slot = attachment("veth7").slot();
    detach("veth7");
    ASSERT_TRUE(attach("eth0"));
    EXPECT_EQ(attachment("eth0").slot(), slot);
    expect_whole();
}

TEST_F(InterfacesChange, prefers_a_slot_whose_heads_are_loaded_already) {
    host_.ready = {0, 9};
    ASSERT_TRUE(attach("eth0"));
    ASSERT_TRUE(attach("eth1"));
    ASSERT_TRUE(attach("eth2"));
    EXPECT_EQ(attachment("eth0").slot(), 0);
    EXPECT_EQ(attachment("eth1").slot(), 9);
    EXPECT_EQ(attachment("eth2").slot(), 1);
}

TEST_F(InterfacesChange, refuses_more_than_packet_memory_is_there_for_but_not_to_tap) {
    kernel_.room = 1;
    ASSERT_TRUE(attach("eth0"));
    const auto refused = put("eth1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOBUFS);
    EXPECT_THAT(refused.error().advice, HasSubstr("buffers"));
    EXPECT_TRUE(attach("eth1", core::HeadMode::kTap));
    expect_whole();
}

TEST_F(InterfacesChange, counts_those_that_will_need_packet_memory) {
    kernel_.room = 1;
    ASSERT_TRUE(meet("eth0"));
    EXPECT_EQ(put("eth1").error().code, ENOBUFS);
    schedule_.finish();
    EXPECT_FALSE(attachment("eth0").is_coming());
    EXPECT_EQ(kernel_.ports.size(), 1);
}

TEST_F(InterfacesChange, waits_for_those_that_have_gone_if_they_have_what_it_needs) {
    kernel_.room = 1;
    ASSERT_TRUE(attach("eth0"));
    take_out(2);
    interfaces_.let_go(2);
    EXPECT_EQ(kernel_.ports.size(), 1) << "it is not cleared up yet";
    ASSERT_TRUE(attach("eth1"));
    EXPECT_THAT(kernel_.log, Contains("eth0 cleared up"));
    EXPECT_EQ(attachment("eth1").slot(), 0);
    expect_whole();
    schedule_.finish(); // what was to follow finds nothing
    expect_whole();
}

TEST_F(InterfacesChange, restores_what_a_daemon_before_has_turned_off_once) {
    interfaces_.remember_turned_off("eth0", {"rx-vlan-hw-parse"});
    ASSERT_TRUE(attach("eth0"));
    EXPECT_THAT(attachment("eth0").spec().turned_off, ElementsAre("rx-vlan-hw-parse"));
    detach("eth0");
    ASSERT_TRUE(attach("eth0"));
    EXPECT_THAT(attachment("eth0").spec().turned_off, IsEmpty());
}

TEST_F(InterfacesChange, tells_heads_where_hooks_are_linked) {
    ASSERT_TRUE(attach("eth0"));
    EXPECT_EQ(attachment("eth0").spec().divert, (core::Directions{true, false}));
    const std::size_t placed = dependents_.placed;
    detach("eth0");
    EXPECT_GT(dependents_.placed, placed) << "hooks run nowhere where no head is";
}

} // namespace
} // namespace pfild::interfaces::test
