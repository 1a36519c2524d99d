// SPDX-License-Identifier: BSD-2-Clause
// Which connections the lock-out guard looks at, and which changes it refuses: with real hooks, and a host of tables.
#include "daemon/guard/guard.h"

#include <cerrno>
#include <map>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cbpf/program.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/registry.h"

namespace pfild::guard {
namespace {

using core::Direction;
using testing::HasSubstr;

Address address(const char* text) {
    std::array<std::uint8_t, 16> bytes{};
    const bool inet = ::inet_pton(AF_INET, text, bytes.data()) == 1;
    if (!inet) {
        EXPECT_EQ(::inet_pton(AF_INET6, text, bytes.data()), 1) << text;
    }
    return Address::of(inet, bytes.data());
}

/// From 192.0.2.1, or 2001:db8::1, to this host.
Connection ssh(std::uint64_t inode, std::uint16_t local_port = 22, bool inet = true) {
    return {.local = address(inet ? "192.0.2.2" : "2001:db8::2"),
            .remote = address(inet ? "192.0.2.1" : "2001:db8::1"),
            .local_port = local_port,
            .remote_port = 40000,
            .inode = inode};
}

class Tables final : public Host {
  public:
    Sockets all;
    Inodes caller;
    Inodes sshd;
    std::map<std::uint64_t, Inodes> of_processes; ///< by one of their sockets
    std::vector<Way> by{{.ifindex = 7}};
    bool no_sockets = false;
    bool no_ways = false;

    core::Result<Sockets> sockets() override {
        return no_sockets ? core::fail({"ask", "sock_diag", "it is not there", "", ENOENT})
                          : core::Result<Sockets>(all);
    }
    Inodes sockets_of(const Caller& /*caller*/) override { return caller; }
    Inodes sockets_beside(const Inodes& sockets) override {
        Inodes found;
        for (const std::uint64_t one : sockets) {
            found.merge(Inodes(of_processes[one]));
        }
        return found;
    }
    Inodes sockets_of_sshd() override { return sshd; }
    core::Result<std::vector<Way>> ways(const Connection& /*connection*/) override {
        return no_ways ? core::fail({"ask", "rtnetlink", "no route", "", ENETUNREACH})
                       : core::Result<std::vector<Way>>(by);
    }
};

struct Unpublished final : core::SnapshotPublisher {
    void publish(std::shared_ptr<const core::Snapshot> /*snapshot*/) override {}
};

constexpr std::uint8_t kSlot = 3;

class GuardTest : public ::testing::Test {
  protected:
    GuardTest() {
        for (const core::HeadType type : core::kEachHeadType) {
            EXPECT_TRUE(registry_.register_head({.name = std::string(core::name(type)), .type = type}));
        }
        EXPECT_TRUE(registry_.register_head({.name = "eth0", .slot = kSlot}));
        EXPECT_TRUE(registry_.register_head({.name = "eth1", .slot = std::uint8_t{4}}));
        host_.all.established = {ssh(100)};
        host_.all.listening = {{.port = 22, .inode = 1}};
        host_.caller = {100};
    }

    void hook(const std::string& name, core::HeadType type, std::vector<cbpf::Instruction> code,
              core::OnMatch on_match = core::OnMatch::kDrop) {
        auto program = cbpf::Program::verify(std::move(code));
        ASSERT_TRUE(program);
        ASSERT_TRUE(registry_.add_hook(std::make_shared<core::CbpfHook>(
            core::CbpfHookSpec{.name = name, .type = type, .on_match = on_match}, std::move(*program))));
    }
    void link(const std::string& name, const std::string& head, core::Directions directions = {true, false}) {
        ASSERT_TRUE(registry_.link({.hook = name, .head = head, .directions = directions}));
    }
    [[nodiscard]] Prospect prospect() const {
        return {registry_.linked_in_force(), registry_.linked_to_come(), {{7, Place{"eth0", kSlot, kSlot}}}};
    }
    /// The rules with the hook at the head of the awaited interface.
    [[nodiscard]] std::shared_ptr<const core::Snapshot> rules_with(const std::vector<cbpf::Instruction>& code) const {
        const std::shared_ptr<core::Hook> frames =
            std::make_shared<core::CbpfHook>(core::CbpfHookSpec{.name = "a:frames", .type = core::HeadType::kEthernet},
                                             *cbpf::Program::verify(std::vector<cbpf::Instruction>(code)));
        auto rules = std::make_shared<core::Snapshot>();
        rules->set_run_order({core::HeadType::kEthernet, kAwaitedSlot}, Direction::kIn, {&frames, 1});
        return rules;
    }
    [[nodiscard]] core::Result<std::optional<std::string>> check() { return guard_.check({}, ports_, prospect()); }
    /// The error that refuses the change; empty: it is not refused.
    [[nodiscard]] std::string refusal() {
        const auto checked = check();
        return checked ? "" : checked.error().line();
    }

