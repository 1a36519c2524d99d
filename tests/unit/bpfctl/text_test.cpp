// SPDX-License-Identifier: BSD-2-Clause
// What a person sees, letter by letter: sample answers of docs/control-protocol.md and their texts.
#include <gtest/gtest.h>
#include <unistd.h>

#include "bpfctl/command_name.h"
#include "bpfctl/fields.h"
#include "bpfctl/text/counters.h"
#include "bpfctl/text/flows.h"
#include "bpfctl/text/heads.h"
#include "bpfctl/text/hooks.h"
#include "bpfctl/text/peers.h"
#include "bpfctl/text/status.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

std::string text_of(const Verb& verb, const Json& result, const Json& arguments = Json::object(), bool all = false) {
    Options options;
    options.all = all;
    return verb.text({arguments, result, options});
}

TEST(Units, are_those_people_use) {
    EXPECT_EQ(bytes(0), "0 B");
    EXPECT_EQ(bytes(1023), "1023 B");
    EXPECT_EQ(bytes(1024), "1 KiB");
    EXPECT_EQ(bytes(1536), "1.5 KiB");
    EXPECT_EQ(bytes((1U << 20) - 1), "1023.9 KiB");
    EXPECT_EQ(bytes(67'108'864), "64 MiB");
    EXPECT_EQ(bytes(UINT64_MAX), "15.9 EiB");
    EXPECT_EQ(duration(0), "0 s");
    EXPECT_EQ(duration(59), "59 s");
    EXPECT_EQ(duration(125), "2 min 5 s");
    EXPECT_EQ(duration(3725), "1 h 2 min");
    EXPECT_EQ(duration(183'600), "2 d 3 h");
    EXPECT_EQ(counted(1, "packet"), "1 packet");
    EXPECT_EQ(counted(0, "packet"), "0 packets");
}

TEST(Table, cells_are_cut_between_characters) {
    EXPECT_EQ(cut("host 192.0.2.1", 14), "host 192.0.2.1");
    EXPECT_EQ(cut("host 192.0.2.1 or host 192.0.2.2", 14), "host 192.0.2..");
    EXPECT_EQ(cut("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 4), "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f");
    EXPECT_EQ(cut("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9fx", 4), "\xc3\xa4\xc3\xb6..");
    EXPECT_EQ(cut("", 2), "");
}

TEST(Table, aligns_columns_to_their_content) {
    Table table({Align::kLeft, Align::kRight, Align::kLeft}, 1);
    table.add({"a", "1", "x"});
    table.add({"\xc3\xa4\xc3\xb6", "100", "", "surplus"});
    table.add({"long word"});
    EXPECT_EQ(table.str(), " a            1  x\n"
                           " \xc3\xa4\xc3\xb6         100\n"
                           " long word\n");
}

TEST(Fields, take_the_terminal_nothing_to_obey) {
    EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
    EXPECT_EQ(printable("\xc2\x9b\x31m"), "?1m");
    EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f \xc2\xa7"), "gr\xc3\xbc\xc3\x9f \xc2\xa7");
}

TEST(Heads, read_as_pfilctl_writes_them) {
    const Json heads = Json::parse(R"([
        {"name": "inet", "type": "inet", "dlt": "RAW", "dlt_number": 12, "directions": ["in", "out"],
         "in": ["cbpf:b", "cbpf:block-telnet"], "out": ["cbpf:block-telnet", "cbpf:b"], "covers": ["eth0", "eth1"]},
        {"name": "ethernet", "type": "ethernet", "dlt": "EN10MB", "dlt_number": 1, "directions": ["in", "out"],
         "in": [], "out": [], "covers": []}])");
    EXPECT_EQ(heads_text(heads), "Head      Type      DLT     Dir  Hook               Covers\n"
                                 "inet      inet      RAW                             eth0, eth1\n"
                                 "                            In   cbpf:b\n"
                                 "                            In   cbpf:block-telnet\n"
                                 "                            Out  cbpf:block-telnet\n"
                                 "                            Out  cbpf:b\n"
                                 "ethernet  ethernet  EN10MB                          nothing attached\n");
}

TEST(Hooks, show_what_they_do_and_where) {
    const Json result = Json::parse(R"({"count": 3, "hooks": [
        {"name": "cbpf:block-telnet", "type": "inet", "module": "cbpf", "on_match": "drop", "filter": "tcp dst port 23",
         "instructions": 19, "answers": "per flow", "because": null, "run": "auto",
         "runs": [{"interface": "x", "direction": "in", "where": "engine", "because": "no hook here wants every packet"}],
         "cost": {"engine_ns": 4.24, "kernel_ns": null},
         "links": [{"head": "inet", "direction": "in"}, {"head": "x", "direction": "in"},
                   {"head": "inet", "direction": "out"}],
         "counters": {"seen_packets": 123456, "seen_bytes": 9, "matched_packets": 12, "matched_bytes": 9,
                      "dropped_packets": 12}},
        {"name": "cbpf:b", "type": "ethernet", "module": "cbpf", "on_match": "count", "filter": null, "instructions": 1,
         "answers": "per flow", "because": "packets that match are counted one by one", "as_it_is": "tags", "run": "auto",
         "compiled": "unverified", "runs": [], "cost": {"engine_ns": null, "kernel_ns": null}, "links": [],
         "counters": {"seen_packets": 0, "seen_bytes": 0, "matched_packets": 0, "matched_bytes": 0,
                      "dropped_packets": 0}},
        {"name": "cbpf:near", "type": "inet", "module": "cbpf", "on_match": "drop", "filter": "ip[8] < 5",
         "instructions": 4, "answers": "per packet",
         "because": "instruction 3 reads byte 8 (time to live), which is not part of the flow", "run": "auto",
         "runs": [{"interface": "x", "direction": "in", "where": "kernel", "because": null},
                  {"interface": "y", "direction": "in", "where": "engine", "because": "it is behind cbpf:b"},
                  {"interface": "z", "direction": "in", "where": "engine", "because": "it is behind cbpf:b"}],
         "cost": {"engine_ns": 2.96, "kernel_ns": 11.5},
         "links": [{"head": "inet", "direction": "in"}],
         "counters": {"seen_packets": 7, "seen_bytes": 9, "matched_packets": 1, "matched_bytes": 9,
                      "dropped_packets": 1}}]})");
    EXPECT_EQ(text_of(kHooks, result),
              "Hook               Type      On match  Asked per       Runs in       Cost    Seen  Matched  Dropped  "
              "Linked to "
              "         Filter\n"
              "cbpf:block-telnet  inet      drop      flow            engine      4.2 ns  123456       12       12  "
              "inet in+ou"
              "t, x in  tcp dst port 23\n"
              "cbpf:b             ethernet  count     flow or packet  -                -       0        0        0  "
              "nowhere   "
              "         (bytecode, 1 instruction, unverified)\n"
              "cbpf:near          inet      drop      packet          both     3.0/12 ns       7        1        1  "
              "inet in   "
              "         ip[8] < 5\n"
              "\n"
              "cbpf:b is asked per flow or packet: packets that match are counted one by one\n"
              "cbpf:near is asked per packet: instruction 3 reads byte 8 (time to live), which is not part of the "
              "flow\n"
              "cbpf:b may ask for the tags of a packet: it is shown packets as they are, too\n"
              "cbpf:near runs in the engine (y in, z in): it is behind cbpf:b\n");
    EXPECT_EQ(text_of(kHooks, Json::parse(R"({"count": 0, "hooks": []})")),
              "There is no hook. Add one: bpfctl help hook add\n");
}

constexpr const char* kStatusSample = R"-({
    "instance": "default", "netns": "/proc/12/ns/net", "pid": 12, "uptime_s": 3, "version": "0.1.0", "kernel": "6.18.0", "started_from": "the files",
    "interfaces": [
        {"name": "eth0", "ifindex": 3, "mac": "02:00:00:00:00:01", "mtu": 1500, "rx_queues": 2, "up": true,
         "mode": "tc", "mode_because": "it is a virtual interface", "unknown": "drop", "silent": "pass", "state": "attached", "port_pair": {"p": "pfp3", "q": "pfq3"},
         "heads": {"in": "tc ingress pref 1", "out": "tc egress pref 1"}, "in_front": ["tcx ingress: other (7)"], "hooked": {"in": true, "out": false}},
        {"name": "eth1", "ifindex": 4, "mac": "02:00:00:00:00:02", "mtu": 9000, "rx_queues": 1, "up": false,
         "mode": "xdp", "queues_served": 1, "unknown": "pass", "silent": "closed", "state": "repairing", "port_pair": {"p": "pfp4", "q": "pfq4"},
         "heads": {"in": "xdp native, alone", "out": "tc egress pref 1"}, "hooked": {"in": false, "out": false}}],
    "buffers": {"size": 4096, "total": 16384, "free": 8192, "rings": 8190, "in_flight": 2},
    "flows": {"capacity": 65536, "memory_bytes": 24117248, "in_use": 12, "created": 40},
    "memory_bytes": 91226112})-";

