// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/instance/views.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <arpa/inet.h>

#include "core/flow/flow_entry.h"
#include "pfild/flow_key.h"

namespace pfild {
namespace {

std::optional<double> in_tenths(std::optional<double> ns) {
    return ns ? std::optional(std::round(*ns * 10) / 10) : std::nullopt;
}

} // namespace

control::HeadView head_view(const core::HeadInfo& head) {
    control::HeadView view;
    view.name = head.name;
    view.type = head.type;
    view.dlt = core::dlt_name(head.type);
    view.dlt_number = static_cast<std::uint32_t>(core::dlt(head.type));
    view.directions = head.directions;
    view.in = head.hooks[core::index(core::Direction::kIn)];
    view.out = head.hooks[core::index(core::Direction::kOut)];
    return view;
}

control::HookView hook_view(const core::HookInfo& hook) {
    control::HookView view;
    view.name = hook.name;
    view.type = hook.type;
    view.module = hook.module;
    view.answers = core::kHoldNames.at(static_cast<std::size_t>(hook.answers.hold));
    view.because = hook.answers.because;
    view.run = hook.runs_in;
    for (const std::string_view kind : core::upkeep_names(hook.upkeep)) {
        view.asked_about.emplace_back(kind);
    }
    if (hook.program) {
        view.on_match = hook.program->on_match;
        view.filter = hook.program->filter;
        view.compiled = hook.program->compiled;
        view.neighbours = hook.program->neighbours;
        view.forced = hook.program->matches_nothing;
        view.as_it_is = hook.program->as_it_is;
        view.instructions = hook.program->instructions.size();
    }
    view.links = hook.links;
    view.cost = {in_tenths(hook.cost.engine_ns), in_tenths(hook.cost.kernel_ns)};
    view.counters = {{"seen_packets", hook.tally.seen_packets},       {"seen_bytes", hook.tally.seen_bytes},
                     {"matched_packets", hook.tally.matched_packets}, {"matched_bytes", hook.tally.matched_bytes},
                     {"dropped_packets", hook.tally.dropped_packets}, {"dropped_bytes", hook.tally.dropped_bytes}};
    return view;
}

control::BuffersView buffers_view(const core::BufferPool& pool) {
    const core::BufferCounts counts = pool.counts();
    return {.size = pool.buffer_size(),
            .total = counts.total,
            .free = counts.free,
            .rings = counts.rings,
            .in_flight = counts.in_flight};
}

control::DeviceView device_view(const capture::DeviceInfo& device) {
    return {.number = device.number,
            .pid = static_cast<std::uint32_t>(device.opener.pid),
            .uid = device.opener.uid,
            .interface = device.interface,
            .state = device.state,
            .buffer_size = device.buffer_size,
            .promiscuous = device.promiscuous,
            .immediate = device.settings.immediate,
            .header_complete = device.settings.header_complete,
            .nonblocking = device.settings.nonblocking,
            .directions = device.directions,
            .waits = device.waits,
            .counts = device.stats,
            .buffered = device.buffered};
}

namespace {

control::TagView tag_view(const pfild_flow_tag& tag) {
    constexpr std::uint16_t kServiceTag = 0x88a8;
    const std::uint32_t tci = ntohs(tag.tci); // priority 3 bits, drop eligible 1, VLAN 12
    return {.type =
                ntohs(tag.type) == kServiceTag ? control::TagView::Type::kService : control::TagView::Type::kCustomer,
            .vlan = tci & 0xfffU,
            .priority = tci >> 13U,
            .drop_eligible = (tci & 0x1000U) != 0};
}

std::string address_text(std::uint8_t family, const __be32* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text.data(), text.size());
    return text.data();
}

/// The clock of the table has steps of some milliseconds.
double in_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

} // namespace

control::FlowView view_of_key(const core::FlowKey& key) {
    control::FlowView view;
    view.family = key.family == 4 ? control::FlowFamily::kInet : control::FlowFamily::kInet6;
    view.protocol = key.protocol;
    for (std::size_t i = std::min<std::size_t>(key.tags, PFILD_MAX_TAGS);
         i-- > 0;) { // the frame's order: outermost first
        view.tags.push_back(tag_view(key.tag[i]));
    }
    view.remote = address_text(key.family, key.remote);
    view.local = address_text(key.family, key.local);
    if (pfild_has_ports(key.protocol) != 0) {
        view.remote_port = ntohs(key.remote_port);
        view.local_port = ntohs(key.local_port);
    }
    return view;
}

std::optional<SeenFlow> flow_view(pfild_flow& flow, std::uint32_t generation, std::uint64_t now_ns) {
    constexpr double kNsPerS = 1e9;
    const auto since = [&](std::uint64_t then) {
        return in_milliseconds(then < now_ns ? static_cast<double>(now_ns - then) / kNsPerS : 0.0);
    };
    const core::FlowKey key = core::read_key(flow);
    control::FlowView view = view_of_key(key);
    const std::uint64_t decision = core::read(flow.decision);
    const bool in_force = static_cast<std::int32_t>(PFILD_FLOW_GENERATION(decision) - generation) >= 0;
    for (const core::Direction direction : core::kEachDirection) {
        const std::size_t which = core::index(direction);
        control::FlowLaneView& lane = direction == core::Direction::kIn ? view.in : view.out;
        const auto answer = PFILD_FLOW_ANSWER(decision, which);
        // Heads ask about every answer that they do not know, so that is what is said of it.
        lane.answer = in_force && answer <= PFILD_FLOW_DROP ? static_cast<pfild_flow_answer>(answer) : PFILD_FLOW_ASK;
        lane.packets = core::read(flow.lane[which].packets);
        lane.bytes = core::read(flow.lane[which].bytes);
    }
    view.age_s = since(core::read(flow.created_ns));
    view.idle_s = since(core::last_seen(flow));
    view.limit_s = in_milliseconds(static_cast<double>(core::read(flow.idle_ns)) / kNsPerS);
    const core::FlowKey after = core::read_key(flow); // the entry may have been given to another flow meanwhile
    return core::in_use(key) && core::same(key, after) ? std::optional(SeenFlow{key.ifindex, std::move(view)})
                                                       : std::nullopt;
}

} // namespace pfild
