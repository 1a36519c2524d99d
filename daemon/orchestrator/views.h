// SPDX-License-Identifier: BSD-2-Clause
// From what the engine's side calls things to what the control socket shows of them. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "core/frame_pool.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "daemon/api/service.h"
#include "daemon/api/views.h"
#include "pfild/flow.h"

namespace pfild {

/// All but `covers`, which only the orchestrator knows.
[[nodiscard]] api::HeadView head_view(const core::HeadInfo& head);
[[nodiscard]] api::HookView hook_view(const core::HookInfo& hook);
[[nodiscard]] api::FramesView frames_view(const core::FramePool& pool);

/// The flow in a slot, all but its interface's name; nothing when there is none, or it is going. `now_ns`: of
/// CLOCK_MONOTONIC_COARSE.
[[nodiscard]] std::optional<api::FlowView> flow_view(pfild_flow& flow, std::uint32_t generation, std::uint64_t now_ns);

} // namespace pfild
