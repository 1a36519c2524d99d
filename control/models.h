// SPDX-License-Identifier: BSD-2-Clause
// The messages that hold whole models, or many changes of one. Values only; described in models.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/model.h"
#include "control/requests.h"
#include "describe/shape.h"

namespace pfild::control {

inline constexpr std::uint64_t kLongestConfirm = 86'400; ///< seconds

/// The model in force.
struct ModelView {
    config::Model model;
    std::string digest;                            ///< of the model
    std::string files;                             ///< digest of the files that its items of owner `file` came from
    std::optional<std::string> file;               ///< where those files are
    std::optional<std::uint64_t> confirm_within_s; ///< nothing: it needs no confirmation
};

struct ApplyRequest {
    config::Model model;
    bool whole = false; ///< with all owners; else what a file says, and what others own stays
    std::optional<std::uint64_t> confirm_s;
};

/// As AttachRequest; what is left out is as the configuration says.
struct BatchAttach {
    std::string interface;
    std::optional<core::FailMode> unknown;
    std::optional<core::FailMode> silent;
    std::optional<core::HeadMode> mode;
    std::optional<core::HeadPosition> position;
    std::optional<bool> strict;
};

/// One change. => exactly one of them is there.
struct BatchStep {
    std::optional<BatchAttach> attach;
    std::optional<DetachRequest> detach;
    std::optional<HookAddRequest> hook_add;
    std::optional<HookRequest> hook_delete;
    std::optional<LinkRequest> link;
    std::optional<UnlinkRequest> unlink;
};

struct BatchRequest {
    std::vector<BatchStep> steps;
};

void describe(describe::Fields& fields, ModelView& view);
void describe(describe::Fields& fields, ApplyRequest& request);
void describe(describe::Fields& fields, BatchAttach& attach);
void describe(describe::Fields& fields, BatchStep& step);
void describe(describe::Fields& fields, BatchRequest& request);

} // namespace pfild::control