TEST(Status, says_where_packets_go) {
    EXPECT_EQ(text_of(kStatus, Json::parse(kStatusSample)),
              "pfild 0.1.0, instance default, pid 12, up 3 s\n"
              "kernel 6.18.0, network namespace /proc/12/ns/net\n"
              "started from the files\n"
              "16384 buffers of 4 KiB: 8192 free, 8190 in rings, 2 in flight\n"
              "12 of 65536 flows known: the kernel answers for them by itself\n"
              "64 MiB of memory for packets, 23 MiB for flows\n"
              "\n"
              "eth0  up, index 3, 02:00:00:00:00:01, MTU 1500, 2 receive queues\n"
              "  state     attached\n"
              "  WARNING   a program is in front of the heads: tcx ingress: other (7)\n"
              "  incoming  filtered (tc ingress pref 1)\n"
              "  outgoing  passed in the kernel, no enabled hook is linked (tc egress pref 1)\n"
              "  unknown   drop: what only the engine could decide is dropped while it is not there\n"
              "  silent    pass: what only the engine could decide passes while it does not answer\n"
              "  WARNING   who floods the engine until it does not answer switches the rules off: silent is pass\n"
              "  mode      tc (auto: it is a virtual interface), port pair pfp3 and pfq3\n"
              "\n"
              "eth1  down, index 4, 02:00:00:00:00:02, MTU 9000, 1 receive queue\n"
              "  state     being repaired: its port pair or heads were changed by somebody else\n"
              "  incoming  passed in the kernel, no enabled hook is linked (xdp native, alone)\n"
              "  outgoing  passed in the kernel, no enabled hook is linked (tc egress pref 1)\n"
              "  unknown   pass: what only the engine could decide passes while it is not there\n"
              "  silent    closed: while the engine does not answer nothing passes but what keeps the link up\n"
              "  mode      xdp, serves 1 receive queue, port pair pfp4 and pfq4\n");
}

