// SPDX-License-Identifier: BSD-2-Clause
// From what the engine's side calls things to what the control socket shows of them. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "capture/device_table.h"
#include "control/flow_views.h"
#include "control/views.h"
#include "core/buffer_pool.h"
#include "core/flow/flow_key.h"
#include "core/pfil/hook.h"
#include "core/pfil/registry.h"
#include "pfild/flow.h"

namespace pfild {

/// All but `covers`, which only the orchestrator knows.
[[nodiscard]] control::HeadView head_view(const core::HeadInfo& head);
[[nodiscard]] control::HookView hook_view(const core::HookInfo& hook);
[[nodiscard]] control::BuffersView buffers_view(const core::BufferPool& pool);

[[nodiscard]] control::DeviceView device_view(const capture::DeviceInfo& device);

/// What a key says, as it is shown.
[[nodiscard]] control::FlowView view_of_key(const core::FlowKey& key);

/// A flow as it is shown, all but its interface's name.
struct SeenFlow {
    std::uint32_t ifindex = 0;
    control::FlowView view;
};

/// The flow in a slot; nothing when there is none, or it is going. `now_ns`: of
/// CLOCK_MONOTONIC_COARSE.
[[nodiscard]] std::optional<SeenFlow> flow_view(pfild_flow& flow, std::uint32_t generation, std::uint64_t now_ns);

} // namespace pfild
