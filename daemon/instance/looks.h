// SPDX-License-Identifier: BSD-2-Clause
// What is shown of an instance: a row for each verb that only looks, over what runs and what is wanted.
//
// Control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "config/model.h"
#include "control/asking.h"
#include "control/peer.h"
#include "control/views.h"
#include "daemon/instance/orchestrator.h"
#include "daemon/rules/transaction.h"

namespace pfild {

/// What there is to be looked at.
struct Seen {
    Orchestrator& orchestrator;
    const rules::Transaction& transaction;
    std::string started_from{}; ///< with what this daemon has begun
    std::string file{};         ///< of the configuration; empty: there is none
    control::Peer asker{};      ///< who looks
};

[[nodiscard]] std::span<const control::Look<Seen>> looks();

/// A head, there or not: of an interface that is not there, or of a pattern, as its links are wanted.
[[nodiscard]] control::HeadView head_seen(const Seen& seen, const std::string& name);
/// => there is one of that name.
[[nodiscard]] control::HookView hook_seen(const Seen& seen, const std::string& name);

} // namespace pfild