TEST(Status, without_interfaces_says_what_to_do) {
    Json status = Json::parse(kStatusSample);
    status["interfaces"] = Json::array();
    const std::string shown = text_of(kStatus, status);
    EXPECT_NE(shown.find("\nNo interface is attached. Attach one: bpfctl attach IFACE\n"), std::string::npos) << shown;
}

TEST(Status, without_a_flow_table_says_that_all_goes_through_the_engine) {
    Json status = Json::parse(kStatusSample);
    status["flows"] = Json{{"capacity", 0}, {"memory_bytes", 0}};
    status["memory_bytes"] = 67108864;
    const std::string shown = text_of(kStatus, status);
    EXPECT_NE(shown.find("\nno flows are known: every packet that a hook could see goes through the engine\n"
                         "64 MiB of memory for packets\n"),
              std::string::npos)
        << shown;
}

constexpr const char* kFlowsSample = R"([
    {"interface": "eth0", "family": "inet", "protocol": 6, "tags": [], "remote": "192.0.2.1", "remote_port": 443,
     "local": "198.51.100.7", "local_port": 51034, "in": {"answer": "pass", "packets": 1234567, "bytes": 1610612736},
     "out": {"answer": "pass", "packets": 800, "bytes": 65536}, "age_s": 12.5, "idle_s": 0.25, "limit_s": 300.0},
    {"interface": "eth0", "family": "inet6", "protocol": 17, "tags": [], "remote": "2001:db8::1", "remote_port": 53,
     "local": "2001:db8::7", "local_port": 40000, "in": {"answer": "ask", "packets": 0, "bytes": 0},
     "out": {"answer": "drop", "packets": 3, "bytes": 270}, "age_s": 9.0, "idle_s": 9.999, "limit_s": 60.0},
    {"interface": "if7", "family": "inet6", "protocol": 58, "tags": [], "remote": "fe80::1", "remote_port": null,
     "local": "fe80::2", "local_port": null, "in": {"answer": "pass", "packets": 1, "bytes": 100},
     "out": {"answer": "pass", "packets": 1, "bytes": 100}, "age_s": 1.0, "idle_s": 1, "limit_s": 60.0}])";

