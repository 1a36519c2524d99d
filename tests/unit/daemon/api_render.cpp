// SPDX-License-Identifier: BSD-2-Clause
// The JSON of every view, letter by letter: it is what docs/control-protocol.md promises to programs.
#include "daemon/api/render.h"

#include <cerrno>
#include <initializer_list>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace pfild::api {
namespace {

InterfaceView an_interface() {
    return {.name = "eth0",
            .ifindex = 3,
            .mac = "02:00:00:00:00:01",
            .mtu = 1500,
            .rx_queues = 2,
            .up = true,
            .mode = "tc",
            .unknown = core::UnknownPackets::drop,
            .state = InterfaceView::State::kRepairing,
            .port_p = "pfp3",
            .port_q = "pfq3",
            .head_in = "tc ingress pref 1",
            .head_out = "tc egress pref 1",
            .in_front = {"tcx ingress: other (7)"},
            .divert = {true, false}};
}

constexpr const char* kInterface =
    R"({"name":"eth0","ifindex":3,"mac":"02:00:00:00:00:01","mtu":1500,"rx_queues":2,"up":true,"mode":"tc",)"
    R"("mode_wanted":"auto","mode_because":"","queues_served":0,"turned_off":[],)"
    R"("unknown":"drop","state":"repairing","ports":{"p":"pfp3","q":"pfq3"},)"
    R"("heads":{"in":"tc ingress pref 1","out":"tc egress pref 1"},"position":"anywhere",)"
    R"-("in_front":["tcx ingress: other (7)"],"divert":{"in":true,"out":false}})-";
constexpr const char* kFrames = R"({"size":4096,"total":16384,"free":8000,"rings":8192,"in_flight":192})";
constexpr FramesView kFramesView{4096, 16384, 8000, 8192, 192};
const FlowTableView kFlowTableView{65536, 24117248, {{"in_use", 12}, {"created", 40}}};
constexpr const char* kFlowTable = R"({"capacity":65536,"memory_bytes":24117248,"in_use":12,"created":40})";
constexpr const char* kNoFlowTable = R"({"capacity":0,"memory_bytes":0})";

TEST(Render, version) {
    EXPECT_EQ(to_json(VersionView{"0.1.0", "6.18.0", "default", 12}).dump(),
              R"({"version":"0.1.0","protocol":1,"kernel":"6.18.0","instance":"default","pid":12})");
}

TEST(Render, status_with_and_without_interfaces) {
    StatusView view{"default", "/proc/12/ns/net", 12, 3, "0.1.0", "6.18.0", {}, kFramesView, kFlowTableView, 91226112};
    const std::string beginning = R"({"instance":"default","netns":"/proc/12/ns/net","pid":12,"uptime_s":3,)"
                                  R"("version":"0.1.0","kernel":"6.18.0","interfaces":[)";
    const std::string end =
        std::string(R"(],"frames":)") + kFrames + R"(,"flows":)" + kFlowTable + R"(,"memory_bytes":91226112})";
    EXPECT_EQ(to_json(view).dump(), beginning + end);
    view.interfaces = {an_interface(), an_interface()};
    EXPECT_EQ(to_json(view).dump(), beginning + kInterface + "," + kInterface + end);
}

TEST(Render, head) {
    const HeadView view{.name = "inet",
                        .type = core::HeadType::inet,
                        .dlt = "RAW",
                        .dlt_number = 12,
                        .directions = {true, true},
                        .in = {"cbpf:b", "cbpf:a"},
                        .out = {"cbpf:a", "cbpf:b"},
                        .covers = {"eth0"}};
    EXPECT_EQ(to_json(view).dump(), R"({"name":"inet","type":"inet","dlt":"RAW","dlt_number":12,)"
                                    R"("directions":["in","out"],"in":["cbpf:b","cbpf:a"],)"
                                    R"("out":["cbpf:a","cbpf:b"],"covers":["eth0"]})");
    EXPECT_EQ(to_json(HeadView{.name = "x", .type = core::HeadType::ethernet, .directions = {false, true}}).dump(),
              R"({"name":"x","type":"ethernet","dlt":"","dlt_number":0,"directions":["out"],"in":[],"out":[],)"
              R"("covers":[]})");
}

TEST(Render, hook_with_and_without_filter_text) {
    HookView view{.name = "cbpf:a",
                  .type = core::HeadType::inet6,
                  .kind = "cbpf",
                  .on_match = core::OnMatch::count,
                  .filter = "tcp dst port 23",
                  .instructions = 12,
                  .answers = "per packet",
                  .because = "instruction 3 reads byte 8",
                  .as_it_is = "tags",
                  .run = core::RunsIn::kernel,
                  .compiled = core::Compiled::reduced,
                  .runs = {{"eth0", core::Direction::in, std::nullopt}, {"eth1", core::Direction::out, "why"}},
                  .links = {{"inet6", core::Direction::in}, {"inet6", core::Direction::out}},
                  .counters = {{"seen_packets", 18446744073709551615U}, {"matched_packets", 0}}};
    EXPECT_EQ(to_json(view).dump(),
              R"({"name":"cbpf:a","type":"inet6","kind":"cbpf","on_match":"count","filter":"tcp dst port 23",)"
              R"("instructions":12,"answers":"per packet","because":"instruction 3 reads byte 8",)"
              R"("as_it_is":"tags","run":"kernel","compiled":"reduced",)"
              R"("runs":[{"interface":"eth0","direction":"in","where":"kernel","because":null},)"
              R"({"interface":"eth1","direction":"out","where":"engine","because":"why"}],)"
              R"("links":[{"head":"inet6","direction":"in"},{"head":"inet6","direction":"out"}],)"
              R"("counters":{"seen_packets":18446744073709551615,"matched_packets":0}})");
    view.filter.reset();
    view.answers = "per flow";
    view.because.reset();
    view.as_it_is.reset();
    view.run = core::RunsIn::automatic;
    view.compiled = core::Compiled::unverified;
    view.runs.clear();
    view.links.clear();
    view.counters.clear();
    EXPECT_EQ(to_json(view).dump(),
              R"({"name":"cbpf:a","type":"inet6","kind":"cbpf","on_match":"count",)"
              R"("filter":null,"instructions":12,"answers":"per flow","because":null,)"
              R"("as_it_is":null,"run":"auto","compiled":"unverified","runs":[],"links":[],"counters":{}})");
}

TEST(Render, stats_keep_the_order_of_their_counters) {
    const StatsView view{
        {{"z", 1}, {"a", 2}}, kFlowTableView, kFramesView, {{"eth0", {{"seen", 3}}, {}}, {"br0", {}, {}}}};
    EXPECT_EQ(to_json(view).dump(),
              std::string(R"({"engine":{"z":1,"a":2},"flows":)") + kFlowTable + R"(,"frames":)" + kFrames +
                  R"(,"interfaces":{"eth0":{"in":{"seen":3},"out":{}},"br0":{"in":{},"out":{}}}})");
    EXPECT_EQ(to_json(StatsView{}).dump(),
              std::string(R"({"engine":{},"flows":)") + kNoFlowTable +
                  R"(,"frames":{"size":0,"total":0,"free":0,"rings":0,"in_flight":0},"interfaces":{}})");
}

struct Ends {
    const char* remote;
    const char* local;
};

core::FlowKey a_key(std::uint8_t family, std::uint8_t protocol, Ends ends,
                    std::initializer_list<pfild_flow_tag> innermost_first = {}) {
    core::FlowKey key{.family = family, .protocol = protocol};
    const int kind = family == 4 ? AF_INET : AF_INET6;
    EXPECT_EQ(inet_pton(kind, ends.remote, key.remote), 1);
    EXPECT_EQ(inet_pton(kind, ends.local, key.local), 1);
    for (const pfild_flow_tag& tag : innermost_first) {
        key.tag[key.tags++] = tag;
    }
    return key;
}

TEST(Render, flow_with_ports) {
    FlowView view{.key = a_key(4, 6, {"192.0.2.1", "198.51.100.7"}),
                  .interface = "eth0",
                  .in = {PFILD_FLOW_PASS, 120, 18446744073709551615U},
                  .out = {PFILD_FLOW_DROP, 1, 60},
                  .age_s = 12.3456,
                  .idle_s = 0,
                  .limit_s = 300};
    view.key.remote_port = htons(443);
    view.key.local_port = htons(51034);
    EXPECT_EQ(to_json(view).dump(),
              R"({"interface":"eth0","family":"inet","protocol":6,"tags":[],"remote":"192.0.2.1","remote_port":443,)"
              R"("local":"198.51.100.7","local_port":51034,)"
              R"("in":{"answer":"pass","packets":120,"bytes":18446744073709551615},)"
              R"("out":{"answer":"drop","packets":1,"bytes":60},"age_s":12.346,"idle_s":0.0,"limit_s":300.0})");
}

TEST(Render, flow_without_ports_inside_two_tags_outermost_first) {
    const pfild_flow_tag inner{htons(0x8100), htons(0x7005)}; // priority 3, drop eligible, VLAN 5
    const pfild_flow_tag outer{htons(0x88a8), htons(0x0fff)};
    const FlowView view{.key = a_key(6, 58, {"2001:db8::1", "fe80::2"}, {inner, outer}), .interface = "if7"};
    EXPECT_EQ(to_json(view).dump(),
              R"({"interface":"if7","family":"inet6","protocol":58,)"
              R"("tags":[{"type":"802.1ad","vlan":4095,"priority":0,"drop_eligible":false},)"
              R"({"type":"802.1Q","vlan":5,"priority":3,"drop_eligible":true}],)"
              R"("remote":"2001:db8::1","remote_port":null,"local":"fe80::2","local_port":null,)"
              R"("in":{"answer":"ask","packets":0,"bytes":0},"out":{"answer":"ask","packets":0,"bytes":0},)"
              R"("age_s":0.0,"idle_s":0.0,"limit_s":0.0})");
}

TEST(Render, flow_whose_answer_no_head_understands_is_asked_about) {
    FlowView view;
    view.out.answer = static_cast<pfild_flow_answer>(3);
    EXPECT_EQ(to_json(view)["out"]["answer"], "ask");
}

TEST(Render, flows_say_where_to_go_on) {
    EXPECT_EQ(to_json(FlowsView{}).dump(), R"({"flows":[],"next":null})");
    const auto part = to_json(FlowsView{{FlowView{}, FlowView{}}, 64});
    EXPECT_EQ(part["flows"].size(), 2U);
    EXPECT_EQ(part["next"], 64);
}

TEST(Render, peers_with_all_that_is_known_of_a_device_and_the_totals) {
    PeersView view;
    EXPECT_EQ(to_json(view).dump(), R"({"count":0,"devices":[],"totals":{"received":0,"captured":0,"filtered":0,)"
                                    R"("delivered":0,"dropped":0,"lost":0,"flushed":0}})");
    view.totals = {
        .received = 28, .captured = 20, .filtered = 8, .delivered = 9, .dropped = 5, .lost = 2, .flushed = 6};
    view.devices.push_back({.number = 3,
                            .opener = {.uid = 1000, .pid = 123},
                            .interface = "eth0",
                            .state = capture::DeviceState::attached,
                            .buffer_size = 32768,
                            .promiscuous = true,
                            .waits = true,
                            .directions = {true, false},
                            .settings = {.immediate = true},
                            .stats = {.received = 7, .captured = 6, .filtered = 1, .delivered = 2, .dropped = 1},
                            .buffered = 3});
    const auto json = to_json(view);
    EXPECT_EQ(json["count"], 1);
    EXPECT_EQ(json["devices"][0].dump(),
              R"({"number":3,"pid":123,"uid":1000,"interface":"eth0","state":"attached","buffer_size":32768,)"
              R"("promiscuous":true,"immediate":true,"header_complete":false,"nonblocking":false,"directions":["in"],)"
              R"("waits":true,"received":7,"captured":6,"filtered":1,"delivered":2,"dropped":1,"lost":0,"flushed":0,)"
              R"("buffered":3})");
    EXPECT_EQ(json["totals"].dump(), R"({"received":28,"captured":20,"filtered":8,"delivered":9,"dropped":5,"lost":2,)"
                                     R"("flushed":6})");
    view.devices[0].interface.clear();
    view.devices[0].state = capture::DeviceState::orphaned;
    EXPECT_EQ(to_json(view)["devices"][0]["state"], "orphaned");
}

TEST(Render, errors_carry_the_symbolic_name_of_their_number) {
    EXPECT_EQ(failure_line(7, {"attach", "lo", "no MAC header", "", EOPNOTSUPP}),
              R"({"id":7,"ok":false,"error":{"errno":"EOPNOTSUPP","what":"attach","object":"lo",)"
              R"("why":"no MAC header","advice":""}})"
              "\n");
    EXPECT_EQ(to_json(core::Error{"a", "", "b", "", 9999})["errno"], "E9999");
}

TEST(Render, bytes_that_are_no_UTF8_and_newlines_stay_inside_the_line) {
    const std::string line = failure_line(0, {"open", "a\nb", "\xff", "", EIO});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto parsed = nlohmann::json::parse(line);
    EXPECT_EQ(parsed["error"]["object"], "a\nb");
    EXPECT_EQ(parsed["error"]["why"], "\xef\xbf\xbd");
}

} // namespace
} // namespace pfild::api
