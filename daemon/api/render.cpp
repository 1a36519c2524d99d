// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/render.h. The order of the braces below is the order of docs/control-protocol.md.
#include "daemon/api/render.h"

#include <algorithm>
#include <cmath>

#include <arpa/inet.h>
#include <nlohmann/json.hpp>

#include "daemon/api/request.h"
#include "daemon/api/words.h"
#include "daemon/sys/failure.h"
#include "pfild/flow_key.h"

namespace pfild::api {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson directions_json(core::Directions directions) {
    OrderedJson list = OrderedJson::array();
    for (const core::Direction direction : core::kEachDirection) {
        if (directions.has(direction)) {
            list.push_back(core::name(direction));
        }
    }
    return list;
}

OrderedJson counters_json(const Counters& counters) {
    OrderedJson object = OrderedJson::object();
    for (const auto& [name, value] : counters) {
        object[name] = value;
    }
    return object;
}

OrderedJson frames_json(const FramesView& view) {
    return {{"size", view.size},
            {"total", view.total},
            {"free", view.free},
            {"rings", view.rings},
            {"in_flight", view.in_flight}};
}

OrderedJson flow_table_json(const FlowTableView& view) {
    OrderedJson object = {{"capacity", view.capacity}, {"memory_bytes", view.memory_bytes}};
    object.update(counters_json(view.counters));
    return object;
}

OrderedJson tag_json(const pfild_flow_tag& tag) {
    constexpr std::uint16_t kServiceTag = 0x88a8;
    const std::uint32_t tci = ntohs(tag.tci); // priority 3 bits, drop eligible 1, VLAN 12
    return {{"type", ntohs(tag.type) == kServiceTag ? "802.1ad" : "802.1Q"},
            {"vlan", tci & 0xfffU},
            {"priority", tci >> 13U},
            {"drop_eligible", (tci & 0x1000U) != 0}};
}

/// The frame's order: outermost first.
OrderedJson tags_json(const core::FlowKey& key) {
    OrderedJson list = OrderedJson::array();
    for (std::size_t i = std::min<std::size_t>(key.tags, PFILD_MAX_TAGS); i-- > 0;) {
        list.push_back(tag_json(key.tag[i]));
    }
    return list;
}

OrderedJson counts_json(const capture::DeviceCounts& counts) {
    return {{"received", counts.received},   {"captured", counts.captured}, {"filtered", counts.filtered},
            {"delivered", counts.delivered}, {"dropped", counts.dropped},   {"lost", counts.lost},
            {"flushed", counts.flushed}};
}

OrderedJson device_json(const capture::DeviceInfo& info) {
    OrderedJson object = {{"number", info.number},
                          {"pid", info.opener.pid},
                          {"uid", info.opener.uid},
                          {"interface", info.interface},
                          {"state", word_of(info.state, capture::kDeviceStateNames)},
                          {"buffer_size", info.buffer_size},
                          {"promiscuous", info.promiscuous},
                          {"immediate", info.settings.immediate},
                          {"header_complete", info.settings.header_complete},
                          {"nonblocking", info.settings.nonblocking},
                          {"directions", directions_json(info.directions)},
                          {"waits", info.waits}};
    object.update(counts_json(info.stats));
    object["buffered"] = info.buffered;
    return object;
}

std::string address_text(std::uint8_t family, const __be32* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text.data(), text.size());
    return text.data();
}

OrderedJson port_json(std::uint8_t protocol, __be16 port) {
    return pfild_has_ports(protocol) != 0 ? OrderedJson(ntohs(port)) : OrderedJson(nullptr);
}

/// Heads ask about every answer that they do not know, so that is what is said of it.
OrderedJson lane_json(const FlowLaneView& lane) {
    const bool known = static_cast<std::size_t>(lane.answer) < kFlowAnswerWords.size();
    return {{"answer", word_of(known ? lane.answer : PFILD_FLOW_ASK, kFlowAnswerWords)},
            {"packets", lane.packets},
            {"bytes", lane.bytes}};
}

/// The clock of the table has steps of some milliseconds.
double in_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

OrderedJson pair_of(const std::string& first_key, const std::string& first, const std::string& second_key,
                    const std::string& second) {
    OrderedJson object = OrderedJson::object();
    object[first_key] = first;
    object[second_key] = second;
    return object;
}

std::string line_of(const OrderedJson& answer) {
    return answer.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + '\n';
}

} // namespace

OrderedJson to_json(const VersionView& view) {
    return {{"version", view.version},
            {"protocol", kProtocol},
            {"kernel", view.kernel},
            {"instance", view.instance},
            {"pid", view.pid}};
}

OrderedJson to_json(const InterfaceView& view) {
    return {{"name", view.name},
            {"ifindex", view.ifindex},
            {"mac", view.mac},
            {"mtu", view.mtu},
            {"rx_queues", view.rx_queues},
            {"up", view.up},
            {"mode", view.mode},
            {"mode_wanted", word_of(view.mode_wanted, core::kHeadModeNames)},
            {"mode_because", view.mode_because},
            {"queues_served", view.queues_served},
            {"turned_off", view.turned_off},
            {"unknown", word_of(view.unknown, core::kUnknownPacketsNames)},
            {"state", word_of(view.state, kStateWords)},
            {"ports", pair_of("p", view.port_p, "q", view.port_q)},
            {"heads", pair_of("in", view.head_in, "out", view.head_out)},
            {"position", word_of(view.position, core::kHeadPositionNames)},
            {"in_front", view.in_front},
            {"divert", {{"in", view.divert.has(core::Direction::in)}, {"out", view.divert.has(core::Direction::out)}}}};
}