TEST(Flows, show_both_ends_and_what_the_kernel_does) {
    EXPECT_EQ(flows_text(Json::parse(kFlowsSample)),
              "Interface  Protocol  Remote            Local                In    Packets    Bytes  Out   Packets   "
              "Bytes        Idle\n"
              "eth0       tcp       192.0.2.1:443     198.51.100.7:51034   pass  1234567  1.5 GiB  pass      800  "
              "64 KiB  0 of 300 s\n"
              "eth0       udp       [2001:db8::1]:53  [2001:db8::7]:40000  ask         0      0 B  drop        3   "
              "270 B   9 of 60 s\n"
              "if7        icmp6     fe80::1           fe80::2              pass        1    100 B  pass        1   "
              "100 B   1 of 60 s\n");
}

TEST(Flows, show_vlans_outermost_first_if_there_are_any) {
    Json flows = Json::parse(kFlowsSample);
    flows[1]["tags"] = Json::parse(R"([{"type": "802.1ad", "vlan": 100, "priority": 0, "drop_eligible": false},
                                       {"type": "802.1Q", "vlan": 5, "priority": 3, "drop_eligible": false}])");
    flows[2]["tags"] = Json::parse(R"([{"type": "802.1Q", "vlan": 7, "priority": 0, "drop_eligible": false}])");
    flows[2]["protocol"] = 47;
    EXPECT_EQ(
        flows_text(flows),
        "Interface  Protocol  Remote            Local                VLAN                      In    Packets    "
        "Bytes  Out   Packets   Bytes        Idle\n"
        "eth0       tcp       192.0.2.1:443     198.51.100.7:51034                             pass  1234567  "
        "1.5 GiB  pass      800  64 KiB  0 of 300 s\n"
        "eth0       udp       [2001:db8::1]:53  [2001:db8::7]:40000  802.1ad 100 5 priority 3  ask         0      "
        "0 B  drop        3   270 B   9 of 60 s\n"
        "if7        47        fe80::1           fe80::2              7                         pass        1    "
        "100 B  pass        1   100 B   1 of 60 s\n");
}

