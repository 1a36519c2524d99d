// SPDX-License-Identifier: BSD-2-Clause
// The verbs of the control protocol, a row each, in the order of its manual. A row says all that anybody has to know:
// the daemon dispatches it, the manual and the schemas are made of it, who may use it is decided by it.
//
// A verb is added here, its request and answer in requests and views. What it does is a method of Service; of one that
// only looks, a row of daemon/instance/looks.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "control/service.h"
#include "core/error.h"
#include "describe/shape.h"

namespace pfild::control {

/// Who may use a verb, besides root and those whom the configuration gives it to.
enum class Who : std::uint8_t {
    kReaders, ///< members of the group pfild, too
    kRoot,
};

struct Verb {
    std::string_view name;
    std::string_view sentence;
    Who who = Who::kRoot;
    bool changes = true;        ///< what is wanted, or what was counted
    bool guarded = false;       ///< by the lock-out guard, which `force` goes past
    bool streams = false;       ///< its answer may go on
    std::size_t most_bytes = 0; ///< of arguments that come in a memfd; 0: they come in the line only
    const describe::Shape& (*request)() = nullptr;
    const describe::Shape& (*answer)() = nullptr;
    /// Reads the arguments, EINVAL, and asks the service. => `itself` is this row, `arguments` is a table.
    core::Result<describe::Value> (*run)(const Verb& itself, Service& service, const AttachDefaults& defaults,
                                         const describe::Value& arguments) = nullptr;
    /// Of a verb that streams: what comes after the place, which goes there; `number` of the first answer is the first
    /// place. Nothing: it is yet to come.
    std::optional<describe::Value> (*next)(Service& service, std::uint64_t& place) = nullptr;
};

[[nodiscard]] std::span<const Verb> verbs();
[[nodiscard]] std::vector<std::string_view> verb_names();
/// nullptr: there is none of that name.
[[nodiscard]] const Verb* find_verb(std::string_view name);

} // namespace pfild::control
