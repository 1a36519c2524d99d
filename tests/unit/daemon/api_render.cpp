// SPDX-License-Identifier: BSD-2-Clause
// The JSON of every view, letter by letter: it is what docs/control-protocol.md promises to programs.
#include "daemon/api/render.h"

#include <cerrno>

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
            .divert = {true, false}};
}

constexpr const char* kInterface =
    R"({"name":"eth0","ifindex":3,"mac":"02:00:00:00:00:01","mtu":1500,"rx_queues":2,"up":true,"mode":"tc",)"
    R"("unknown":"drop","state":"repairing","ports":{"p":"pfp3","q":"pfq3"},)"
    R"("heads":{"in":"tc ingress pref 1","out":"tc egress pref 1"},"divert":{"in":true,"out":false}})";
constexpr const char* kFrames = R"({"size":4096,"total":16384,"free":8000,"rings":8192,"in_flight":192})";
constexpr FramesView kFramesView{4096, 16384, 8000, 8192, 192};

TEST(Render, version) {
    EXPECT_EQ(to_json(VersionView{"0.1.0", "6.18.0", "default", 12}).dump(),
              R"({"version":"0.1.0","protocol":1,"kernel":"6.18.0","instance":"default","pid":12})");
}

TEST(Render, status_with_and_without_interfaces) {
    StatusView view{"default", "/proc/12/ns/net", 12, 3, "0.1.0", "6.18.0", {}, kFramesView, 67108864};
    const std::string beginning = R"({"instance":"default","netns":"/proc/12/ns/net","pid":12,"uptime_s":3,)"
                                  R"("version":"0.1.0","kernel":"6.18.0","interfaces":[)";
    const std::string end = std::string(R"(],"frames":)") + kFrames + R"(,"memory_bytes":67108864})";
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
                  .links = {{"inet6", core::Direction::in}, {"inet6", core::Direction::out}},
                  .counters = {{"seen_packets", 18446744073709551615U}, {"matched_packets", 0}}};
    EXPECT_EQ(to_json(view).dump(),
              R"({"name":"cbpf:a","type":"inet6","kind":"cbpf","on_match":"count","filter":"tcp dst port 23",)"
              R"("instructions":12,"links":[{"head":"inet6","direction":"in"},{"head":"inet6","direction":"out"}],)"
              R"("counters":{"seen_packets":18446744073709551615,"matched_packets":0}})");
    view.filter.reset();
    view.links.clear();
    view.counters.clear();
    EXPECT_EQ(to_json(view).dump(), R"({"name":"cbpf:a","type":"inet6","kind":"cbpf","on_match":"count",)"
                                    R"("filter":null,"instructions":12,"links":[],"counters":{}})");
}

TEST(Render, stats_keep_the_order_of_their_counters) {
    const StatsView view{{{"z", 1}, {"a", 2}}, kFramesView, {{"eth0", {{"seen", 3}}, {}}, {"br0", {}, {}}}};
    EXPECT_EQ(to_json(view).dump(),
              std::string(R"({"engine":{"z":1,"a":2},"frames":)") + kFrames +
                  R"(,"interfaces":{"eth0":{"in":{"seen":3},"out":{}},"br0":{"in":{},"out":{}}}})");
    EXPECT_EQ(to_json(StatsView{}).dump(),
              R"({"engine":{},"frames":{"size":0,"total":0,"free":0,"rings":0,"in_flight":0},"interfaces":{}})");
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