TEST(Flows, say_how_many_there_are) {
    const Json flows = Json::parse(kFlowsSample);
    const std::string table = flows_text(flows);
    EXPECT_EQ(text_of(kFlows, Json{{"count", 3}, {"flows", flows}}), table + "\n3 flows\n");
    EXPECT_EQ(text_of(kFlows, Json{{"count", 812}, {"flows", flows}}), table + "\n3 of 812 flows\n");
    EXPECT_EQ(text_of(kFlows, Json{{"count", 1}, {"flows", Json::array()}}), "None of 1 flow matches.\n");
    EXPECT_EQ(text_of(kFlows, Json{{"count", 0}, {"flows", Json::array()}}),
              "No flow is known. They are learnt from packets that hooks have decided: bpfctl help flows\n");
    EXPECT_EQ(text_of(kFlowsFlush, Json{{"forgotten", 1}}), "1 flow forgotten\n");
    EXPECT_EQ(text_of(kFlowsFlush, Json{{"forgotten", 65536}}), "65536 flows forgotten\n");
}

TEST(HookShow, lists_the_program_and_survives_rows_that_are_none) {
    const Json hook = Json::parse(R"({"name": "cbpf:a", "type": "inet", "on_match": "drop", "answers": "per flow",
        "program": [[48, 0, 0, 9], [6, 0, 0, 65535], "nonsense", [1]]})");
    const std::string shown = text_of(kHookShow, hook);
    EXPECT_NE(shown.find("\n4 instructions\n(000) ldb      [9]\n(001) ret      #65535\n(002) "), std::string::npos)
        << shown;
}

TEST(Frames, that_do_not_add_up_are_a_warning) {
    EXPECT_EQ(buffers_text(Json::parse(R"({"size": 4096, "total": 10, "free": 4, "rings": 4, "in_flight": 1})")),
              "10 buffers of 4 KiB: 4 free, 4 in rings, 1 in flight\n"
              "WARNING: these are 9, not 10: buffers leak, please report it\n");
}

TEST(Stats, hide_zeros_unless_all_are_wanted) {
    const Json stats = Json::parse(R"({"engine": {"received": 1234, "received_bytes": 2097152, "lost": 0},
        "flows": {"capacity": 65536, "memory_bytes": 24117248, "in_use": 12, "created": 40, "expired": 20, "removed": 8,
                  "refused": 0},
        "buffers": {"size": 2048, "total": 1, "free": 1, "rings": 0, "in_flight": 0},
        "interfaces": {"eth0": {"in": {"diverted": 5, "passed_known": 900, "dropped_stray": 0}, "out": {"diverted": 0}}}})");
    EXPECT_EQ(text_of(kStats, stats), "engine\n"
                                      "  received           1234\n"
                                      "  received_bytes  2097152  2 MiB\n"
                                      "\n"
                                      "flows\n"
                                      "  capacity         65536  flows that the kernel can know\n"
                                      "  memory_bytes  24117248  23 MiB\n"
                                      "  in_use              12  flows that it knows now\n"
                                      "  created             40  flows it was told of\n"
                                      "  expired             20  flows forgotten: idle for too long\n"
                                      "  removed              8  flows forgotten: on request, or with their interface\n"
                                      "\n"
                                      "buffers\n"
                                      "  1 buffer of 2 KiB: 1 free, 0 in rings, 0 in flight\n"
                                      "\n"
                                      "eth0, incoming\n"
                                      "  diverted        5  sent to the engine\n"
                                      "  passed_known  900  passed in the kernel: the flow is known\n"
                                      "\n"
                                      "eth0, outgoing\n"
                                      "  nothing counted\n");
    EXPECT_EQ(text_of(kStats, stats, Json::object(), true),
              "engine\n"
              "  received           1234\n"
              "  received_bytes  2097152  2 MiB\n"
              "  lost                  0\n"
              "\n"
              "flows\n"
              "  capacity         65536  flows that the kernel can know\n"
              "  memory_bytes  24117248  23 MiB\n"
              "  in_use              12  flows that it knows now\n"
              "  created             40  flows it was told of\n"
              "  expired             20  flows forgotten: idle for too long\n"
              "  removed              8  flows forgotten: on request, or with their interface\n"
              "  refused              0  packets whose flow found no room\n"
              "\n"
              "buffers\n"
              "  1 buffer of 2 KiB: 1 free, 0 in rings, 0 in flight\n"
              "\n"
              "eth0, incoming\n"
              "  diverted         5  sent to the engine\n"
              "  passed_known   900  passed in the kernel: the flow is known\n"
              "  dropped_stray    0  dropped on the port pair: it did not come from a head\n"
              "\n"
              "eth0, outgoing\n"
              "  diverted  0  sent to the engine\n");
    EXPECT_EQ(text_of(kStats, stats, Json{{"interface", "eth0"}}),
              "eth0, incoming\n"
              "  diverted        5  sent to the engine\n"
              "  passed_known  900  passed in the kernel: the flow is known\n"
              "\n"
              "eth0, outgoing\n"
              "  nothing counted\n");
}

