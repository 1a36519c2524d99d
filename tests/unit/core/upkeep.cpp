// SPDX-License-Identifier: BSD-2-Clause
// What keeps the link up, as the engine finds it, and which hooks meet it.
#include "core/upkeep.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/text.h"
#include "core/pfil/cbpf_hook.h"
#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

constexpr const char* kAsksForArp = "ldh [12]\njeq #0x806,0,1\nret #1\nret #0";
constexpr const char* kMatchesAll = "ret #1";

Bytes to_group(std::uint8_t last, std::uint16_t type, const Bytes& payload) {
    Bytes bytes = ethernet({}, type, payload);
    const Bytes group{0x01, 0x80, 0xc2, 0, 0, last};
    std::copy(group.begin(), group.end(), bytes.begin());
    return bytes;
}

Bytes icmpv6(std::uint8_t type, std::uint8_t hop_limit = 255) {
    Bytes bytes(40 + 8);
    bytes[0] = 0x60;
    bytes[5] = 8;
    bytes[6] = PFILD_ICMPV6;
    bytes[7] = hop_limit;
    bytes[40] = type;
    return bytes;
}

class Upkeep : public RegistryTest {
  protected:
    std::uint32_t class_of(const Bytes& bytes) {
        const Frame frame = buffers_.frame(bytes);
        return upkeep_of(frame, parse(frame));
    }

    void add_program(const std::string& name, const char* program, Neighbours neighbours) {
        auto made = std::make_shared<CbpfHook>(CbpfHookSpec{.name = name,
                                                            .type = HeadType::kEthernet,
                                                            .on_match = OnMatch::kDrop,
                                                            .filter = {},
                                                            .neighbours = neighbours},
                                               *cbpf::assemble(program));
        expect_ok(registry_.add_hook(std::move(made)));
        expect_ok(link(name, "ethernet", kIn));
    }

    bool passes(const Bytes& bytes) {
        Frame frame = buffers_.frame(bytes);
        PacketView view = parse(frame);
        const Passage passage{.interface_slot = kSlot, .direction = Direction::kIn, .ifindex = 7};
        return !run_heads(publisher_.snapshot(), passage, frame, view).stops();
    }

    Buffers buffers_; // outlives every frame
};

TEST_F(Upkeep, has_the_classes_that_heads_find) {
    const Bytes arp(28, 1);
    EXPECT_EQ(class_of(ethernet({}, kTypeArp, arp)), std::uint32_t{PFILD_UPKEEP_ARP});
    EXPECT_EQ(class_of(ethernet({kTypeVlan}, kTypeArp, arp)), PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 1));
    EXPECT_EQ(class_of(ethernet({kTypeServiceVlan, kTypeVlan}, kTypeArp, arp)),
              PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 2));
    EXPECT_EQ(class_of(ethernet({}, kTypeIpv6, icmpv6(134))), PFILD_UPKEEP_DISCOVERY + 1U);
    EXPECT_EQ(class_of(ethernet({kTypeVlan}, kTypeIpv6, icmpv6(137))),
              PFILD_UPKEEP_CLASS(PFILD_UPKEEP_DISCOVERY_LAST, 1));
    EXPECT_EQ(class_of(to_group(3, 0x888e, Bytes(46))), std::uint32_t{PFILD_UPKEEP_EAPOL});
    EXPECT_EQ(class_of(to_group(0, 38, joined({0x42, 0x42, 3}, Bytes(43)))), std::uint32_t{PFILD_UPKEEP_STP});
    for (const Bytes& other :
         {ethernet({}, kTypeIpv6, icmpv6(134, 254)), ethernet({}, kTypeIpv6, icmpv6(128)),
          ethernet({kTypeVlan, kTypeVlan, kTypeVlan}, kTypeArp, arp), ethernet({}, 0x888e, Bytes(46)),
          to_group(16, 0x888e, Bytes(46)), to_group(3, 0x888e, Bytes(2)), to_group(3, kTypeIpv4, Bytes(46))}) {
        EXPECT_EQ(class_of(other), std::uint32_t{PFILD_NO_UPKEEP});
    }
}

TEST_F(Upkeep, meets_the_hooks_that_tell_it_apart_and_no_others) {
    const Bytes arp = ethernet({}, kTypeArp, Bytes(28, 1));
    const Bytes tagged = ethernet({kTypeVlan}, kTypeArp, Bytes(28, 1));
    add_program("t:all", kMatchesAll, Neighbours::kAutomatic);
    EXPECT_FALSE(passes(ethernet({}, 0x88b5, Bytes(46))));
    EXPECT_TRUE(passes(arp)) << "a rule about everything is not about neighbours";
    EXPECT_EQ(registry_.asked_upkeep(kSlot), (AskedUpkeep{0, 0}));
    add_program("t:arp", kAsksForArp, Neighbours::kAutomatic);
    EXPECT_FALSE(passes(arp));
    EXPECT_TRUE(passes(tagged)) << "the program does not look behind tags";
    EXPECT_EQ(registry_.asked_upkeep(kSlot), (AskedUpkeep{PFILD_UPKEEP_BIT(PFILD_UPKEEP_ARP), 0}));
    expect_ok(registry_.remove_hook("t:arp"));
    add_program("t:arp", kAsksForArp, Neighbours::kPass);
    EXPECT_TRUE(passes(arp));
    add_program("t:obeyed", kMatchesAll, Neighbours::kObey);
    EXPECT_FALSE(passes(arp));
    EXPECT_FALSE(passes(tagged));
    EXPECT_EQ(registry_.asked_upkeep(kSlot), (AskedUpkeep{kAllUpkeep, 0}));
}

TEST_F(Upkeep, has_a_name_for_each_kind) {
    EXPECT_EQ(upkeep_names(kAllUpkeep).size(), std::size_t{PFILD_UPKEEP_KINDS - 1});
    EXPECT_EQ(upkeep_names(PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 2))),
              std::vector<std::string_view>{"ARP"});
    EXPECT_TRUE(upkeep_names(0).empty());
}

} // namespace
} // namespace pfild::core
