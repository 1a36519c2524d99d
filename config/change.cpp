// SPDX-License-Identifier: BSD-2-Clause
// See config/change.h.
#include "config/change.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace pfild::config {
namespace {

/// The differences of two lists that are sorted by name.
template <typename Item>
std::vector<Replace<Item>> replaced(const std::vector<Item>& before, const std::vector<Item>& after) {
    std::vector<Replace<Item>> found;
    auto old = before.begin();
    auto fresh = after.begin();
    while (old != before.end() || fresh != after.end()) {
        if (fresh == after.end() || (old != before.end() && old->name < fresh->name)) {
            found.push_back({*old++, std::nullopt});
        } else if (old == before.end() || fresh->name < old->name) {
            found.push_back({std::nullopt, *fresh++});
        } else {
            if (!(*old == *fresh)) {
                found.push_back({*old, *fresh});
            }
            ++old;
            ++fresh;
        }
    }
    return found;
}

using LinkIterator = std::vector<Link>::const_iterator;

LinkIterator end_of_head(LinkIterator begin, LinkIterator end) {
    return std::find_if(begin, end, [&](const Link& link) { return link.head != begin->head; });
}

/// The differences of two lists that are sorted by head.
std::vector<ReplaceLinks> replaced_links(const std::vector<Link>& before, const std::vector<Link>& after) {
    std::vector<ReplaceLinks> found;
    auto old = before.begin();
    auto fresh = after.begin();
    while (old != before.end() || fresh != after.end()) {
        const bool of_old = old != before.end() && (fresh == after.end() || old->head <= fresh->head);
        const std::string& head = of_old ? old->head : fresh->head;
        const auto old_end = old != before.end() && old->head == head ? end_of_head(old, before.end()) : old;
        const auto fresh_end = fresh != after.end() && fresh->head == head ? end_of_head(fresh, after.end()) : fresh;
        if (!std::equal(old, old_end, fresh, fresh_end)) {
            found.push_back({head, {old, old_end}, {fresh, fresh_end}});
        }
        old = old_end;
        fresh = fresh_end;
    }
    return found;
}

template <typename Item>
void put(std::vector<Item>& items, const Replace<Item>& action) {
    const auto at = std::lower_bound(items.begin(), items.end(), action.name(),
                                     [](const Item& item, const std::string& name) { return item.name < name; });
    if (action.before && action.after) {
        *at = *action.after;
    } else if (action.before) {
        items.erase(at);
    } else {
        items.insert(at, *action.after);
    }
}

struct Put {
    Model& model;

    void operator()(const ReplaceSettings& action) const { model.settings = action.after; }
    void operator()(const ReplacePanic& action) const { model.panic = action.after; }
    void operator()(const ReplaceInterface& action) const { put(model.interfaces, action); }
    void operator()(const ReplaceHook& action) const { put(model.hooks, action); }
    void operator()(const ReplacePeer& action) const { put(model.peers, action); }
    void operator()(const ReplaceLinks& action) const {
        const auto before_head = [&](const Link& link) { return link.head < action.head; };
        const auto begin = std::partition_point(model.links.begin(), model.links.end(), before_head);
        const auto end =
            std::find_if(begin, model.links.end(), [&](const Link& link) { return link.head != action.head; });
        const auto at = model.links.erase(begin, end);
        model.links.insert(at, action.after.begin(), action.after.end());
    }
};

struct Invert {
    template <typename Some>
    Action operator()(const Some& action) const {
        Some inverted = action;
        std::swap(inverted.before, inverted.after);
        return inverted;
    }
};

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : " ") + name;
    }
    return text.empty() ? "none" : text;
}

using Line = std::optional<std::string>;

template <typename Item>
std::string what_became(const char* what, const Replace<Item>& action) {
    return what + (' ' + action.name()) + ": " +
           (action.before && action.after ? "changed"
            : action.before               ? "removed"
                                          : "added");
}

/// `what` of an item: without its owner it may be the same as before.
template <typename Item>
Line line(const char* what, const Replace<Item>& action) {
    if (action.before && action.after) {
        Item same_owner = *action.after;
        same_owner.owner = action.before->owner;
        if (same_owner == *action.before) {
            return {};
        }
    }
    return what_became(what, action);
}