TEST(Peers, are_a_table_as_netstat_has_it) {
    const Json devices = Json::parse(R"([
        {"number": 0, "pid": 123, "uid": 0, "interface": "eth0", "state": "attached", "buffer_size": 32768,
         "promiscuous": true, "immediate": true, "header_complete": false, "nonblocking": false,
         "directions": ["in", "out"], "waits": true, "received": 1234, "captured": 12, "dropped": 0, "buffered": 3},
        {"number": 1, "pid": 4, "interface": "eth1", "state": "orphaned", "directions": ["in"], "header_complete": true,
         "nonblocking": true, "received": 1, "captured": 1, "dropped": 1, "buffered": 0},
        {"number": 2, "pid": 5, "interface": "", "state": "unattached", "directions": [],
         "received": 0, "captured": 0, "dropped": 0, "buffered": 0}])");
    EXPECT_EQ(peers_text(devices, [](std::uint64_t pid) { return "p" + std::to_string(pid); }),
              "Pid  Interface    Sees     Flags  Received  Captured  Dropped  Buffered  Command\n"
              "123  eth0         in, out  pi--w      1234        12        0         3  p123\n"
              "  4  eth1 (gone)  in       --hn-         1         1        1         0  p4\n"
              "  5  -            -        -----         0         0        0         0  p5\n");
    EXPECT_EQ(text_of(kPeers, Json{{"count", 0}, {"devices", Json::array()}}),
              "No bpf device is open. Open one: bpfctl capture IFACE\n");
    EXPECT_NE(command_name(static_cast<std::uint64_t>(getpid())), "?");
    EXPECT_EQ(command_name(0), "?");
}

TEST(Changes, say_what_is_now) {
    EXPECT_EQ(text_of(kDetach, Json::object(), Json{{"interface", "eth0"}}),
              "eth0: detached, no hook and no capture sees its packets any more\n");
    EXPECT_EQ(text_of(kHookDelete, Json::object(), Json{{"name", "cbpf:a"}}), "cbpf:a: deleted\n");
    const Json hook{{"name", "cbpf:a"}, {"type", "inet6"}, {"on_match", "pass"}, {"instructions", 12}};
    EXPECT_EQ(text_of(kHookAdd, hook), "cbpf:a: 12 instructions, packets that match go on, all others are dropped\n"
                                       "It filters nothing until it is linked: bpfctl link -i cbpf:a inet6\n");
    EXPECT_EQ(on_match_text("count"), "all packets go on, those that match are counted");
    EXPECT_EQ(on_match_text("drop"), "packets that match are dropped, the others go on");
    const Json version{{"version", "0.2.0"}, {"protocol", 2}, {"kernel", "6.18.0"}, {"instance", "lab"}, {"pid", 12}};
    EXPECT_EQ(text_of(kVersion, version),
              "bpfctl " PFILD_VERSION "\npfild  0.2.0, protocol 2, instance lab, pid 12, kernel 6.18.0\n");
}

} // namespace
} // namespace pfild::bpfctl