    // IPv4, from its header on: matches TCP to port 22 without options.
    const std::vector<cbpf::Instruction> to_ssh_{{0x30, 0, 0, 9},  {0x15, 0, 3, 6}, {0x28, 0, 0, 22},
                                                 {0x15, 0, 1, 22}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    // The same from port 22.
    const std::vector<cbpf::Instruction> from_ssh_{{0x30, 0, 0, 9},  {0x15, 0, 3, 6}, {0x28, 0, 0, 20},
                                                   {0x15, 0, 1, 22}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    // TCP with SYN and without ACK.
    const std::vector<cbpf::Instruction> opens_{
        {0x30, 0, 0, 33}, {0x54, 0, 0, 0x12}, {0x15, 0, 1, 2}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    // Longer than 1000 bytes.
    const std::vector<cbpf::Instruction> long_{{0x80, 0, 0, 0}, {0x25, 0, 1, 1000}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    const std::vector<cbpf::Instruction> all_{{0x06, 0, 0, 1}};

    Unpublished publisher_;
    core::Registry registry_{publisher_};
    Tables host_;
    std::vector<std::uint16_t> ports_{22, 9090};
    Guard guard_{host_};
};

TEST_F(GuardTest, refuses_what_drops_the_callers_next_segment_and_names_everything) {
    hook("cbpf:ssh", core::HeadType::kInet, to_ssh_);
    registry_.hold();
    link("cbpf:ssh", "inet");
    const auto checked = check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ECONNABORTED);
    EXPECT_EQ(checked.error().object, "TCP 192.0.2.1:40000 to 192.0.2.2:22");
    EXPECT_EQ(checked.error().why,
              "the lock-out guard: hook cbpf:ssh at head inet would drop its next segment, incoming "
              "at eth0");
    EXPECT_THAT(checked.error().advice, HasSubstr("--force"));
    registry_.release();
    EXPECT_EQ(refusal(), "") << "it is dropped already: that is not what the change does";
}

TEST_F(GuardTest, refuses_what_drops_outgoing_long_or_opening_packets) {
    struct Case {
        const char* name;
        const std::vector<cbpf::Instruction>& code;
        core::Directions directions;
        const char* said;
    };
    const std::vector<Case> cases{{"a:out", from_ssh_, {false, true}, "its next segment, outgoing at eth0"},
                                  {"a:long", long_, {true, false}, "its next segment, incoming at eth0"},
                                  {"a:syn", opens_, {true, false}, "a new one from the same peer, incoming at eth0"}};
    for (const Case& one : cases) {
        hook(one.name, core::HeadType::kInet, one.code);
        registry_.hold();
        link(one.name, "inet", one.directions);
        EXPECT_THAT(refusal(), HasSubstr(one.said)) << one.name;
        ASSERT_TRUE(registry_.remove_hook(one.name));
        registry_.release();
    }
}

TEST_F(GuardTest, asks_in_the_order_in_which_hooks_run_and_names_the_head) {
    hook("a:inet", core::HeadType::kInet, all_);
    hook("a:frames", core::HeadType::kEthernet, all_);
    registry_.hold();
    link("a:inet", "inet");
    EXPECT_THAT(refusal(), HasSubstr("hook a:inet at head inet "));
    link("a:frames", "ethernet");
    EXPECT_THAT(refusal(), HasSubstr("hook a:frames at head ethernet "));
    link("a:frames", "eth0");
    EXPECT_THAT(refusal(), HasSubstr("hook a:frames at head eth0 "));
    registry_.release();
}

TEST_F(GuardTest, lets_go_what_concerns_other_packets_directions_and_interfaces) {
    hook("a:ssh", core::HeadType::kInet, to_ssh_);
    hook("a:frames", core::HeadType::kEthernet, all_);
    registry_.hold();
    link("a:ssh", "inet", {false, true});
    EXPECT_EQ(refusal(), "");
    link("a:frames", "eth1");
    EXPECT_EQ(refusal(), "") << "it does not come by eth1";
    host_.by = {{.ifindex = 8}};
    link("a:frames", "ethernet");
    EXPECT_EQ(refusal(), "") << "it comes by an interface that is not attached";
    registry_.release();
}

TEST_F(GuardTest, an_interface_that_is_to_be_attached_is_asked_about_by_the_rules_that_are_there) {
    hook("a:ssh", core::HeadType::kInet, to_ssh_);
    link("a:ssh", "inet");
    const Prospect comes{registry_.in_force(), registry_.held(), {{7, Place{"eth0", std::nullopt, kSlot}}}};
    EXPECT_FALSE(guard_.check({}, ports_, comes));
    const Prospect goes{registry_.in_force(), registry_.held(), {{7, Place{"eth0", kSlot, std::nullopt}}}};
    EXPECT_TRUE(guard_.check({}, ports_, goes));
}

TEST_F(GuardTest, a_hook_that_passes_what_matches_cuts_the_rest) {
    hook("a:only", core::HeadType::kInet, to_ssh_, core::OnMatch::kPass);
    registry_.hold();
    link("a:only", "inet");
    EXPECT_EQ(refusal(), "");
    host_.all.established = {ssh(100, 2222)};
    EXPECT_THAT(refusal(), HasSubstr("a:only"));
    host_.all.established = {ssh(100, 22, false)};
    EXPECT_EQ(refusal(), "") << "IPv6 has another head";
    registry_.release();
}

TEST_F(GuardTest, without_a_connection_of_the_caller_those_at_guarded_ports_count) {
    hook("a:all", core::HeadType::kInet, all_);
    registry_.hold();
    link("a:all", "inet");
    host_.caller = {};
    EXPECT_THAT(refusal(), HasSubstr("192.0.2.2:22"));
    host_.all.established = {ssh(100, 9090)};
    EXPECT_THAT(refusal(), HasSubstr("192.0.2.2:9090"));
    host_.all.established = {ssh(100, 2222)};
    EXPECT_EQ(refusal(), "");
    host_.all.listening.push_back({.port = 2222, .inode = 55});
    host_.sshd = {55};
    EXPECT_THAT(refusal(), HasSubstr("192.0.2.2:2222")) << "sshd listens there";
    host_.all.listening.clear();
    host_.sshd = {100};
    EXPECT_THAT(refusal(), HasSubstr("192.0.2.2:2222")) << "systemd listens there for sshd";
    registry_.release();
}

TEST_F(GuardTest, with_a_connection_of_the_caller_others_do_not_count) {
    hook("a:ssh", core::HeadType::kInet, to_ssh_);
    registry_.hold();
    link("a:ssh", "inet");
    host_.all.established = {ssh(100, 2222), ssh(101)};
    EXPECT_EQ(refusal(), "");
    host_.all.established[0].remote = address("127.0.0.1");
    EXPECT_THAT(refusal(), HasSubstr(":22")) << "what does not leave the host leads nobody to it";
    registry_.release();
}

TEST_F(GuardTest, says_so_if_there_is_nothing_to_check) {
    hook("a:all", core::HeadType::kInet, all_);
    EXPECT_EQ(check().value(), std::nullopt) << "no rule changes";
    registry_.hold();
    link("a:all", "inet");
    host_.no_ways = true;
    EXPECT_THAT(check().value().value_or(""), HasSubstr("no route"));
    host_.no_sockets = true;
    EXPECT_THAT(check().value().value_or(""), HasSubstr("sock_diag"));
    host_.no_sockets = false;
    host_.all.established.clear();
    EXPECT_THAT(check().value().value_or(""), HasSubstr("found no connection to check"));
    registry_.release();
}

TEST_F(GuardTest, what_only_counts_needs_no_look_at_connections) {
    hook("a:counts", core::HeadType::kInet, all_, core::OnMatch::kCount);
    hook("a:drops", core::HeadType::kInet, to_ssh_);
    host_.no_sockets = true; // says so when it is asked
    registry_.hold();
    link("a:counts", "inet");
    EXPECT_EQ(check().value(), std::nullopt);
    link("a:drops", "inet", {false, true});
    EXPECT_NE(check().value(), std::nullopt);
    registry_.release();
}

TEST_F(GuardTest, where_filters_only_go_there_is_nothing_to_look_at) {
    hook("a:all", core::HeadType::kInet, all_);
    hook("a:ssh", core::HeadType::kInet, to_ssh_);
    link("a:all", "inet", {false, true});
    link("a:ssh", "inet");
    host_.all.established.clear(); // says so when it is asked
    registry_.hold();
    ASSERT_TRUE(registry_.remove_hook("a:all"));
    EXPECT_EQ(check().value(), std::nullopt) << "a packet meets less than before";
    registry_.release();
    registry_.hold();
    ASSERT_TRUE(registry_.unregister_head("eth1"));
    EXPECT_EQ(check().value(), std::nullopt) << "another interface goes";
    hook("a:all", core::HeadType::kInet, all_);
    link("a:all", "inet");
    EXPECT_NE(check().value(), std::nullopt);
    registry_.release();
}

TEST_F(GuardTest, a_relay_on_this_host_leads_to_who_is_connected_to_it) {
    hook("a:all", core::HeadType::kInet, all_);
    registry_.hold();
    link("a:all", "inet");
    Connection to_relay = ssh(100);
    to_relay.local = to_relay.remote = address("127.0.0.1");
    Connection of_relay = to_relay;
    std::swap(of_relay.local_port, of_relay.remote_port);
    of_relay.inode = 200;
    Connection out = ssh(201, 50000);
    out.remote_port = 22;
    host_.all.established = {to_relay, of_relay, out, ssh(300, 9999)};
    EXPECT_EQ(refusal(), "") << "nobody has the other end";
    host_.of_processes = {{200, {200, 201}}};
    EXPECT_THAT(refusal(), HasSubstr("TCP 192.0.2.1:22 to 192.0.2.2:50000"));
    host_.of_processes = {{200, {200}}};
    EXPECT_EQ(refusal(), "") << "it is connected to nobody else";
    registry_.release();
}

TEST_F(GuardTest, an_interface_that_could_not_be_attached_yet_is_judged_as_if_it_were) {
    host_.by = {{.ifindex = 9}};
    Prospect waits = prospect();
    waits.awaited = {{.name = "eth9", .ifindex = 9, .rules = rules_with(all_)}};
    const auto refused = guard_.check({}, ports_, waits);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().why, HasSubstr("hook a:frames at head eth9 would drop its next segment"));
    waits.awaited[0].rules = rules_with({{0x06, 0, 0, 0}});
    EXPECT_EQ(guard_.check({}, ports_, waits).value(), std::nullopt);
}

TEST_F(GuardTest, of_an_interface_that_is_not_there_it_is_told_what_its_rules_will_drop) {
    Prospect waits = prospect();
    waits.awaited = {{.name = "eth9", .ifindex = std::nullopt, .rules = rules_with(all_)}};
    EXPECT_EQ(
        guard_.check({}, ports_, waits).value(),
        "the lock-out guard: eth9 is not there yet; when it comes, hook a:frames at head eth9 would drop its next "
        "segment of TCP 192.0.2.1:40000 to 192.0.2.2:22, if that came by it");
    waits.awaited[0].rules = rules_with({{0x06, 0, 0, 0}});
    EXPECT_EQ(guard_.check({}, ports_, waits).value(), std::nullopt);
    host_.all.established.clear();
    EXPECT_EQ(guard_.check({}, ports_, waits).value(), std::nullopt) << "it cuts nobody now";
}

TEST_F(GuardTest, what_is_linked_while_panic_is_on_is_judged_by_what_comes_after_it) {
    auto panic = std::make_shared<core::CbpfHook>(
        core::CbpfHookSpec{.name = "a:panic", .type = core::HeadType::kEthernet}, *cbpf::Program::verify(all_));
    hook("a:ssh", core::HeadType::kInet, to_ssh_);
    registry_.hold();
    registry_.set_only(panic);
    EXPECT_THAT(refusal(), HasSubstr("a:panic")) << "panic itself cuts, if it is no verb's";
    registry_.release();
    registry_.hold();
    link("a:ssh", "inet");
    EXPECT_THAT(refusal(), HasSubstr("hook a:ssh at head inet"));
    registry_.release();
    registry_.hold();
    registry_.set_only(nullptr);
    EXPECT_EQ(refusal(), "") << "the end of panic brings what was there";
    registry_.release();
}

TEST_F(GuardTest, packets_are_as_long_as_their_way_allows_and_have_the_traffic_class_of_the_socket) {
    hook("a:long", core::HeadType::kInet, {{0x80, 0, 0, 0}, {0x25, 0, 1, 8000}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}});
    hook("a:class", core::HeadType::kInet,
         {{0x30, 0, 0, 1}, {0x15, 0, 1, 0x48}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}}); // type of service 0x48
    registry_.hold();
    link("a:long", "inet");
    EXPECT_EQ(refusal(), "");
    host_.by[0].mtu = 9000;
    EXPECT_THAT(refusal(), HasSubstr("a:long"));
    host_.by[0].mtu = 1500;
    link("a:class", "inet", {false, true});
    EXPECT_EQ(refusal(), "");
    host_.all.established[0].traffic = 0x48;
    EXPECT_THAT(refusal(), HasSubstr("a:class"));
    host_.by[0].directions = {true, false};
    EXPECT_EQ(refusal(), "") << "nothing goes out by there";
    registry_.release();
}

TEST_F(GuardTest, packets_have_the_tags_and_addresses_of_their_way) {
    // Frames with a tag of VLAN 5, from 02:..:09.
    hook("a:tag", core::HeadType::kEthernet,
         {{0x28, 0, 0, 12},
          {0x15, 0, 5, 0x8100},
          {0x28, 0, 0, 14},
          {0x15, 0, 3, 5},
          {0x30, 0, 0, 11},
          {0x15, 0, 1, 9},
          {0x06, 0, 0, 1},
          {0x06, 0, 0, 0}});
    registry_.hold();
    link("a:tag", "eth0");
    EXPECT_EQ(refusal(), "");
    host_.by = {{.ifindex = 99}, {.ifindex = 7, .vlans = {5}, .remote = {2, 0, 0, 0, 0, 9}}};
    EXPECT_THAT(refusal(), HasSubstr("a:tag"));
    registry_.release();
}

TEST(Address, of_ipv4_in_the_form_of_ipv6_is_that_of_ipv4) {
    EXPECT_EQ(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    EXPECT_TRUE(address("127.0.0.2").is_loopback());
    EXPECT_TRUE(address("::1").is_loopback());
    EXPECT_FALSE(address("::2").is_loopback());
    EXPECT_FALSE(address("192.0.2.1").is_loopback());
    EXPECT_EQ(text_of(ssh(1, 22, false)), "TCP [2001:db8::1]:40000 to [2001:db8::2]:22");
}

} // namespace
} // namespace pfild::guard
