// SPDX-License-Identifier: BSD-2-Clause
// What the daemon shows of itself: one plain struct for each object of the control protocol, described in views.cpp.
// The orchestrator fills them on the control thread, bpfctl reads them out of answers. Values only: nothing here points
// into live state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cbpf/instruction.h"
#include "control/device_views.h"
#include "control/flow_views.h"
#include "core/direction.h"
#include "core/fail_mode.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "core/pfil/head_type.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "describe/shape.h"

namespace pfild::control {

/// Named counters in the order they are shown; names are explained in docs/counters.md.
using Counters = std::vector<std::pair<std::string, std::uint64_t>>;

/// What a verb answers that has nothing to show.
struct Done {};

struct VersionView {
    std::string version; ///< of pfild, "0.1.0"
    std::uint64_t protocol = 0;
    std::string kernel;    ///< uname -r
    std::string instance;  ///< --name
    std::uint32_t pid = 0; ///< of the daemon
};

/// The visible ends of a port pair: "pfp3", "pfq3".
struct PortPairView {
    std::string p;
    std::string q;
};

/// Where the heads sit: "tc ingress pref 1".
struct HeadPlacesView {
    std::string in;
    std::string out;
};

/// Whether a hook is linked in a direction; if not, packets pass in the kernel.
struct HookedView {
    bool in = false;
    bool out = false;
};

struct InterfaceView {
    enum class State : std::uint8_t { kAttached, kRepairing, kComing };

