// SPDX-License-Identifier: BSD-2-Clause
// See config/edit.h.
#include "config/edit.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>
#include <vector>

namespace pfild::config {
namespace {

constexpr const char* kSeeHeads = "`bpfctl heads` lists them";
constexpr const char* kSeeHooks = "`bpfctl hooks` lists them";

using core::Direction;
using core::Directions;

/// Where an item of that name is or would be.
template <typename Items>
auto place_of(Items& items, std::string_view name) {
    return std::lower_bound(items.begin(), items.end(), name,
                            [](const auto& item, std::string_view wanted) { return item.name < wanted; });
}

template <typename Items>
bool has(Items& items, typename Items::iterator at, std::string_view name) {
    return at != items.end() && at->name == name;
}

bool has_head(const Model& model, std::string_view head) {
    const Interface* const interface = item_of(model, head);
    return common_head(head) || (interface != nullptr && interface->wanted && interface->mode != core::HeadMode::kTap);
}

std::string words(Directions directions) {
    std::string text;
    for (const Direction direction : core::kEachDirection) {
        if (directions.has(direction)) {
            text += (text.empty() ? "" : " and ") + std::string(core::name(direction));
        }
    }
    return text;
}

Directions both_of(Directions one, Directions other) {
    return {one.has(Direction::kIn) && other.has(Direction::kIn),
            one.has(Direction::kOut) && other.has(Direction::kOut)};
}

Directions without(Directions from, Directions what) {
    return {from.has(Direction::kIn) && !what.has(Direction::kIn),
            from.has(Direction::kOut) && !what.has(Direction::kOut)};
}

core::Result<void> find_ends(const char* what, const Model& model, std::string_view hook, std::string_view head,
                             Directions directions) {
    const std::string name(hook);
    if (directions.empty()) {
        return core::fail({what, name, "no direction given", "give in, out or both", EINVAL});
    }
    if (!has_head(model, head)) {
        return core::fail({what, name, "no such head: " + std::string(head), kSeeHeads, ENOENT});
    }
    if (find_hook(model, hook) == nullptr) {
        return core::fail({what, name, "no such hook", kSeeHooks, ENOENT});
    }
    return {};
}

/// Behind the last link of its head.
void append_link(Model& model, Link link) {
    const auto at = std::upper_bound(model.links.begin(), model.links.end(), link,
                                     [](const Link& one, const Link& other) { return one.head < other.head; });
    model.links.insert(at, std::move(link));
}

/// The owner that an item has in `running`, if that has it just so, and its files do.
template <typename Item>
void set_owner(Item& item, const std::vector<Item>& running) {
    item.owner = Owner::kFile;
    if (std::find(running.begin(), running.end(), item) == running.end()) {
        item.owner = Owner::kApplied;
    }
}

} // namespace

core::Result<void> add_interface(Model& model, Interface interface) {
    constexpr const char* kWhat = "attach";
    if (!is_interface_name(interface.name) || common_head(interface.name)) {
        return core::fail({kWhat, interface.name, "its name cannot be that of an interface with a head",
                           "1 to 127 visible ASCII characters without a slash, and not the name of a head", EINVAL});
    }
    const auto at = place_of(model.interfaces, interface.name);
    if (has(model.interfaces, at, interface.name)) {
        return core::fail({kWhat, interface.name, "it is already attached", "see `bpfctl status`", EEXIST});
    }
    model.interfaces.insert(at, std::move(interface));
    return {};
}

core::Result<void> remove_interface(Model& model, std::string_view name) {
    const auto at = place_of(model.interfaces, name);
    if (!has(model.interfaces, at, name)) {
        return core::fail({"detach", std::string(name), "it is not attached", "`bpfctl status` lists what is", ENODEV});
    }
    model.interfaces.erase(at);
    std::erase_if(model.links, [&](const Link& link) { return link.head == name || !has_head(model, link.head); });
    return {};
}

void leave_alone(Model& model, std::string_view name, Owner owner) {
    (void)remove_interface(model, name);
    (void)add_interface(model, {.name = std::string(name), .wanted = false, .owner = owner});
    std::erase_if(model.links, [&](const Link& link) { return link.head == name; });
}

void forget_left_alone(Model& model) {
    const auto is_needless = [&](const Interface& one) {
        const auto means_it = [&](const Interface& other) {
            return is_pattern(other.name) && other.wanted && means(other.name, one.name);
        };
        return !one.wanted && one.owner != Owner::kFile &&
               std::none_of(model.interfaces.begin(), model.interfaces.end(), means_it);
    };
    std::vector<std::string> needless;
    for (const Interface& one : model.interfaces) {
        if (is_needless(one)) {
            needless.push_back(one.name);
        }
    }
    for (const std::string& name : needless) {
        (void)remove_interface(model, name);
    }
}

void rename_interfaces(Model& model, const std::map<std::string, std::string>& names) {
    for (const auto& [from, to] : names) {
        if (!names.contains(to) && find_interface(model, from) != nullptr) {
            (void)remove_interface(model, to); // nothing of it is there any more
        }
    }
    const auto rename = [&](std::string& name) {
        if (const auto found = names.find(name); found != names.end()) {
            name = found->second;
        }
    };
    for (Interface& interface : model.interfaces) {
        rename(interface.name);
    }
    for (Link& link : model.links) {
        rename(link.head);
    }
    put_in_order(model);
    std::erase_if(model.links, [&](const Link& link) { return !has_head(model, link.head); });
}

core::Result<void> add_hook(Model& model, Hook hook) {
    constexpr const char* kWhat = "add hook";
    if (!is_hook_name(hook.name)) {
        return core::fail({kWhat, "", "its name is not `MODULE:NAME`",
                           "each part has 1 to 63 visible ASCII characters, as in cbpf:no-telnet", EINVAL});
    }
    const auto at = place_of(model.hooks, hook.name);
    if (has(model.hooks, at, hook.name)) {
        return core::fail(
            {kWhat, hook.name, "there is a hook of that name", "delete it first, or choose another name", EEXIST});
    }
    if (model.hooks.size() >= core::kMaxHooks) {
        return core::fail({kWhat, hook.name,
                           "there are " + std::to_string(core::kMaxHooks) + " hooks, the most there can be",
                           "delete one that is not needed", ENOBUFS});
    }
    model.hooks.insert(at, std::move(hook));
    return {};
}

core::Result<void> replace_hook(Model& model, Hook hook) {
    constexpr const char* kWhat = "replace hook";
    const auto at = place_of(model.hooks, hook.name);
    if (!has(model.hooks, at, hook.name)) {
        return core::fail({kWhat, hook.name, "no such hook", kSeeHooks, ENOENT});
    }
    if (at->type != hook.type) {
        return core::fail(
            {kWhat, hook.name,
             "it has type " + std::string(core::name(at->type)) + ", not " + std::string(core::name(hook.type)),
             "delete it, and add one of the other type", EINVAL});
    }
    *at = std::move(hook);
    return {};
}

core::Result<void> enable_hook(Model& model, std::string_view name, bool enabled, Owner owner) {
    const char* const what = enabled ? "enable hook" : "disable hook";
    const auto at = place_of(model.hooks, name);
    if (!has(model.hooks, at, name)) {
        return core::fail({what, std::string(name), "no such hook", kSeeHooks, ENOENT});
    }
    if (at->enabled == enabled) {
        return core::fail({what, std::string(name), enabled ? "it is enabled" : "it is disabled", kSeeHooks, EALREADY});
    }
    at->enabled = enabled;
    at->owner = owner;
    return {};
}

core::Result<void> remove_hook(Model& model, std::string_view name) {
    const auto at = place_of(model.hooks, name);
    if (!has(model.hooks, at, name)) {
        return core::fail({"delete hook", std::string(name), "no such hook", kSeeHooks, ENOENT});
    }
    model.hooks.erase(at);
    std::erase_if(model.links, [name](const Link& link) { return link.hook == name; });
    return {};
}

core::Result<void> link(Model& model, Link link) {
    constexpr const char* kWhat = "link";
    if (auto found = find_ends(kWhat, model, link.hook, link.head, link.directions); !found) {
        return found;
    }
    const core::HeadType type = find_hook(model, link.hook)->type;
    if (type != type_of_head(link.head)) {
        return core::fail({kWhat, link.hook,
                           "it has type " + std::string(core::name(type)) + ", head " + link.head + " has type " +
                               std::string(core::name(type_of_head(link.head))),
                           "link it to a head of its own type", EINVAL});
    }
    for (const Link& other : model.links) {
        const Directions twice = both_of(other.directions, link.directions);
        if (other.hook == link.hook && other.head == link.head && !twice.empty()) {
            return core::fail({kWhat, link.hook, "it is already linked to head " + link.head + ' ' + words(twice),
                               "unlink it first to move it", EEXIST});
        }
    }
    append_link(model, std::move(link));
    return {};
}

core::Result<void> unlink(Model& model, std::string_view hook, std::string_view head, Directions directions) {
    constexpr const char* kWhat = "unlink";
    if (auto found = find_ends(kWhat, model, hook, head, directions); !found) {
        return found;
    }
    bool unlinked = false;
    for (Link& link : model.links) {
        if (link.hook == hook && link.head == head) {
            unlinked = unlinked || !both_of(link.directions, directions).empty();
            link.directions = without(link.directions, directions);
        }
    }
    if (!unlinked) {
        return core::fail({kWhat, std::string(hook),
                           "it is not linked to head " + std::string(head) + ' ' + words(directions),
                           "`bpfctl heads` shows the links", ENOENT});
    }
    std::erase_if(model.links, [](const Link& link) { return link.directions.empty(); });
    return {};
}

Model with_others(const Model& files, const Model& others) {
    Model whole = files;
    whole.panic = others.panic;
    for (const Interface& interface : others.interfaces) {
        const Interface* const meant = item_of(files, interface.name);
        const bool files_want_it = !interface.wanted && meant != nullptr && meant->wanted;
        if (interface.owner != Owner::kFile && !files_want_it) {
            (void)add_interface(whole, interface);
        }
    }
    for (const Hook& hook : others.hooks) {
        if (hook.owner != Owner::kFile) {
            (void)add_hook(whole, hook);
        }
    }
    for (const Link& one : others.links) {
        if (one.owner == Owner::kFile || link(whole, one)) {
            continue;
        }
        for (const Direction direction : core::kEachDirection) { // the files may have one of them, too
            if (one.directions.has(direction)) {
                Link part = one;
                part.directions = {direction == Direction::kIn, direction == Direction::kOut};
                (void)link(whole, std::move(part));
            }
        }
    }
    return whole;
}

Model with_applied(const Model& file, const Model& running) {
    Model wanted = file;
    const auto set_owners = [](auto& items, const auto& in_force) {
        for (auto& item : items) {
            set_owner(item, in_force);
        }
    };
    set_owners(wanted.interfaces, running.interfaces);
    set_owners(wanted.hooks, running.hooks);
    set_owners(wanted.links, running.links);
    Model others = running;
    const auto is_replaced = [](const auto& item) {
        return item.owner == Owner::kFile || item.owner == Owner::kApplied;
    };
    std::erase_if(others.interfaces, is_replaced);
    std::erase_if(others.hooks, is_replaced);
    std::erase_if(others.links, is_replaced);
    return with_others(wanted, others);
}

} // namespace pfild::config
