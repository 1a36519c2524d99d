// SPDX-License-Identifier: BSD-2-Clause
// See config/model.h.
#include "config/model.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fnmatch.h>

#include "core/pfil/registry.h"

namespace pfild::config {
namespace {

constexpr std::size_t kMaxInterfaceName = 127; // of an alternative name; ALTIFNAMSIZ without its NUL

bool visible(char c) { return c > ' ' && c <= '~'; }

bool is_name(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), visible);
}

template <typename Item>
const Item* find_named(const std::vector<Item>& items, std::string_view name) {
    const auto found = std::lower_bound(items.begin(), items.end(), name,
                                        [](const Item& item, std::string_view wanted) { return item.name < wanted; });
    return found == items.end() || found->name != name ? nullptr : &*found;
}

/// Of patterns that mean a name.
const Interface* closest(const std::vector<const Interface*>& patterns, const std::string& name) {
    const Interface* found = nullptr;
    for (const Interface* const one : patterns) {
        if (means(one->name, name) && (found == nullptr || is_closer(one->name, found->name))) {
            found = one;
        }
    }
    return found;
}

/// Collects what is wrong with the links of a model.
class LinkCheck {
  public:
    LinkCheck(const Model& model, std::vector<Flaw>& found) : found_(found) {
        for (const Hook& hook : model.hooks) {
            types_.emplace(hook.name, hook.type);
        }
        for (const Interface& interface : model.interfaces) {
            items_.emplace(interface.name, &interface);
            if (is_pattern(interface.name)) {
                patterns_.push_back(&interface);
            }
        }
    }

    void check(const Link& link, std::size_t index) {
        const auto add = [&](const char* key, std::string reason) {
            found_.push_back({Flaw::Item::kLink, index, key, std::move(reason)});
        };
        const auto hook = types_.find(link.hook);
        const Interface* const interface = item_at(link.head);
        const bool head_is_there = common_head(link.head) || interface != nullptr;
        if (hook == types_.end()) {
            add("hook", "there is no hook of that name");
        }
        if (!head_is_there) {
            add("head", "must be inet, inet6, ethernet or the name of an interface");
        } else if (hook != types_.end() && hook->second != type_of_head(link.head)) {
            add("hook", "is of type " + std::string(core::name(hook->second)) + ", the head of type " +
                            std::string(core::name(type_of_head(link.head))));
        }
        if (interface != nullptr && interface->mode == core::HeadMode::kTap) {
            add("head", "is an interface that is only tapped, which has no head");
        }
        if (interface != nullptr && !interface->wanted) {
            add("head", "is an interface that is not guarded");
        }
        if (link.directions.empty()) {
            add("directions", "must be in, out or both");
        }
        for (const core::Direction direction : core::kEachDirection) {
            if (link.directions.has(direction) && !linked_.emplace(link.head, link.hook, direction).second) {
                add("directions", "it is linked there already, direction " + std::string(core::name(direction)));
            }
        }
    }

  private:
    /// As item_of(); the model may not be in order yet.
    [[nodiscard]] const Interface* item_at(const std::string& head) const {
        const auto named = items_.find(head);
        return named != items_.end() ? named->second : is_pattern(head) ? nullptr : closest(patterns_, head);
    }

    std::vector<Flaw>& found_;
    std::map<std::string_view, core::HeadType> types_;
    std::map<std::string_view, const Interface*> items_;
    std::vector<const Interface*> patterns_;
    std::set<std::tuple<std::string_view, std::string_view, core::Direction>> linked_;
};

void check_settings(const Settings& settings, std::vector<Flaw>& found) {
    if (!std::has_single_bit(settings.capture_ring_kib)) {
        found.push_back({Flaw::Item::kSettings, 0, "capture_ring_kib", "must be a power of two"});
    }
    for (const auto& [key, folder] :
         {std::pair("runtime_dir", settings.runtime_dir), std::pair("state_dir", settings.state_dir)}) {
        if (folder.empty() || folder.front() != '/') {
            found.push_back({Flaw::Item::kSettings, 0, key, "must begin with a slash"});
        }
    }
}

void check_interfaces(const Model& model, std::vector<Flaw>& found) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < model.interfaces.size(); ++i) {
        const std::string& name = model.interfaces[i].name;
        if (!is_interface_name(name)) {
            found.push_back(
                {Flaw::Item::kInterface, i, "name", "must be 1 to 127 visible ASCII characters without a slash"});
        } else if (common_head(name)) {
            found.push_back({Flaw::Item::kInterface, i, "name", "'" + name + "' is the name of a head"});
        } else if (!seen.insert(name).second) {
            found.push_back({Flaw::Item::kInterface, i, "name", "'" + name + "' is there twice"});
        }
    }
}

