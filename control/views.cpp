// SPDX-License-Identifier: BSD-2-Clause
// The objects of answers, described. The order of fields is the order of the protocol.
#include "control/views.h"

#include "describe/terms.h"

// The smaller objects, which only larger ones hold.
namespace pfild::describe {

namespace {

constexpr std::size_t kMany = 65536; ///< of a list that only the daemon's own limits bound

} // namespace

static void describe(Fields& fields, core::HookLink& link) {
    fields.called("hook_link", "Where a hook is linked.");
    fields.required("head", link.head, head_name(), "The head.");
    fields.required("direction", link.direction, word(core::kDirectionNames), "Of the packets.");
}

} // namespace pfild::describe

namespace pfild::control {

using namespace describe;

namespace {

/// A line for people; nobody parses it.
constexpr TextKind sentence() { return text(4096); }
constexpr auto counters() { return table(name(63), whole()); }
constexpr auto names() { return list(name(127), kMany); }

} // namespace

static void describe(Fields& fields, PortPairView& view) {
    fields.called("port_pair", "The visible ends of the port pair beside an interface.");
    fields.required("p", view.p, text(15), "For packets that come in.");
    fields.required("q", view.q, text(15), "For packets that go out.");
}

static void describe(Fields& fields, HeadPlacesView& view) {
    fields.called("head_places", "Where the heads of an interface sit.");
    fields.required("in", view.in, sentence(), "`tc ingress pref 1`.");
    fields.required("out", view.out, sentence(), "`tc egress pref 1`.");
}

static void describe(Fields& fields, HookedView& view) {
    fields.called("hooked", "Whether a hook is linked; where none is, packets pass in the kernel.");
    fields.required("in", view.in, flag(), "For incoming packets.");
    fields.required("out", view.out, flag(), "For outgoing packets.");
}

static void describe(Fields& fields, BuffersView& view) {
    fields.called("buffers", "The memory of packets: total = free + rings + in_flight.");
    fields.required("size", view.size, whole("bytes"), "Of one buffer.");
    fields.required("total", view.total, whole(), "All of them.");
    fields.required("free", view.free, whole(), "That nobody holds.");
    fields.required("rings", view.rings, whole(), "Offered to the kernel.");
    fields.required("in_flight", view.in_flight, whole(), "With packets in them.");
}

void describe(Fields& fields, FlowTableView& view) {
    fields.called("flow_table", "The known flows as a whole; all 0: there is no table.");
    fields.required("capacity", view.capacity, whole(), "Flows that the kernel can know.");
    fields.required("memory_bytes", view.memory_bytes, whole("bytes"), "Of the table.");
    fields.required("in_use", view.in_use, whole(), "Flows that it knows now.");
    fields.required("created", view.created, whole(), "Flows that it was told of.");
    fields.required("expired", view.expired, whole(), "Flows forgotten: idle for too long.");
    fields.required("removed", view.removed, whole(), "Flows forgotten: on request, or with their interface.");
    fields.required("refused", view.refused, whole(), "Packets whose flow found no room.");
}

static void describe(Fields& fields, TagView& view) {
    fields.called("tag", "A VLAN tag.");
    fields.required("type", view.type, word(kTagTypeWords), "Which one.");
    fields.required("vlan", view.vlan, whole(0, 4095), "Its VLAN.");
    fields.required("priority", view.priority, whole(0, 7), "Its priority.");
    fields.required("drop_eligible", view.drop_eligible, flag(), "Whether the packet may be dropped first.");
}

static void describe(Fields& fields, FlowLaneView& view) {
    fields.called("flow_lane", "One direction of a flow.");
    fields.required("answer", view.answer, word(kFlowAnswerWords),
                    "What the kernel does, by the rules in force, once no packet is on its way through userspace.");
    fields.required("packets", view.packets, whole("packets"), "Answered in the kernel.");
    fields.required("bytes", view.bytes, whole("bytes"), "Of those, with the Ethernet header.");
}

static void describe(Fields& fields, HookRunView& view) {
    fields.called("hook_run", "Where a hook runs for the packets of one interface and direction.");
    fields.required("interface", view.interface, interface_name(), "The interface.");
    fields.required("direction", view.direction, word(core::kDirectionNames), "The direction.");
    fields.required("where", view.where, word(core::kRunsInNames), "`kernel` or `engine`.");
    fields.required("because", view.because, sentence(), "Why it is the engine.");
}

static void describe(Fields& fields, LaneCountersView& view) {
    fields.called("lane_counters", "The counters of an interface.");
    fields.required("in", view.in, counters(), "Of incoming packets.");
    fields.required("out", view.out, counters(), "Of outgoing packets.");
}

void describe(Fields& fields, Done& /*view*/) { fields.called("done", "Nothing more to say."); }

void describe(Fields& fields, VersionView& view) {
    fields.called("version", "Who answers.");
    fields.required("version", view.version, text(63), "Of pfild.");
    fields.required("protocol", view.protocol, whole(), "That the daemon speaks.");
    fields.required("kernel", view.kernel, text(), "Its release.");
    fields.required("instance", view.instance, text(63), "The instance's name.");
    fields.required("pid", view.pid, whole(), "Of the daemon.");
}

void describe(Fields& fields, InterfaceView& view) {
    fields.called("interface", "An attached interface.");
    fields.required("name", view.name, interface_name(), "Its present name.");
    fields.required("ifindex", view.ifindex, whole(), "Its number.");
    fields.required("mac", view.mac, text(63), "Its address.");
    fields.required("mtu", view.mtu, whole("bytes"), "The longest packet.");
    fields.required("rx_queues", view.rx_queues, whole(), "Its receive queues.");
    fields.required("up", view.up, flag(), "Whether it is up.");
    fields.required("mode", view.mode, text(15), "Where incoming packets are decided: `tc`, `xdp` or `tap`.");
    fields.required("mode_wanted", view.mode_wanted, word(core::kHeadModeNames), "What was asked for.");
    fields.required("mode_because", view.mode_because, sentence(), "Why it is not XDP; may be empty.");
    fields.required("queues_served", view.queues_served, whole(), "XDP: receive queues with a socket.");
    fields.required("turned_off", view.turned_off, names(), "XDP: offloads that are off for it.");
    fields.required("unknown", view.unknown, word(core::kFailModeNames),
                    "What becomes of packets that only the engine could decide, when it is not there.");
    fields.required("silent", view.silent, word(core::kFailModeNames),
                    "The same when it is there and does not answer.");
    fields.required("state", view.state, word(kStateWords), "Whether something of it is being made anew.");
    fields.required("port_pair", view.port_pair, object(), "Its port pair.");
    fields.required("heads", view.heads, object(), "Where its heads sit.");
    fields.required("position", view.position, word(core::kHeadPositionNames), "Whether the heads go in front again.");
    fields.required("in_front", view.in_front, list(sentence(), kMany), "Programs that packets meet before ours.");
    fields.required("hooked", view.hooked, object(), "Whether a hook is linked.");
    fields.required("altnames", view.altnames, names(), "Its alternative names.");
    fields.required("wanted_by", view.wanted_by, text(127), "The name or pattern by which it is wanted.");
}

void describe(Fields& fields, GrantView& view) {
    fields.called("grant", "A user who may use some verbs, as a `[[peer]]` of the files says.");
    fields.required("user", view.user, text(255), "As the files call him.");
    fields.required("uid", view.uid, whole(), "His number.");
    fields.required("verbs", view.verbs, names(), "That he may use, besides those of the group pfild if he is in it.");
}

void describe(Fields& fields, StatusView& view) {
    fields.called("status", "What is attached, and how pfild is.");
    fields.required("instance", view.instance, text(63), "The instance's name.");
    fields.required("netns", view.netns, text(), "Its network namespace: `/proc/12/ns/net`.");
    fields.required("pid", view.pid, whole(), "Of the daemon.");
    fields.required("uptime_s", view.uptime_s, whole("s"), "Since the daemon started.");
    fields.required("version", view.version, text(63), "Of pfild.");
    fields.required("kernel", view.kernel, text(), "Its release.");
    fields.required("interfaces", view.interfaces, list(object(), kMany), "All that are attached.");
    fields.required("buffers", view.buffers, object(), "The memory of packets.");
    fields.required("flows", view.flows, object(), "The known flows.");
    fields.required("memory_bytes", view.memory_bytes, whole("bytes"),
                    "Buffers, the ring of captures and flows together.");
    fields.required("waited_for", view.waited_for, names(), "Interfaces that are wanted, and not guarded yet.");
    fields.required("patterns", view.patterns, names(), "Patterns by which interfaces are wanted.");
    fields.required("left_alone", view.left_alone, names(),
                    "Interfaces that are not guarded, whatever pattern means them.");
    fields.required("panic", view.panic, flag(), "All packets of attached interfaces are dropped.");
    fields.required("started_from", view.started_from, text(),
                    "The model that the daemon began with: configuration.md has the table.");
    fields.required("files", view.files, text(64), "Digest of the files whose items are in force.");
    fields.required("model", view.model, text(64), "Digest of the model in force.");
    fields.required("granted", view.granted, list(object(), kMany), "Users who may use some verbs.");
    fields.optional("confirm_within_s", view.confirm_within_s, whole("s"),
                    "Unless it is confirmed within this time, the model before is in force again.");
}

void describe(Fields& fields, HeadView& view) {
    fields.called("head", "A point of filtering.");
    fields.required("name", view.name, head_name(), "`inet`, `inet6`, `ethernet` or an interface.");
    fields.required("type", view.type, word(core::kHeadTypeNames), "What hooks are shown there.");
    fields.required("dlt", view.dlt, text(63), "The link type of their programs, without DLT_.");
    fields.required("dlt_number", view.dlt_number, whole(), "The same as a number.");
    fields.required("directions", view.directions, directions(), "In which it filters at all.");
    fields.required("in", view.in, names(), "Hooks for incoming packets, in run order (PF-20).");
    fields.required("out", view.out, names(), "Hooks for outgoing packets, in run order.");
    fields.required("covers", view.covers, names(), "Attached interfaces whose packets pass here.");
}

void describe(Fields& fields, HeadList& view) {
    fields.called("heads", "The heads.");
    fields.required("count", view.count, whole(), "How many there are, whatever was asked for.");
    fields.required("heads", view.heads, list(object(), kMany), "As many as were asked for.");
}

void describe(Fields& fields, HookCostView& view) {
    fields.called("hook_cost", "What it costs to ask a hook about a packet, once measured.");
    fields.required("engine_ns", view.engine_ns, decimal("ns"), "In the engine; null: not measured yet.");
    fields.required("kernel_ns", view.kernel_ns, decimal("ns"),
                    "In the kernel; null: it runs there nowhere, or not measured yet.");
}

void describe(Fields& fields, HookView& view) {
    fields.called("hook", "A named filter.");
    fields.required("name", view.name, hook_name(), "`MODULE:NAME`.");
    fields.required("module", view.module, text(63), "Who implements it.");
    fields.required("type", view.type, word(core::kHeadTypeNames), "Which packets it is shown.");
    fields.required("on_match", view.on_match, word(core::kOnMatchNames), "What becomes of packets that match.");
    fields.required("filter", view.filter, text(), "The expression that its program came from.");
    fields.required("instructions", view.instructions, whole(), "Of its program.");
    fields.required("answers", view.answers, text(63), "`per flow` or `per packet`: what an answer holds for.");
    fields.required("because", view.because, sentence(), "Why not for all packets of a flow, or not for every flow.");
    fields.required("as_it_is", view.as_it_is, text(63), "What its program asks for that is otherwise looked through.");
    fields.required("run", view.run, word(core::kRunsInNames), "Where it shall run.");
    fields.required("neighbours", view.neighbours, word(core::kNeighboursNames),
                    "What it shall be asked of that which keeps the link up.");
    fields.required("asked_about", view.asked_about, list(text(63), kMany), "What it is asked of that.");
    fields.required("forced", view.forced, flag(), "Whether it can match no packet of its type.");
    fields.required("compiled", view.compiled, word(core::kCompiledNames), "How its program came from the expression.");
    fields.required("enabled", view.enabled, flag(), "Whether packets meet it; a disabled one keeps its links.");
    fields.required("runs", view.runs, list(object(), kMany), "Where it runs.");
    fields.required("cost", view.cost, object(), "What it costs to ask it about a packet.");
    fields.required("links", view.links, list(object(), kMany), "Where packets meet it.");
    fields.required("counters", view.counters, counters(), "What it has counted.");
}

void describe(Fields& fields, HookList& view) {
    fields.called("hooks", "The hooks.");
    fields.required("count", view.count, whole(), "How many there are, whatever was asked for.");
    fields.required("hooks", view.hooks, list(object(), kMany), "As many as were asked for.");
}

void describe(Fields& fields, HookProgramView& view) {
    describe(fields, view.hook);
    fields.called("hook_program", "A hook with its program.");
    fields.required("program", view.program, program(), "Its program.");
}

void describe(Fields& fields, StatsView& view) {
    fields.called("stats", "All counters (docs/counters.md).");
    fields.required("engine", view.engine, counters(), "Of the engine.");
    fields.required("flows", view.flows, object(), "Of the flow table.");
    fields.required("buffers", view.buffers, object(), "The memory of packets.");
    fields.required("interfaces", view.interfaces, table(interface_name(), object(), kMany), "Of attached interfaces.");
}

void describe(Fields& fields, FlowView& view) {
    fields.called("flow", "A flow that the kernel knows.");
    fields.required("interface", view.interface, interface_name(), "Its interface; `if7`: not attached any more.");
    fields.required("family", view.family, word(kFlowFamilyWords), "Of its addresses.");
    fields.required("protocol", view.protocol, whole(), "Of IP.");
    fields.required("tags", view.tags, list(object(), 2), "VLAN tags, outermost first.");
    fields.required("remote", view.remote, text(63), "The address of the other side.");
    fields.required("remote_port", view.remote_port, whole(), "Null: the protocol has no ports.");
    fields.required("local", view.local, text(63), "The address of this side.");
    fields.required("local_port", view.local_port, whole(), "Null: the protocol has no ports.");
    fields.required("in", view.in, object(), "Packets that come in.");
    fields.required("out", view.out, object(), "Packets that go out.");
    fields.required("age_s", view.age_s, decimal("s"), "Since it was made.");
    fields.required("idle_s", view.idle_s, decimal("s"), "Since its last packet.");
    fields.required("limit_s", view.limit_s, decimal("s"), "Idle for so long, it is forgotten.");
}

void describe(Fields& fields, FlowsView& view) {
    fields.called("flows", "A part of the flow table.");
    fields.required("flows", view.flows, list(object(), kMany), "The flows in it.");
    fields.required("next", view.next, whole(), "The place to go on from; null: that was the rest.");
}

void describe(Fields& fields, FlushView& view) {
    fields.called("flush", "All flows are forgotten.");
    fields.required("forgotten", view.forgotten, whole(), "How many the kernel knew.");
}

} // namespace pfild::control
