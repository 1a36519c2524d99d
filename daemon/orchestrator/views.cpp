// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/orchestrator/views.h"

#include "core/flow/flow_slot.h"
#include "daemon/api/words.h"

namespace pfild {
api::HeadView head_view(const core::HeadInfo& head) {
    api::HeadView view;
    view.name = head.name;
    view.type = head.type;
    view.dlt = core::dlt_name(head.type);
    view.dlt_number = static_cast<std::uint32_t>(core::dlt(head.type));
    view.directions = head.directions;
    view.in = head.hooks[core::index(core::Direction::in)];
    view.out = head.hooks[core::index(core::Direction::out)];
    return view;
}

api::HookView hook_view(const core::HookInfo& hook) {
    api::HookView view;
    view.name = hook.name;
    view.type = hook.type;
    view.kind = hook.kind;
    view.answers = core::kHoldNames.at(static_cast<std::size_t>(hook.answers.hold));
    view.because = hook.answers.because;
    view.run = hook.runs_in;
    if (hook.program) {
        view.on_match = hook.program->on_match;
        view.filter = hook.program->filter;
        view.compiled = hook.program->compiled;
        view.as_it_is = hook.program->as_it_is;
        view.instructions = hook.program->instructions.size();
    }
    view.links = hook.links;
    view.counters = {{"seen_packets", hook.tally.seen_packets},       {"seen_bytes", hook.tally.seen_bytes},
                     {"matched_packets", hook.tally.matched_packets}, {"matched_bytes", hook.tally.matched_bytes},
                     {"dropped_packets", hook.tally.dropped_packets}, {"dropped_bytes", hook.tally.dropped_bytes}};
    return view;
}

api::FramesView frames_view(const core::FramePool& pool) {
    const core::FrameCounts counts = pool.counts();
    return {.size = pool.buffer_size(),
            .total = counts.total,
            .free = counts.free,
            .rings = counts.rings,
            .in_flight = counts.in_flight};
}

std::optional<api::FlowView> flow_view(pfild_flow& flow, std::uint32_t generation, std::uint64_t now_ns) {
    constexpr double kNsPerS = 1e9;
    const auto since = [&](std::uint64_t then) {
        return then < now_ns ? static_cast<double>(now_ns - then) / kNsPerS : 0.0;
    };
    api::FlowView view;
    view.key = core::read_key(flow);
    const std::uint64_t decision = core::read(flow.decision);
    const bool in_force = static_cast<std::int32_t>(PFILD_FLOW_GENERATION(decision) - generation) >= 0;
    for (const core::Direction direction : core::kEachDirection) {
        const std::size_t which = core::index(direction);
        api::FlowLaneView& lane = direction == core::Direction::in ? view.in : view.out;
        lane.answer = in_force ? static_cast<pfild_flow_answer>(PFILD_FLOW_ANSWER(decision, which)) : PFILD_FLOW_ASK;
        lane.packets = core::read(flow.lane[which].packets);
        lane.bytes = core::read(flow.lane[which].bytes);
    }
    view.age_s = since(core::read(flow.created_ns));
    view.idle_s = since(core::last_seen(flow));
    view.limit_s = static_cast<double>(core::read(flow.idle_ns)) / kNsPerS;
    const core::FlowKey after = core::read_key(flow); // the slot may have been given to another flow meanwhile
    return core::in_use(view.key) && core::same(view.key, after) ? std::optional(view) : std::nullopt;
}

} // namespace pfild
