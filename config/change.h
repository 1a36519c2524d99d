// SPDX-License-Identifier: BSD-2-Clause
// How to get from one model to another. Pure: the actions are values; the daemon does them.
//
//     difference(old, new) --> change: actions, in the order in which they are done
//     apply_to(old, change)  --> new, exactly
//     inverse(change)      --> what leads back
//
// An action holds what was and what is to be, so each has an inverse that is exact. A hook that changes is replaced in
// place and keeps its links. Links change by head: what stands in the model is the list of links in the order of their
// making, what runs is the run order that follows from it, and the whole of it is set at once.
//
// The order of actions: interfaces that go, rules, interfaces that change or come. So no packet meets an interface
// whose rules are not there.
// Plain values; any thread.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/model.h"

namespace pfild::config {

/// An item that comes, goes or becomes another. => not both are nothing; both have the same name.
template <typename Item>
struct Replace {
    std::optional<Item> before;
    std::optional<Item> after;

    [[nodiscard]] const std::string& name() const { return before ? before->name : after->name; }
    friend bool operator==(const Replace&, const Replace&) = default;
};

using ReplaceInterface = Replace<Interface>;
using ReplaceHook = Replace<Hook>;
using ReplacePeer = Replace<Peer>;

struct ReplaceSettings {
    Settings before;
    Settings after;

    friend bool operator==(const ReplaceSettings&, const ReplaceSettings&) = default;
};

struct ReplacePanic {
    bool before;
    bool after;

    friend bool operator==(const ReplacePanic&, const ReplacePanic&) = default;
};

/// All links of one head.
struct ReplaceLinks {
    std::string head;
    std::vector<Link> before;
    std::vector<Link> after;

    friend bool operator==(const ReplaceLinks&, const ReplaceLinks&) = default;
};

using Action = std::variant<ReplaceSettings, ReplacePanic, ReplaceInterface, ReplaceHook, ReplaceLinks, ReplacePeer>;
using Change = std::vector<Action>;

/// => both are in order.
[[nodiscard]] Change difference(const Model& before, const Model& after);

/// Nothing of what runs is another one but whether packets meet it.
[[nodiscard]] bool only_enables(const ReplaceHook& action);

/// What takes an action back.
[[nodiscard]] Action inverse(const Action& action);
/// What takes back all of them, the last first.
[[nodiscard]] Change inverse(const Change& change);

/// => the model is in order and wants what the change calls `before`. It is in order afterwards.
void apply_to(Model& model, const Action& action);
void apply_to(Model& model, const Change& change);

/// One line for logs and `config diff`: `hook cbpf:a: changed`. Nothing: only owners change, so nothing that runs
/// does.
[[nodiscard]] std::optional<std::string> line_of(const Action& action);

/// `buffers: 16384 stays in force, 32768 needs a restart`, a line for each setting that a running daemon cannot change.
[[nodiscard]] std::vector<std::string> needs_restart(const Settings& in_force, const Settings& wanted);

} // namespace pfild::config
