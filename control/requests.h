// SPDX-License-Identifier: BSD-2-Clause
// What each verb of the control protocol takes: one struct a message, described in requests.cpp. Values only. What a
// field may be is said there and nowhere else; whether an interface, head or hook of that name exists, and whether a
// program verifies, is the daemon's to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cbpf/instruction.h"
#include "core/fail_mode.h"
#include "core/head_mode.h"
#include "core/head_position.h"
#include "core/pfil/cbpf_hook.h"
#include "core/pfil/head_type.h"
#include "core/pfil/registry.h"
#include "describe/shape.h"

namespace pfild::control {

struct NoArguments {};

/// What attach means where a request does not say; from the configuration.
struct AttachDefaults {
    core::FailMode unknown = core::FailMode::kPass;
    core::FailMode silent = core::FailMode::kDrop;
    core::HeadMode mode = core::HeadMode::kAutomatic;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    bool strict = false;
};

struct AttachRequest {
    std::string interface;
    core::FailMode unknown = core::FailMode::kPass;
    core::FailMode silent = core::FailMode::kDrop;
    core::HeadMode mode = core::HeadMode::kAutomatic;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    bool strict = false;                 ///< interfaces that come are down until they are guarded
    std::vector<std::string> turned_off; ///< offloads that a daemon which was killed has turned off on it

    friend bool operator==(const AttachRequest&, const AttachRequest&) = default;
};

struct DetachRequest {
    std::string interface;
};

/// The two-step lists of PF-32.
struct ListRequest {
    std::optional<std::uint64_t> most; ///< entries in the answer
};

struct HookAddRequest {
    std::string name; ///< "MODULE:NAME" (PF-31)
    core::HeadType type = core::HeadType::kInet;
    core::OnMatch on_match = core::OnMatch::kDrop;
    std::optional<std::string> filter;      ///< shown, never compiled
    std::vector<cbpf::Instruction> program; ///< not verified yet
    std::uint32_t dlt = 0;                  ///< the DLT number the program was compiled for
    core::RunsIn run = core::RunsIn::kAutomatic;
    core::Neighbours neighbours = core::Neighbours::kAutomatic;
    bool force = false;                                    ///< also if it can match no packet of its type
    core::Compiled compiled = core::Compiled::kUnverified; ///< shown, never believed
};

struct HookRequest {
    std::string name;
};

struct LinkRequest : core::LinkRequest {};
struct UnlinkRequest : core::LinkRequest {};

struct StatsRequest {
    std::optional<std::string> interface; ///< nothing: all of them
};

struct PanicRequest {
    bool on = false;
};

/// What is left out stays.
struct SysctlSetRequest {
    std::optional<std::uint32_t> maxbufsize; ///< bytes
    std::optional<std::uint32_t> bufsize;    ///< bytes
};

struct FlowsRequest {
    std::uint32_t from = 0;  ///< place in the table, as FlowsView::next said
    std::uint32_t most = 64; ///< flows in the answer, at least 1

    friend bool operator==(const FlowsRequest&, const FlowsRequest&) = default;
};

void describe(describe::Fields& fields, NoArguments& none);
void describe(describe::Fields& fields, AttachRequest& request);
void describe(describe::Fields& fields, DetachRequest& request);
void describe(describe::Fields& fields, ListRequest& request);
void describe(describe::Fields& fields, HookAddRequest& request);
void describe(describe::Fields& fields, HookRequest& request);
void describe(describe::Fields& fields, LinkRequest& request);
void describe(describe::Fields& fields, UnlinkRequest& request);
void describe(describe::Fields& fields, StatsRequest& request);
void describe(describe::Fields& fields, PanicRequest& request);
void describe(describe::Fields& fields, FlowsRequest& request);
void describe(describe::Fields& fields, SysctlSetRequest& request);

} // namespace pfild::control
