// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/orchestrator/views.h"

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
    for (const core::HookDetail& detail : hook.details) {
        if (const auto* text = std::get_if<std::string>(&detail.value)) {
            if (detail.name == "filter") {
                view.filter = *text;
            } else if (const auto on_match = core::on_match_named(*text); detail.name == "on_match" && on_match) {
                view.on_match = *on_match;
            }
        } else if (const auto* number = std::get_if<std::uint64_t>(&detail.value);
                   number && detail.name == "instructions") {
            view.instructions = *number;
        }
    }
    view.links = hook.links;
    for (const core::HookCounter& counter : hook.counters) {
        view.counters.emplace_back(counter.name, counter.value);
    }
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

} // namespace pfild
