// SPDX-License-Identifier: BSD-2-Clause
// What is wanted of an instance, as one value: settings, interfaces, hooks, links, peers.
//
//     NAME.toml, NAME.d/*.toml --read--> Model <--edits-- verbs of bpfctl
//                                          |
//                                          +--difference(old, new)--> actions --> what runs
//                                          +--canonical JSON--> what is kept, `config show`
//
// Each item has an owner, who may take it away again: the files, bpfctl, zones, `config apply`. A model that is in
// order
//
//     - has interfaces sorted by name, and no name twice; so for hooks and peers
//     - has links sorted by head. Links of one head stand in the order of their making, which gives the run order
//     - links a hook that is there, of the type of the head, at most once per head and direction
//
// put_in_order() sorts, flaws() tells the rest. Two models in order are equal if they want the same.
// Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cbpf/instruction.h"
#include "config/settings.h"
#include "core/direction.h"
#include "core/pfil/head_type.h"
#include "core/pfil/hook.h"
#include "core/pfil/on_match.h"

namespace pfild::config {

enum class Owner : std::uint8_t { kFile, kBpfctl, kZones, kApplied };
inline constexpr std::array<std::string_view, 4> kOwnerNames{"file", "bpfctl", "zones", "applied"};
static_assert(static_cast<std::size_t>(Owner::kApplied) + 1 == kOwnerNames.size());

/// An interface that is to be guarded, or all that a pattern means.
struct Interface {
    std::string name; ///< the kernel's, an alternative one, or a pattern
    core::FailMode unknown = core::FailMode::kPass;
    core::FailMode silent = core::FailMode::kDrop;
    core::HeadMode mode = core::HeadMode::kAutomatic;
    core::HeadPosition position = core::HeadPosition::kAnywhere;
    bool strict = false; ///< one that is made while pfild runs is down until it is guarded
    bool wanted = true;  ///< false: it is left alone, whatever pattern means it
    Owner owner = Owner::kFile;

    friend bool operator==(const Interface&, const Interface&) = default;
};

struct Hook {
    std::string name; ///< MODULE:NAME
    core::HeadType type = core::HeadType::kInet;
    core::OnMatch on_match = core::OnMatch::kDrop;
    std::optional<std::string> filter;      ///< what counts; nothing: there is only the program
    std::vector<cbpf::Instruction> program; ///< it verifies; empty: the filter is yet to be compiled
    core::RunsIn run = core::RunsIn::kAutomatic;
    core::Neighbours neighbours = core::Neighbours::kAutomatic;
    bool force = false; ///< it is taken also if it can match no packet of its type
    core::Compiled compiled = core::Compiled::kUnverified;
    bool enabled = true; ///< no packet meets a disabled one, but it keeps its links and their places
    Owner owner = Owner::kFile;

    friend bool operator==(const Hook&, const Hook&) = default;
};

struct Link {
    std::string hook;
    std::string head; ///< inet, inet6, ethernet, or the name of an interface, or a pattern that is one of an item
    core::Directions directions;
    bool append = false; ///< farthest from the wire of those that are linked by then; else nearest
    Owner owner = Owner::kFile;

    friend bool operator==(const Link&, const Link&) = default;
};

/// Somebody who may use some verbs of the control socket. The files alone say who.
struct Peer {
    std::string name;               ///< of the user, or his number in digits, as the files call him
    std::uint32_t uid = 0;          ///< what the name meant when the files were read; that is what counts
    std::vector<std::string> verbs; ///< of the control protocol, each once

    friend bool operator==(const Peer&, const Peer&) = default;
};
inline constexpr std::uint32_t kMaxUid = 4294967294; ///< one more means nobody in calls of the kernel

struct Model {
    Settings settings;
    bool panic = false; ///< all packets are dropped; the rest is as it is to be afterwards
    std::vector<Interface> interfaces;
    std::vector<Hook> hooks;
    std::vector<Link> links;
    std::vector<Peer> peers;

    friend bool operator==(const Model&, const Model&) = default;
};

/// Sorts a model; the links of one head keep their order.
void put_in_order(Model& model);

/// Nothing if there is none of that name. => the model is in order.
[[nodiscard]] const Interface* find_interface(const Model& model, std::string_view name);
[[nodiscard]] const Hook* find_hook(const Model& model, std::string_view name);
/// The item that interfaces of that name are guarded by: of that name, or else the closest pattern that means it.
/// Nothing: none, as far as names alone tell; the alternative names of an interface are the kernel's to know.
[[nodiscard]] const Interface* item_of(const Model& model, std::string_view name);
/// All links of a head, in the order of their making.
[[nodiscard]] std::vector<Link> links_at(const Model& model, std::string_view head);
/// Whether its hook is enabled.
[[nodiscard]] bool is_met(const Model& model, const Link& link);

/// Hooks of a head as packets of that direction meet them, for links in the order of their making (PF-20).
[[nodiscard]] std::vector<std::string> run_order(const std::vector<Link>& links, core::Direction direction);

/// Of a head that has this name; nothing: the name is that of an interface, whose head is one for Ethernet.
[[nodiscard]] std::optional<core::HeadType> common_head(std::string_view name);
[[nodiscard]] core::HeadType type_of_head(std::string_view name);

// What names can be.
[[nodiscard]] bool is_interface_name(std::string_view name); ///< 1 to 127 visible ASCII characters without a slash
[[nodiscard]] bool is_pattern(std::string_view name);        ///< it has a `*`, a `?` or a `[`
[[nodiscard]] bool is_hook_name(std::string_view name);
[[nodiscard]] bool is_filter_text(std::string_view text); ///< no control characters but tabs and ends of lines

/// Whether a pattern of the shell means a name. A pattern means the kernel's names alone, never an alternative one.
[[nodiscard]] bool means(const std::string& pattern, const std::string& name);
/// Of two patterns that mean the same name the longer one counts, and of two of one length the first in the alphabet.
[[nodiscard]] bool is_closer(const std::string& one, const std::string& other);

/// One thing that is wrong with a model.
struct Flaw {
    enum class Item : std::uint8_t { kSettings, kInterface, kHook, kLink, kPeer };
    Item item;
    std::size_t index; ///< in the model's list; of settings 0
    std::string key;   ///< "name"
    std::string reason;
};

/// Everything that keeps a model from being in order, except its sorting: names, doubles, links to nothing.
[[nodiscard]] std::vector<Flaw> flaws(const Model& model);

} // namespace pfild::config