    std::string name;
    std::uint32_t ifindex = 0;
    std::string mac; ///< "02:00:00:00:00:01"
    std::uint32_t mtu = 0;
    std::uint32_t rx_queues = 0;
    bool up = false;
    std::string mode; ///< "tc", "xdp" or "tap": where the IN head is
    core::HeadMode mode_wanted = core::HeadMode::kAutomatic;
    std::string mode_because;            ///< why it is not XDP, when that was for pfild to choose; may be empty
    std::uint64_t queues_served = 0;     ///< receive queues with a socket of their own (XDP)
    std::vector<std::string> turned_off; ///< offloads of the interface that are off as long as it is attached (XDP)
    core::FailMode unknown = core::FailMode::kPass;
    core::FailMode silent = core::FailMode::kDrop;
    State state = State::kAttached;
    PortPairView port_pair;
    HeadPlacesView heads;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    std::vector<std::string> in_front; ///< programs that packets meet before ours, "tcx ingress: name (12)"
    HookedView hooked;
    std::vector<std::string> altnames;
    std::string wanted_by; ///< the name or pattern by which it is wanted
};
inline constexpr std::array<std::string_view, 3> kStateWords{"attached", "repairing", "coming"};
static_assert(static_cast<std::size_t>(InterfaceView::State::kComing) + 1 == kStateWords.size());

/// total = free + rings + in_flight, always.
struct BuffersView {
    std::uint64_t size = 0; ///< bytes of one
    std::uint64_t total = 0;
    std::uint64_t free = 0;
    std::uint64_t rings = 0;
    std::uint64_t in_flight = 0;
};

/// A user who is neither root nor of the group pfild, and may use some verbs.
struct GrantView {
    std::string user; ///< as the files call him
    std::uint32_t uid = 0;
    std::vector<std::string> verbs;
};

struct StatusView {
    std::string instance;
    std::string netns; ///< a path, "/proc/12/ns/net"
    std::uint32_t pid = 0;
    std::uint64_t uptime_s = 0;
    std::string version;
    std::string kernel;
    std::vector<InterfaceView> interfaces;
    BuffersView buffers;
    FlowTableView flows;
    std::uint64_t memory_bytes = 0;
    std::vector<std::string> waited_for; ///< interfaces that are wanted, and not guarded
    std::vector<std::string> patterns;   ///< by which interfaces are wanted
    std::vector<std::string> left_alone; ///< interfaces that are not guarded, whatever pattern means them
    bool panic = false;                  ///< all packets are dropped
    std::string started_from;            ///< which model the daemon began with: "running model", "failsafe: .."
    std::string files;                   ///< digest of the files whose items are in force
    std::string model;                   ///< digest of the model in force
    std::vector<GrantView> granted;
    std::optional<std::uint64_t> confirm_within_s; ///< else the model before is in force again
};

struct HeadView {
    std::string name;
    core::HeadType type = core::HeadType::kInet;
    std::string dlt; ///< "RAW", without DLT_
    std::uint32_t dlt_number = 0;
    core::Directions directions;     ///< in which it filters at all
    std::vector<std::string> in;     ///< hooks in run order (PF-20)
    std::vector<std::string> out;    ///< hooks in run order (PF-20)
    std::vector<std::string> covers; ///< attached interfaces whose packets pass here
};

struct HeadList {
    std::uint64_t count = 0; ///< whatever was asked for
    std::vector<HeadView> heads;
};

/// Where a hook runs for packets of one interface and direction.
struct HookRunView {
    std::string interface;
    core::Direction direction = core::Direction::kIn;
    core::RunsIn where = core::RunsIn::kEngine; ///< never `auto`
    std::optional<std::string> because;         ///< why it is the engine; nothing in the kernel
};

/// What it costs to ask a hook about a packet; docs/control-protocol.md says how it is measured.
struct HookCostView {
    std::optional<double> engine_ns;
    std::optional<double> kernel_ns;
};

struct HookView {
    std::string name;   ///< "MODULE:NAME"
    std::string module; ///< "cbpf"
    core::HeadType type = core::HeadType::kInet;
    core::OnMatch on_match = core::OnMatch::kDrop;
    std::optional<std::string> filter; ///< the text it was compiled from, if there was one
    std::uint64_t instructions = 0;
    std::string answers;                         ///< "per flow" or "per packet"
    std::optional<std::string> because;          ///< why the kernel cannot answer for a flow, or not for all of them
    std::optional<std::string> as_it_is;         ///< what it asks for that is otherwise folded away: "tags"
    core::RunsIn run = core::RunsIn::kAutomatic; ///< as it was asked for
    core::Neighbours neighbours = core::Neighbours::kAutomatic; ///< as it was asked for
    std::vector<std::string> asked_about; ///< what keeps the link up, and it is asked about: "ARP"
    bool forced = false;                  ///< it can match no packet of its type
    core::Compiled compiled = core::Compiled::kUnverified;
    bool enabled = true;           ///< packets meet it where it is linked
    std::vector<HookRunView> runs; ///< as it is
    HookCostView cost;
    std::vector<core::HookLink> links;
    Counters counters;
};

struct HookList {
    std::uint64_t count = 0; ///< whatever was asked for
    std::vector<HookView> hooks;
};

/// A hook with its program.
struct HookProgramView {
    HookView hook;
    std::vector<cbpf::Instruction> program;
};

/// Of one interface.
struct LaneCountersView {
    Counters in;
    Counters out;
};

struct StatsView {
    Counters engine;
    FlowTableView flows;
    BuffersView buffers;
    std::vector<std::pair<std::string, LaneCountersView>> interfaces;
};

void describe(describe::Fields& fields, Done& view);
void describe(describe::Fields& fields, VersionView& view);
void describe(describe::Fields& fields, GrantView& view);
void describe(describe::Fields& fields, StatusView& view);
void describe(describe::Fields& fields, InterfaceView& view);
void describe(describe::Fields& fields, HeadList& view);
void describe(describe::Fields& fields, HeadView& view);
void describe(describe::Fields& fields, HookList& view);
void describe(describe::Fields& fields, HookCostView& view);
void describe(describe::Fields& fields, HookView& view);
void describe(describe::Fields& fields, HookProgramView& view);
void describe(describe::Fields& fields, StatsView& view);

} // namespace pfild::control
