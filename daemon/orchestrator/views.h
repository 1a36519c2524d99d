// SPDX-License-Identifier: BSD-2-Clause
// From what the engine's side calls things to what the control socket shows of them. Pure.
#pragma once

#include "core/frame_pool.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/registry.h"
#include "daemon/api/service.h"
#include "daemon/api/views.h"

namespace pfild {

/// All but `covers`, which only the orchestrator knows.
[[nodiscard]] api::HeadView head_view(const core::HeadInfo& head);
[[nodiscard]] api::HookView hook_view(const core::HookInfo& hook);
[[nodiscard]] api::FramesView frames_view(const core::FramePool& pool);

} // namespace pfild