void check_hooks(const Model& model, std::vector<Flaw>& found) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < model.hooks.size(); ++i) {
        const Hook& hook = model.hooks[i];
        if (!is_hook_name(hook.name)) {
            found.push_back(
                {Flaw::Item::kHook, i, "name", "must be MODULE:NAME, each of 1 to 63 visible ASCII characters"});
        } else if (!seen.insert(hook.name).second) {
            found.push_back({Flaw::Item::kHook, i, "name", "'" + hook.name + "' is there twice"});
        }
        if (hook.filter && !is_filter_text(*hook.filter)) {
            found.push_back({Flaw::Item::kHook, i, "filter", "must not hold control characters"});
        }
        if (!hook.filter && hook.program.empty()) {
            found.push_back({Flaw::Item::kHook, i, "filter", "is missing, and there is no program either"});
        }
    }
    if (model.hooks.size() > core::kMaxHooks) {
        found.push_back({Flaw::Item::kHook, core::kMaxHooks, "name",
                         "is one too many: there can be " + std::to_string(core::kMaxHooks) + " hooks"});
    }
}

void check_peers(const Model& model, std::vector<Flaw>& found) {
    std::map<std::uint32_t, std::string_view> seen;
    for (std::size_t i = 0; i < model.peers.size(); ++i) {
        const Peer& peer = model.peers[i];
        const auto [same, is_new] = seen.emplace(peer.uid, peer.name);
        if (!is_new) {
            found.push_back({Flaw::Item::kPeer, i, "user",
                             "'" + peer.name + "' is there twice" +
                                 (same->second == peer.name ? "" : ", as '" + std::string(same->second) + "', too")});
        }
    }
}

} // namespace

void put_in_order(Model& model) {
    const auto by_name = [](const auto& one, const auto& other) { return one.name < other.name; };
    std::stable_sort(model.interfaces.begin(), model.interfaces.end(), by_name);
    std::stable_sort(model.hooks.begin(), model.hooks.end(), by_name);
    std::stable_sort(model.peers.begin(), model.peers.end(), by_name);
    std::stable_sort(model.links.begin(), model.links.end(),
                     [](const Link& one, const Link& other) { return one.head < other.head; });
}

const Interface* find_interface(const Model& model, std::string_view name) {
    return find_named(model.interfaces, name);
}

const Hook* find_hook(const Model& model, std::string_view name) { return find_named(model.hooks, name); }

const Interface* item_of(const Model& model, std::string_view name) {
    const Interface* const named = find_interface(model, name);
    if (named != nullptr || is_pattern(name)) {
        return named;
    }
    std::vector<const Interface*> patterns;
    for (const Interface& one : model.interfaces) {
        if (is_pattern(one.name)) {
            patterns.push_back(&one);
        }
    }
    return closest(patterns, std::string(name));
}

std::vector<Link> links_at(const Model& model, std::string_view head) {
    std::vector<Link> found;
    std::copy_if(model.links.begin(), model.links.end(), std::back_inserter(found),
                 [head](const Link& link) { return link.head == head; });
    return found;
}

bool is_met(const Model& model, const Link& link) {
    const Hook* const hook = find_hook(model, link.hook);
    return hook == nullptr || hook->enabled;
}

// Linked without append, a hook comes first IN and last OUT: nearest the wire.
std::vector<std::string> run_order(const std::vector<Link>& links, core::Direction direction) {
    std::vector<std::string> first; // the last of them runs first
    std::vector<std::string> last;
    for (const Link& link : links) {
        if (link.directions.has(direction)) {
            const bool in_front = (direction == core::Direction::kIn) != link.append;
            (in_front ? first : last).push_back(link.hook);
        }
    }
    std::vector<std::string> order(first.rbegin(), first.rend());
    order.insert(order.end(), last.begin(), last.end());
    return order;
}

std::optional<core::HeadType> common_head(std::string_view name) { return core::head_type_named(name); }

core::HeadType type_of_head(std::string_view name) { return common_head(name).value_or(core::HeadType::kEthernet); }

bool is_interface_name(std::string_view name) {
    return is_name(name, kMaxInterfaceName) && name.find('/') == std::string_view::npos;
}

bool is_pattern(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

bool means(const std::string& pattern, const std::string& name) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

bool is_closer(const std::string& one, const std::string& other) {
    return one.size() != other.size() ? one.size() > other.size() : one < other;
}

bool is_hook_name(std::string_view name) {
    const std::size_t colon = name.find(':');
    return colon != std::string_view::npos && is_name(name.substr(0, colon), core::kMaxNameLength) &&
           is_name(name.substr(colon + 1), core::kMaxNameLength);
}

bool is_filter_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == '\x7f';
    });
}

std::vector<Flaw> flaws(const Model& model) {
    std::vector<Flaw> found;
    check_settings(model.settings, found);
    check_interfaces(model, found);
    check_hooks(model, found);
    check_peers(model, found);
    LinkCheck links(model, found);
    for (std::size_t i = 0; i < model.links.size(); ++i) {
        links.check(model.links[i], i);
    }
    return found;
}

} // namespace pfild::config
