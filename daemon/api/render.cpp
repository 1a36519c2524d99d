// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/render.h. The order of the braces below is the order of docs/control-protocol.md.
#include "daemon/api/render.h"

#include <nlohmann/json.hpp>

#include "daemon/api/request.h"
#include "daemon/api/words.h"
#include "daemon/sys/failure.h"

namespace pfild::api {
namespace {

using Json = nlohmann::ordered_json;

Json directions_json(core::Directions directions) {
    Json list = Json::array();
    for (const core::Direction direction : core::kEachDirection) {
        if (directions.has(direction)) {
            list.push_back(core::name(direction));
        }
    }
    return list;
}

Json counters_json(const Counters& counters) {
    Json object = Json::object();
    for (const auto& [name, value] : counters) {
        object[name] = value;
    }
    return object;
}

Json frames_json(const FramesView& view) {
    return {{"size", view.size},
            {"total", view.total},
            {"free", view.free},
            {"rings", view.rings},
            {"in_flight", view.in_flight}};
}

Json pair_of(const std::string& first_key, const std::string& first, const std::string& second_key,
             const std::string& second) {
    Json object = Json::object();
    object[first_key] = first;
    object[second_key] = second;
    return object;
}

std::string line_of(const Json& answer) { return answer.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n'; }

} // namespace

Json to_json(const VersionView& view) {
    return {{"version", view.version},
            {"protocol", kProtocol},
            {"kernel", view.kernel},
            {"instance", view.instance},
            {"pid", view.pid}};
}

Json to_json(const InterfaceView& view) {
    return {{"name", view.name},
            {"ifindex", view.ifindex},
            {"mac", view.mac},
            {"mtu", view.mtu},
            {"rx_queues", view.rx_queues},
            {"up", view.up},
            {"mode", view.mode},
            {"unknown", word_of(view.unknown, core::kUnknownPacketsNames)},
            {"state", word_of(view.state, kStateWords)},
            {"ports", pair_of("p", view.port_p, "q", view.port_q)},
            {"heads", pair_of("in", view.head_in, "out", view.head_out)},
            {"divert", {{"in", view.divert.has(core::Direction::in)}, {"out", view.divert.has(core::Direction::out)}}}};
}

Json to_json(const StatusView& view) {
    Json interfaces = Json::array();
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
            {"memory_bytes", view.memory_bytes}};
}

Json to_json(const HeadView& view) {
    return {{"name", view.name},
            {"type", word_of(view.type, core::kHeadTypeNames)},
            {"dlt", view.dlt},
            {"dlt_number", view.dlt_number},
            {"directions", directions_json(view.directions)},
            {"in", view.in},
            {"out", view.out},
            {"covers", view.covers}};
}

Json to_json(const HookView& view) {
    Json links = Json::array();
    for (const core::HookLink& link : view.links) {
        links.push_back({{"head", link.head}, {"direction", word_of(link.direction, core::kDirectionNames)}});
    }
    return {{"name", view.name},
            {"type", word_of(view.type, core::kHeadTypeNames)},
            {"kind", view.kind},
            {"on_match", word_of(view.on_match, core::kOnMatchNames)},
            {"filter", view.filter ? Json(*view.filter) : Json(nullptr)},
            {"instructions", view.instructions},
            {"links", std::move(links)},
            {"counters", counters_json(view.counters)}};
}

Json to_json(const StatsView& view) {
    Json interfaces = Json::object();
    for (const InterfaceStatsView& interface : view.interfaces) {
        interfaces[interface.name] = {{"in", counters_json(interface.in)}, {"out", counters_json(interface.out)}};
    }
    return {{"engine", counters_json(view.engine)},
            {"frames", frames_json(view.frames)},
            {"interfaces", std::move(interfaces)}};
}

Json to_json(const core::Error& error) {
    return {{"errno", sys::errno_name(error.code)},
            {"what", error.what},
            {"object", error.object},
            {"why", error.why},
            {"advice", error.advice}};
}

std::string success_line(std::uint64_t id, Json result) {
    return line_of({{"id", id}, {"ok", true}, {"result", std::move(result)}});
}

std::string failure_line(std::uint64_t id, const core::Error& error) {
    return line_of({{"id", id}, {"ok", false}, {"error", to_json(error)}});
}

} // namespace pfild::api