struct LineOf {
    Line operator()(const ReplaceSettings& /*action*/) const { return "settings: changed"; }
    Line operator()(const ReplacePanic& action) const { return action.after ? "panic: on" : "panic: off"; }
    Line operator()(const ReplaceInterface& action) const { return line("interface", action); }
    Line operator()(const ReplaceHook& action) const {
        if (only_enables(action)) {
            return "hook " + action.name() + (action.after->enabled ? ": enabled" : ": disabled");
        }
        return line("hook", action);
    }
    Line operator()(const ReplacePeer& action) const { return what_became("peer", action); }
    Line operator()(const ReplaceLinks& action) const {
        std::string text;
        for (const core::Direction direction : core::kEachDirection) {
            const auto now = run_order(action.before, direction);
            const auto then = run_order(action.after, direction);
            if (now != then) {
                text += (text.empty() ? "" : "; ") + std::string(core::name(direction)) + ' ' + joined(now) + " -> " +
                        joined(then);
            }
        }
        return text.empty() ? Line() : "links of " + action.head + ": " + text;
    }
};

std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(TcAttach how) { return std::string(kTcAttachNames.at(static_cast<std::size_t>(how))); }
std::string text(core::ExtensionHeaders what) {
    return std::string(core::kExtensionHeadersNames.at(static_cast<std::size_t>(what)));
}
std::string text(core::Fragments what) { return std::string(core::kFragmentsNames.at(static_cast<std::size_t>(what))); }
const std::string& text(const std::string& value) { return value; }

} // namespace

Change difference(const Model& before, const Model& after) {
    Change change;
    if (!(before.settings == after.settings)) {
        change.emplace_back(ReplaceSettings{before.settings, after.settings});
    }
    if (before.panic != after.panic) {
        change.emplace_back(ReplacePanic{before.panic, after.panic});
    }
    const std::vector<ReplaceInterface> interfaces = replaced(before.interfaces, after.interfaces);
    const auto goes = [](const ReplaceInterface& one) { return !one.after; };
    std::copy_if(interfaces.begin(), interfaces.end(), std::back_inserter(change), goes);
    for (ReplaceHook& hook : replaced(before.hooks, after.hooks)) {
        change.emplace_back(std::move(hook));
    }
    for (ReplaceLinks& links : replaced_links(before.links, after.links)) {
        change.emplace_back(std::move(links));
    }
    std::copy_if(interfaces.begin(), interfaces.end(), std::back_inserter(change), std::not_fn(goes));
    for (ReplacePeer& peer : replaced(before.peers, after.peers)) {
        change.emplace_back(std::move(peer));
    }
    return change;
}

bool only_enables(const ReplaceHook& action) {
    if (!action.before || !action.after || action.before->enabled == action.after->enabled) {
        return false;
    }
    Hook same = *action.after;
    same.enabled = action.before->enabled;
    same.owner = action.before->owner;
    return same == *action.before;
}

Action inverse(const Action& action) { return std::visit(Invert{}, action); }

Change inverse(const Change& change) {
    Change back;
    std::transform(change.rbegin(), change.rend(), std::back_inserter(back),
                   [](const Action& action) { return inverse(action); });
    return back;
}

void apply_to(Model& model, const Action& action) { std::visit(Put{model}, action); }

void apply_to(Model& model, const Change& change) {
    for (const Action& action : change) {
        apply_to(model, action);
    }
}

std::optional<std::string> line_of(const Action& action) { return std::visit(LineOf{}, action); }

std::vector<std::string> needs_restart(const Settings& in_force, const Settings& wanted) {
    std::vector<std::string> lines;
    const auto compare = [&](const char* key, auto setting) {
        if (in_force.*setting != wanted.*setting) {
            lines.push_back(std::string(key) + ": " + text(in_force.*setting) + " stays in force, " +
                            text(wanted.*setting) + " needs a restart");
        }
    };
    compare("buffers", &Settings::buffers);
    compare("flows", &Settings::flows);
    compare("devices", &Settings::devices);
    compare("capture_ring_kib", &Settings::capture_ring_kib);
    compare("capture_buffer_kib", &Settings::capture_buffer_kib);
    compare("flow_idle_s", &Settings::flow_idle_s);
    compare("flow_tcp_idle_s", &Settings::flow_tcp_idle_s);
    compare("tc_attach", &Settings::tc_attach);
    compare("runtime_dir", &Settings::runtime_dir);
    compare("state_dir", &Settings::state_dir);
    compare("extension_headers", &Settings::extension_headers);
    compare("fragments", &Settings::fragments);
    return lines;
}

} // namespace pfild::config