OrderedJson to_json(const StatusView& view) {
    OrderedJson interfaces = OrderedJson::array();
    for (const InterfaceView& interface : view.interfaces) {
        interfaces.push_back(to_json(interface));
    }
    return {{"instance", view.instance},
            {"netns", view.netns},
            {"pid", view.pid},
            {"uptime_s", view.uptime_s},
            {"version", view.version},
            {"kernel", view.kernel},
            {"interfaces", std::move(interfaces)},
            {"frames", frames_json(view.frames)},
            {"flows", flow_table_json(view.flows)},
            {"memory_bytes", view.memory_bytes}};
}

OrderedJson to_json(const HeadView& view) {
    return {{"name", view.name},
            {"type", word_of(view.type, core::kHeadTypeNames)},
            {"dlt", view.dlt},
            {"dlt_number", view.dlt_number},
            {"directions", directions_json(view.directions)},
            {"in", view.in},
            {"out", view.out},
            {"covers", view.covers}};
}

OrderedJson to_json(const HookView& view) {
    OrderedJson links = OrderedJson::array();
    for (const core::HookLink& link : view.links) {
        links.push_back({{"head", link.head}, {"direction", word_of(link.direction, core::kDirectionNames)}});
    }
    OrderedJson runs = OrderedJson::array();
    for (const HookRunView& run : view.runs) {
        runs.push_back({{"interface", run.interface},
                        {"direction", word_of(run.direction, core::kDirectionNames)},
                        {"where", run.because ? "engine" : "kernel"},
                        {"because", run.because ? OrderedJson(*run.because) : OrderedJson(nullptr)}});
    }
    return {{"name", view.name},
            {"type", word_of(view.type, core::kHeadTypeNames)},
            {"kind", view.kind},
            {"on_match", word_of(view.on_match, core::kOnMatchNames)},
            {"filter", view.filter ? OrderedJson(*view.filter) : OrderedJson(nullptr)},
            {"instructions", view.instructions},
            {"answers", view.answers},
            {"because", view.because ? OrderedJson(*view.because) : OrderedJson(nullptr)},
            {"as_it_is", view.as_it_is ? OrderedJson(*view.as_it_is) : OrderedJson(nullptr)},
            {"run", word_of(view.run, core::kRunsInNames)},
            {"compiled", word_of(view.compiled, core::kCompiledNames)},
            {"runs", std::move(runs)},
            {"links", std::move(links)},
            {"counters", counters_json(view.counters)}};
}

OrderedJson to_json(const HookProgramView& view) {
    OrderedJson rows = OrderedJson::array();
    for (const cbpf::Instruction& in : view.program) {
        rows.push_back({in.code, in.jt, in.jf, in.k});
    }
    OrderedJson json = to_json(view.hook);
    json["program"] = std::move(rows);
    return json;
}

OrderedJson to_json(const StatsView& view) {
    OrderedJson interfaces = OrderedJson::object();
    for (const InterfaceStatsView& interface : view.interfaces) {
        interfaces[interface.name] = {{"in", counters_json(interface.in)}, {"out", counters_json(interface.out)}};
    }
    return {{"engine", counters_json(view.engine)},
            {"flows", flow_table_json(view.flows)},
            {"frames", frames_json(view.frames)},
            {"interfaces", std::move(interfaces)}};
}

OrderedJson to_json(const FlowView& view) {
    const core::FlowKey& key = view.key;
    return {{"interface", view.interface},
            {"family", key.family == 4 ? "inet" : "inet6"},
            {"protocol", key.protocol},
            {"tags", tags_json(key)},
            {"remote", address_text(key.family, key.remote)},
            {"remote_port", port_json(key.protocol, key.remote_port)},
            {"local", address_text(key.family, key.local)},
            {"local_port", port_json(key.protocol, key.local_port)},
            {"in", lane_json(view.in)},
            {"out", lane_json(view.out)},
            {"age_s", in_milliseconds(view.age_s)},
            {"idle_s", in_milliseconds(view.idle_s)},
            {"limit_s", in_milliseconds(view.limit_s)}};
}

OrderedJson to_json(const FlowsView& view) {
    OrderedJson flows = OrderedJson::array();
    for (const FlowView& flow : view.flows) {
        flows.push_back(to_json(flow));
    }
    return {{"flows", std::move(flows)}, {"next", view.next ? OrderedJson(*view.next) : OrderedJson(nullptr)}};
}

OrderedJson to_json(const PeersView& view) {
    OrderedJson devices = OrderedJson::array();
    for (const capture::DeviceInfo& info : view.devices) {
        devices.push_back(device_json(info));
    }
    return {{"count", view.devices.size()}, {"devices", std::move(devices)}, {"totals", counts_json(view.totals)}};
}

OrderedJson to_json(const core::Error& error) {
    return {{"errno", sys::errno_name(error.code)},
            {"what", error.what},
            {"object", error.object},
            {"why", error.why},
            {"advice", error.advice}};
}

std::string success_line(std::uint64_t id, OrderedJson result) {
    return line_of({{"id", id}, {"ok", true}, {"result", std::move(result)}});
}

std::string failure_line(std::uint64_t id, const core::Error& error) {
    return line_of({{"id", id}, {"ok", false}, {"error", to_json(error)}});
}

} // namespace pfild::api
