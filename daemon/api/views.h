// SPDX-License-Identifier: BSD-2-Clause
// What the daemon shows of itself: one plain struct for each object of docs/control-protocol.md. The orchestrator fills
// them on the control thread, api/render turns them into JSON. Values only: nothing here points into live state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/device_table.h"
#include "cbpf/instruction.h"
#include "core/direction.h"
#include "core/flow/flow_key.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "core/pfil/head_type.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "core/unknown_packets.h"

namespace pfild::api {

/// Named counters in the order they are shown; names are explained in docs/counters.md.
using Counters = std::vector<std::pair<std::string, std::uint64_t>>;

struct VersionView {
    std::string version;   ///< of pfild, "0.1.0"
    std::string kernel;    ///< uname -r
    std::string instance;  ///< --name
    std::uint32_t pid = 0; ///< of the daemon
};

struct InterfaceView {
    enum class State : std::uint8_t { kAttached, kRepairing };

    std::string name;
    std::uint32_t ifindex = 0;
    std::string mac; ///< "02:00:00:00:00:01"
    std::uint32_t mtu = 0;
    std::uint32_t rx_queues = 0;
    bool up = false;
    std::string mode; ///< "tc" or "xdp": where the IN head is
    core::HeadMode mode_wanted = core::HeadMode::automatic;
    std::string mode_because;            ///< why it is not XDP, when that was for pfild to choose; may be empty
    std::size_t queues_served = 0;       ///< receive queues with a socket of their own (XDP)
    std::vector<std::string> turned_off; ///< offloads of the interface that are off as long as it is attached (XDP)
    core::UnknownPackets unknown = core::UnknownPackets::pass;
    State state = State::kAttached;
    std::string port_p;   ///< the visible end, "pfp3"
    std::string port_q;   ///< the visible end, "pfq3"
    std::string head_in;  ///< where the IN head sits, "tc ingress pref 1"
    std::string head_out; ///< where the OUT head sits, "tc egress pref 1"
    core::HeadPosition position = core::HeadPosition::anywhere;
    std::vector<std::string> in_front; ///< programs that packets meet before ours, "tcx ingress: name (12)"
    core::Directions divert;           ///< false: no hook is linked in that direction, packets pass in the kernel
};

/// total = free + rings + in_flight, always.
struct FramesView {
    std::uint64_t size = 0; ///< bytes of one buffer
    std::uint64_t total = 0;
    std::uint64_t free = 0;
    std::uint64_t rings = 0;
    std::uint64_t in_flight = 0;
};

/// One direction of a known flow.
struct FlowLaneView {
    pfild_flow_answer answer = PFILD_FLOW_ASK; ///< by the rules in force: asks the engine, passes, is dropped
    std::uint64_t packets = 0;                 ///< answered in the kernel
    std::uint64_t bytes = 0;                   ///< of those, from the Ethernet header on
};

/// A flow that the kernel knows. Times are seconds before now.
struct FlowView {
    core::FlowKey key{};
    std::string interface; ///< its name, or "if7" when it is not attached
    FlowLaneView in;
    FlowLaneView out;
    double age_s = 0;  ///< since it was made
    double idle_s = 0; ///< since the last packet
    double limit_s = 0;
};

/// A part of the table: the flows in slots from the requested one on.
struct FlowsView {
    std::vector<FlowView> flows;
    std::optional<std::uint32_t> next; ///< slot to go on with; nothing: that was the rest
};

/// The table as a whole; all 0 when there is none.
struct FlowTableView {
    std::uint64_t capacity = 0; ///< entries
    std::uint64_t memory_bytes = 0;
    Counters counters; ///< core::kFlowCounterNames
};

struct StatusView {
    std::string instance;
    std::string netns; ///< a path, "/proc/12/ns/net"
    std::uint32_t pid = 0;
    std::uint64_t uptime_s = 0;
    std::string version;
    std::string kernel;
    std::vector<InterfaceView> interfaces;
    FramesView frames;
    FlowTableView flows;
    std::uint64_t memory_bytes = 0;
};

struct HeadView {
    std::string name;
    core::HeadType type = core::HeadType::inet;
    std::string dlt; ///< "RAW", without DLT_
    std::uint32_t dlt_number = 0;
    core::Directions directions;     ///< in which it filters at all
    std::vector<std::string> in;     ///< hooks in run order (PF-20)
    std::vector<std::string> out;    ///< hooks in run order (PF-20)
    std::vector<std::string> covers; ///< attached interfaces whose packets pass here
};

/// Where a hook runs for packets of one interface and direction.
struct HookRunView {
    std::string interface;
    core::Direction direction = core::Direction::in;
    std::optional<std::string> because; ///< nothing: in the kernel; else in the engine, and why
};

struct HookView {
    std::string name; ///< "module:ruleset"
    core::HeadType type = core::HeadType::inet;
    std::string kind; ///< "cbpf"
    core::OnMatch on_match = core::OnMatch::drop;
    std::optional<std::string> filter; ///< the text it was compiled from, if there was one
    std::uint64_t instructions = 0;
    std::string answers;                        ///< "per flow" or "per packet"
    std::optional<std::string> because;         ///< why the kernel cannot answer for a flow, or not for all of them
    std::optional<std::string> as_it_is;        ///< what it asks for that is otherwise folded away: "tags"
    core::RunsIn run = core::RunsIn::automatic; ///< as it was asked for
    core::Compiled compiled = core::Compiled::unverified;
    std::vector<HookRunView> runs; ///< as it is
    std::vector<core::HookLink> links;
    Counters counters;
};

/// A hook with its program.
struct HookProgramView {
    HookView hook;
    std::vector<cbpf::Instruction> program;
};

struct InterfaceStatsView {
    std::string name;
    Counters in;
    Counters out;
};

struct StatsView {
    Counters engine;
    FlowTableView flows;
    FramesView frames;
    std::vector<InterfaceStatsView> interfaces;
};

/// Open bpf devices (net.bpf.peers), and where the packets of all that there are or ever were went (net.bpf.stats).
struct PeersView {
    std::vector<capture::DeviceInfo> devices;
    capture::DeviceCounts totals;
};

} // namespace pfild::api
