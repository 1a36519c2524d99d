// SPDX-License-Identifier: BSD-2-Clause
// What the daemon shows of itself: one plain struct for each object of docs/control-protocol.md. The orchestrator fills
// them on the control thread, api/render turns them into JSON. Values only: nothing here points into live state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pfild::api {

/// What a head does with a packet that nobody can decide, because the engine is not there.
enum class Unknown : std::uint8_t { kPass, kDrop };

/// Which packets a head or hook filters; a link needs the same type on both ends (PF-29).
enum class PacketType : std::uint8_t { kInet, kInet6, kEthernet };

/// What a hook does with a packet its program matches. kPass and kCount differ: count never ends the run of the hooks.
enum class OnMatch : std::uint8_t { kDrop, kPass, kCount };

enum class Direction : std::uint8_t { kIn, kOut };

/// A set of directions; the empty set is refused by link and unlink (PF-09).
struct Directions {
    bool in = false;
    bool out = false;

    friend bool operator==(const Directions&, const Directions&) = default;
};

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
    std::string mode; ///< "tc"
    Unknown unknown = Unknown::kPass;
    State state = State::kAttached;
    std::string port_p;   ///< the visible end, "pfp3"
    std::string port_q;   ///< the visible end, "pfq3"
    std::string head_in;  ///< where the IN head sits, "tc ingress pref 1"
    std::string head_out; ///< where the OUT head sits, "tc egress pref 1"
    Directions divert;    ///< false: no hook is linked in that direction, packets pass in the kernel
};

/// total = free + rings + in_flight, always.
struct FramesView {
    std::uint64_t size = 0; ///< bytes of one buffer
    std::uint64_t total = 0;
    std::uint64_t free = 0;
    std::uint64_t rings = 0;
    std::uint64_t in_flight = 0;
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
    std::uint64_t memory_bytes = 0;
};

struct HeadView {
    std::string name;
    PacketType type = PacketType::kInet;
    std::string dlt; ///< "RAW", without DLT_
    std::uint32_t dlt_number = 0;
    Directions directions;           ///< in which it filters at all
    std::vector<std::string> in;     ///< hooks in run order (PF-20)
    std::vector<std::string> out;    ///< hooks in run order (PF-20)
    std::vector<std::string> covers; ///< attached interfaces whose packets pass here
};

struct LinkView {
    std::string head;
    Direction direction = Direction::kIn;
};

struct HookView {
    std::string name; ///< "module:ruleset"
    PacketType type = PacketType::kInet;
    std::string kind; ///< "cbpf"
    OnMatch on_match = OnMatch::kDrop;
    std::optional<std::string> filter; ///< the text it was compiled from, if there was one
    std::uint64_t instructions = 0;
    std::vector<LinkView> links;
    Counters counters;
};

struct InterfaceStatsView {
    std::string name;
    Counters in;
    Counters out;
};

struct StatsView {
    Counters engine;
    FramesView frames;
    std::vector<InterfaceStatsView> interfaces;
};

} // namespace pfild::api
