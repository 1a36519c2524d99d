// SPDX-License-Identifier: BSD-2-Clause
// See daemon/config_change.h.
#include "daemon/config_change.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace pfild {
namespace {

using Links = std::vector<core::LinkRequest>;

template <typename Item>
bool contains(const std::vector<Item>& list, const Item& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

/// What is in `from` and not, or not the same, in `other`.
template <typename Item>
std::vector<Item> only_in(const std::vector<Item>& from, const std::vector<Item>& other) {
    std::vector<Item> rest;
    std::copy_if(from.begin(), from.end(), std::back_inserter(rest),
                 [&](const Item& item) { return !contains(other, item); });
    return rest;
}

template <typename Item>
std::set<std::string> names(const std::vector<Item>& items) {
    std::set<std::string> all;
    for (const Item& item : items) {
        all.insert(item.name);
    }
    return all;
}

bool same(const core::LinkRequest& a, const core::LinkRequest& b) {
    return a.hook == b.hook && a.head == b.head && a.directions == b.directions && a.append == b.append;
}

Links at_head(const Links& links, const std::string& head) {
    Links found;
    std::copy_if(links.begin(), links.end(), std::back_inserter(found),
                 [&](const core::LinkRequest& link) { return link.head == head; });
    return found;
}

/// How the links of one head change.
struct HeadChange {
    Links end;  ///< in reverse order of making
    Links make; ///< in the order of the new file
};

/// `renewed` hooks lose their links, so these cannot be kept.
HeadChange change_of_head(const Links& old_links, const Links& new_links, const std::set<std::string>& renewed) {
    std::size_t kept = 0;
    while (kept < old_links.size() && kept < new_links.size() && same(old_links[kept], new_links[kept]) &&
           !renewed.contains(old_links[kept].hook)) {
        ++kept;
    }
    const auto offset = static_cast<std::ptrdiff_t>(kept);
    return {Links(old_links.rbegin(), old_links.rend() - offset), Links(new_links.begin() + offset, new_links.end())};
}

std::vector<std::string> heads_of(const Links& one, const Links& other) {
    std::vector<std::string> heads;
    for (const Links* links : {&one, &other}) {
        for (const core::LinkRequest& link : *links) {
            if (!contains(heads, link.head)) {
                heads.push_back(link.head);
            }
        }
    }
    return heads;
}

std::string words(core::Directions directions) {
    std::string list;
    for (const core::Direction direction : core::kEachDirection) {
        if (directions.has(direction)) {
            list += (list.empty() ? "" : " and ") + std::string(core::name(direction));
        }
    }
    return list;
}

std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(TcAttach how) { return std::string(kTcAttachNames.at(static_cast<std::size_t>(how))); }
std::string text(core::ExtensionHeaders what) {
    return std::string(core::kExtensionHeadersNames.at(static_cast<std::size_t>(what)));
}
std::string text(core::Fragments what) { return std::string(core::kFragmentsNames.at(static_cast<std::size_t>(what))); }
const std::string& text(const std::string& value) { return value; }

/// Calls `visit(key, member)` for each setting that a running daemon keeps as it was at its start.
template <typename Visit>
void each_kept(Visit visit) {
    visit("frames", &Config::frames);
    visit("flows", &Config::flows);
    visit("devices", &Config::devices);
    visit("capture_ring_kib", &Config::capture_ring_kib);
    visit("capture_buffer_kib", &Config::capture_buffer_kib);
    visit("flow_idle_s", &Config::flow_idle_s);
    visit("flow_tcp_idle_s", &Config::flow_tcp_idle_s);
    visit("tc_attach", &Config::tc_attach);
    visit("runtime_dir", &Config::runtime_dir);
}

std::vector<std::string> needs_restart(const Config& in_force, const Config& wanted) {
    std::vector<std::string> lines;
    const auto compare = [&](const char* key, const auto& now, const auto& then) {
        if (now != then) {
            lines.push_back(std::string(key) + ": " + text(now) + " stays in force, " + text(then) +
                            " needs a restart");
        }
    };
    each_kept([&](const char* key, auto setting) { compare(key, in_force.*setting, wanted.*setting); });
    compare("extension_headers", in_force.odd_packets.extension_headers, wanted.odd_packets.extension_headers);
    compare("fragments", in_force.odd_packets.fragments, wanted.odd_packets.fragments);
    return lines;
}

/// Who describes and inverts each action.
struct Describe {
    std::string operator()(const DetachAction& action) const { return "detach " + action.interface.name; }
    std::string operator()(const UnlinkAction& action) const {
        return "unlink " + action.link.hook + " from " + action.link.head + ", " + words(action.link.directions);
    }
    std::string operator()(const DeleteHookAction& action) const { return "delete hook " + action.hook.name; }
    std::string operator()(const AddHookAction& action) const { return "add hook " + action.hook.name; }
    std::string operator()(const LinkAction& action) const {
        return "link " + action.link.hook + " to " + action.link.head + ", " + words(action.link.directions) +
               (action.link.append ? ", append" : "");
    }
    std::string operator()(const AttachAction& action) const {
        return "attach " + action.interface.name + ", unknown " +
               std::string(core::kUnknownPacketsNames.at(static_cast<std::size_t>(action.interface.unknown))) +
               ", mode " + std::string(core::kHeadModeNames.at(static_cast<std::size_t>(action.interface.mode))) +
               (action.interface.position == core::HeadPosition::first ? ", position first" : "");
    }
};

struct Invert {
    ConfigAction operator()(const DetachAction& action) const { return AttachAction{action.interface}; }
    ConfigAction operator()(const UnlinkAction& action) const { return LinkAction{action.link}; }
    ConfigAction operator()(const DeleteHookAction& action) const { return AddHookAction{action.hook}; }
    ConfigAction operator()(const AddHookAction& action) const { return DeleteHookAction{action.hook}; }
    ConfigAction operator()(const LinkAction& action) const { return UnlinkAction{action.link}; }
    ConfigAction operator()(const AttachAction& action) const { return DetachAction{action.interface}; }
};

} // namespace

std::string told(const ConfigAction& action) { return std::visit(Describe{}, action); }

ConfigAction inverse(const ConfigAction& action) { return std::visit(Invert{}, action); }

ConfigChange inverse(const ConfigChange& change) {
    ConfigChange back;
    std::transform(change.actions.rbegin(), change.actions.rend(), std::back_inserter(back.actions),
                   [](const ConfigAction& action) { return inverse(action); });
    return back;
}

ConfigChange difference(const Config& old_config, const Config& new_config) {
    ConfigChange change;
    if (old_config.log_level != new_config.log_level) {
        change.log_level = new_config.log_level;
    }
    change.needs_restart = needs_restart(old_config, new_config);
    const auto gone = only_in(old_config.interfaces, new_config.interfaces);
    const auto fresh = only_in(new_config.interfaces, old_config.interfaces);
    const auto dead = only_in(old_config.hooks, new_config.hooks);
    const auto born = only_in(new_config.hooks, old_config.hooks);
    std::set<std::string> renewed = names(dead);
    renewed.merge(names(born));
    // The head of an interface lives and dies with its attachment, and its links with it.
    const std::set<std::string> gone_heads = names(gone);
    const std::set<std::string> fresh_heads = names(fresh);
    Links before_attach;
    Links after_attach;
    Links end_before_detach;
    Links end_after_detach;
    for (const std::string& head : heads_of(old_config.links, new_config.links)) {
        Links old_links = at_head(old_config.links, head);
        const bool new_head = gone_heads.contains(head) || fresh_heads.contains(head);
        HeadChange one = new_head
                             ? HeadChange{Links(old_links.rbegin(), old_links.rend()), at_head(new_config.links, head)}
                             : change_of_head(old_links, at_head(new_config.links, head), renewed);
        Links& end = gone_heads.contains(head) ? end_before_detach : end_after_detach;
        end.insert(end.end(), one.end.begin(), one.end.end());
        Links& make = fresh_heads.contains(head) ? after_attach : before_attach;
        make.insert(make.end(), one.make.begin(), one.make.end());
    }
    const auto append = [&](const auto& list, auto wrap) {
        std::transform(list.begin(), list.end(), std::back_inserter(change.actions), wrap);
    };
    append(end_before_detach, [](const core::LinkRequest& link) { return UnlinkAction{link}; });
    append(gone, [](const InterfaceConfig& interface) { return DetachAction{interface}; });
    append(end_after_detach, [](const core::LinkRequest& link) { return UnlinkAction{link}; });
    append(dead, [](const HookConfig& hook) { return DeleteHookAction{hook}; });
    append(born, [](const HookConfig& hook) { return AddHookAction{hook}; });
    append(before_attach, [](const core::LinkRequest& link) { return LinkAction{link}; });
    append(fresh, [](const InterfaceConfig& interface) { return AttachAction{interface}; });
    append(after_attach, [](const core::LinkRequest& link) { return LinkAction{link}; });
    return change;
}

void keep_what_needs_restart(Config& fresh, const Config& in_force) {
    each_kept([&](const char* /*key*/, auto setting) { fresh.*setting = in_force.*setting; });
    fresh.odd_packets = in_force.odd_packets;
}

ConfigChange from_nothing(const Config& config) {
    Config nothing;
    keep_what_needs_restart(nothing, config);
    ConfigChange change = difference(nothing, config);
    change.log_level = config.log_level;
    return change;
}

} // namespace pfild
