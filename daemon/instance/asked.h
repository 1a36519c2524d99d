// SPDX-License-Identifier: BSD-2-Clause
// Requests of the control socket as items of the model, which bpfctl owns then.
#pragma once

#include "config/model.h"
#include "control/requests.h"
#include "core/error.h"

namespace pfild {

[[nodiscard]] inline config::Interface interface_of(const control::AttachRequest& request) {
    return {.name = request.interface,
            .unknown = request.unknown,
            .silent = request.silent,
            .mode = request.mode,
            .position = request.position,
            .strict = request.strict,
            .owner = config::Owner::kBpfctl};
}

/// force: of the line that the request came in.
[[nodiscard]] inline config::Hook hook_of(const control::HookAddRequest& request, bool force) {
    return {.name = request.name,
            .type = request.type,
            .on_match = request.on_match,
            .filter = request.filter,
            .program = request.program,
            .run = request.run,
            .neighbours = request.neighbours,
            .force = request.force || force,
            .compiled = request.compiled,
            .owner = config::Owner::kBpfctl};
}

[[nodiscard]] inline config::Link link_of(const core::LinkRequest& request) {
    return {.hook = request.hook,
            .head = request.head,
            .directions = request.directions,
            .append = request.append,
            .owner = config::Owner::kBpfctl};
}

/// EINVAL: its program was compiled for other packets than the hook is shown, or can match none of those.
[[nodiscard]] core::Result<void> check_program(const control::HookAddRequest& request, bool force);

} // namespace pfild
