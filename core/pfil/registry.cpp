// SPDX-License-Identifier: BSD-2-Clause
#include "core/pfil/registry.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <unordered_map>
#include <utility>

namespace pfild::core {
namespace {

constexpr const char* kSeeHeads = "`bpfctl heads` lists them";
constexpr const char* kSeeHooks = "`bpfctl hooks` lists them";

/// Visible ASCII and not too long: what is safe to print and to type.
bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxNameLength &&
           std::all_of(text.begin(), text.end(), [](char letter) { return letter > ' ' && letter <= '~'; });
}

/// The first colon ends the module, as in pfilctl(8); the name may have more of them.
bool is_hook_name(std::string_view text) {
    const std::size_t colon = text.find(':');
    return colon != std::string_view::npos && is_name(text.substr(0, colon)) && is_name(text.substr(colon + 1));
}

std::string direction_words(Directions directions) {
    std::string words;
    for (const Direction direction : kEachDirection) {
        if (directions.has(direction)) {
            words += words.empty() ? "" : " and ";
            words += name(direction);
        }
    }
    return words;
}

Result<void> check_head_name(const char* what, std::string_view name) {
    if (!is_name(name)) {
        return fail({what, "head", "its name is not 1 to 63 visible ASCII characters", "choose another name", EINVAL});
    }
    return {};
}

template <typename RunOrder>
auto find_in(RunOrder& order, const std::shared_ptr<Hook>& hook) {
    return std::find(order.begin(), order.end(), hook);
}

} // namespace

Registry::~Registry() {
    held_ = false;
    if (!std::exchange(heads_, {}).empty()) {
        publish();
    }
}

Registry::Head* Registry::head_named(std::string_view name) {
    const auto found = std::find_if(heads_.begin(), heads_.end(), [&](const Head& h) { return h.spec.name == name; });
    return found == heads_.end() ? nullptr : &*found;
}

std::shared_ptr<Hook> Registry::hook_named(std::string_view name) const {
    const auto found =
        std::find_if(hooks_.begin(), hooks_.end(), [&](const auto& hook) { return hook->name() == name; });
    return found == hooks_.end() ? nullptr : *found;
}

// ---- heads

Result<void> Registry::register_head(HeadSpec spec) {
    constexpr const char* kWhat = "register head";
    if (auto checked = check_head_name(kWhat, spec.name); !checked) {
        return checked;
    }
    if (spec.directions.empty()) {
        return fail({kWhat, spec.name, "it has no direction", "give in, out or both", EINVAL});
    }
    if (spec.slot && (*spec.slot >= kInterfaceSlots || spec.type != HeadType::kEthernet)) {
        return fail(
            {kWhat, spec.name, "the head of an interface has type ethernet and a slot from 0 to 63", "", EINVAL});
    }
    const HeadKey key{spec.type, spec.slot};
    for (const Head& head : heads_) {
        if (head.spec.name == spec.name) {
            return fail({kWhat, spec.name, "there is a head of that name", kSeeHeads, EEXIST});
        }
        if (HeadKey{head.spec.type, head.spec.slot} == key) {
            return fail({kWhat, spec.name, "that filtering point is head " + head.spec.name, kSeeHeads, EEXIST});
        }
    }
    heads_.push_back({.spec = std::move(spec), .run_orders = {}});
    return {};
}

Result<void> Registry::unregister_head(std::string_view name) {
    const Head* head = head_named(name);
    if (head == nullptr) {
        return fail({"unregister head", std::string(name), "no such head", kSeeHeads, ENOENT});
    }
    heads_.erase(heads_.begin() + (head - heads_.data()));
    publish();
    return {};
}

Result<void> Registry::rename_head(std::string_view from, std::string to) {
    constexpr const char* kWhat = "rename head";
    Head* head = head_named(from);
    if (head == nullptr) {
        return fail({kWhat, std::string(from), "no such head", kSeeHeads, ENOENT});
    }
    if (auto checked = check_head_name(kWhat, to); !checked) {
        return checked;
    }
    const Head* other = head_named(to);
    if (other != nullptr && other != head) {
        return fail({kWhat, std::string(from), "there is a head named " + to, kSeeHeads, EEXIST});
    }
    head->spec.name = std::move(to);
    return {};
}

// ---- hooks

Result<void> Registry::add_hook(std::shared_ptr<Hook> hook) {
    constexpr const char* kWhat = "add hook";
    assert(hook != nullptr);
    if (!is_hook_name(hook->name())) {
        return fail({kWhat, "", "its name is not `MODULE:NAME`",
                     "each part has 1 to 63 visible ASCII characters, as in cbpf:no-telnet", EINVAL});
    }
    if (hook_named(hook->name()) != nullptr) {
        return fail(
            {kWhat, hook->name(), "there is a hook of that name", "delete it first, or choose another name", EEXIST});
    }
    if (hooks_.size() >= kMaxHooks) {
        return fail({kWhat, hook->name(), "there are " + std::to_string(kMaxHooks) + " hooks, the most there can be",
                     "delete one that is not needed", ENOBUFS});
    }
    hooks_.push_back(std::move(hook));
    return {};
}

Result<void> Registry::replace_hook(std::shared_ptr<Hook> hook) {
    constexpr const char* kWhat = "replace hook";
    const auto found =
        std::find_if(hooks_.begin(), hooks_.end(), [&](const auto& other) { return other->name() == hook->name(); });
    if (found == hooks_.end()) {
        return fail({kWhat, hook->name(), "no such hook", kSeeHooks, ENOENT});
    }
    bool linked = false;
    for (const Head& head : heads_) {
        for (const RunOrder& order : head.run_orders) {
            linked = linked || find_in(order, *found) != order.end();
        }
    }
    if (linked && (*found)->type() != hook->type()) {
        return fail({kWhat, hook->name(), "it is linked, and of another type", "unlink it first", EINVAL});
    }
    for (Head& head : heads_) {
        for (RunOrder& order : head.run_orders) {
            std::replace(order.begin(), order.end(), *found, hook);
        }
    }
    *found = std::move(hook);
    if (linked) {
        publish();
    }
    return {};
}

Result<void> Registry::remove_hook(std::string_view name) {
    const std::shared_ptr<Hook> hook = hook_named(name);
    if (hook == nullptr) {
        return fail({"delete hook", std::string(name), "no such hook", kSeeHooks, ENOENT});
    }
    bool linked = false;
    for (Head& head : heads_) {
        for (RunOrder& order : head.run_orders) {
            linked = std::erase(order, hook) != 0 || linked;
        }
    }
    if (linked) {
        publish();
    }
    std::erase(hooks_, hook);
    return {};
}

// ---- links

Result<Registry::Ends> Registry::find_ends(const char* what, const LinkRequest& request) {
    if (request.directions.empty()) {
        return fail({what, request.hook, "no direction given", "give in, out or both", EINVAL});
    }
    Head* head = head_named(request.head);
    if (head == nullptr) {
        return fail({what, request.hook, "no such head: " + request.head, kSeeHeads, ENOENT});
    }
    std::shared_ptr<Hook> hook = hook_named(request.hook);
    if (hook == nullptr) {
        return fail({what, request.hook, "no such hook", kSeeHooks, ENOENT});
    }
    return Ends{head, std::move(hook)};
}

Result<void> Registry::link(const LinkRequest& request) {
    constexpr const char* kWhat = "link";
    auto ends = find_ends(kWhat, request);
    if (!ends) {
        return tl::make_unexpected(std::move(ends.error()));
    }
    const HeadSpec& spec = ends->head->spec;
    if (ends->hook->type() != spec.type) {
        return fail({kWhat, request.hook,
                     "it has type " + std::string(name(ends->hook->type())) + ", head " + spec.name + " has type " +
                         std::string(name(spec.type)),
                     "link it to a head of its own type", EINVAL});
    }
    if (!request.directions.within(spec.directions)) {
        return fail({kWhat, request.hook,
                     "head " + spec.name + " filters " + direction_words(spec.directions) + " only",
                     "link it in that direction", EINVAL});
    }
    for (const Direction direction : kEachDirection) {
        const RunOrder& order = ends->head->run_orders[index(direction)];
        if (request.directions.has(direction) && find_in(order, ends->hook) != order.end()) {
            return fail({kWhat, request.hook,
                         "it is already linked to head " + spec.name + ' ' + std::string(name(direction)),
                         "unlink it first to move it", EEXIST});
        }
    }
    for (const Direction direction : kEachDirection) {
        if (request.directions.has(direction)) {
            RunOrder& order = ends->head->run_orders[index(direction)];
            const bool first = (direction == Direction::kIn) != request.append; // nearest the wire: first in, last out
            order.insert(first ? order.begin() : order.end(), ends->hook);
        }
    }
    publish();
    return {};
}

Result<void> Registry::unlink(const LinkRequest& request) {
    constexpr const char* kWhat = "unlink";
    auto ends = find_ends(kWhat, request);
    if (!ends) {
        return tl::make_unexpected(std::move(ends.error()));
    }
    std::size_t unlinked = 0;
    for (const Direction direction : kEachDirection) {
        if (request.directions.has(direction)) {
            unlinked += std::erase(ends->head->run_orders[index(direction)], ends->hook);
        }
    }
    if (unlinked == 0) {
        return fail({kWhat, request.hook,
                     "it is not linked to head " + request.head + ' ' + direction_words(request.directions),
                     "`bpfctl heads` shows the links", ENOENT});
    }
    publish();
    return {};
}

Result<void> Registry::set_run_order(std::string_view head_name, Direction direction,
                                     const std::vector<std::string>& hooks) {
    constexpr const char* kWhat = "link";
    const std::string object(head_name);
    Head* head = head_named(head_name);
    if (head == nullptr) {
        return fail({kWhat, object, "no such head", kSeeHeads, ENOENT});
    }
    if (!hooks.empty() && !head->spec.directions.has(direction)) {
        return fail({kWhat, object, "the head does not filter " + std::string(name(direction)), "", EINVAL});
    }
    std::unordered_map<std::string_view, const std::shared_ptr<Hook>*> by_name;
    for (const std::shared_ptr<Hook>& hook : hooks_) {
        by_name.emplace(hook->name(), &hook);
    }
    RunOrder order;
    for (const std::string& wanted : hooks) {
        const auto found = by_name.find(wanted);
        if (found == by_name.end()) {
            return fail({kWhat, wanted, "no such hook", kSeeHooks, ENOENT});
        }
        if (found->second == nullptr) {
            return fail({kWhat, wanted, "it is already linked to head " + object, "", EEXIST});
        }
        if ((*found->second)->type() != head->spec.type) {
            return fail({kWhat, wanted, "it has another type than head " + object, "", EINVAL});
        }
        order.push_back(*std::exchange(found->second, nullptr));
    }
    if (RunOrder& now = head->run_orders[index(direction)]; now != order) {
        now = std::move(order);
        publish();
    }
    return {};
}

// ---- what runs

void Registry::set_only(std::shared_ptr<Hook> hook) {
    if (only_ != hook) {
        only_ = std::move(hook);
        publish();
    }
}

void Registry::hold() {
    assert(!held_);
    held_ = true;
    changed_ = false;
}

void Registry::release() {
    assert(held_);
    held_ = false;
    if (changed_) {
        publish();
    }
}

std::shared_ptr<const Snapshot> Registry::linked_to_come() const {
    if (!held_ || !changed_) {
        return linked_;
    }
    const bool hidden_anew = only_ != nullptr && linked_ == current_;
    return hidden_anew ? snapshot() : linked();
}

std::shared_ptr<Snapshot> Registry::snapshot() const {
    if (only_ != nullptr) {
        auto snapshot = std::make_shared<Snapshot>();
        for (const Direction direction : kEachDirection) {
            snapshot->set_run_order({HeadType::kEthernet, std::nullopt}, direction, {&only_, 1});
        }
        return snapshot;
    }
    return linked();
}

std::shared_ptr<Snapshot> Registry::linked() const {
    auto snapshot = std::make_shared<Snapshot>();
    for (const Head& head : heads_) {
        for (const Direction direction : kEachDirection) {
            const RunOrder& order = head.run_orders[index(direction)];
            if (!order.empty()) {
                snapshot->set_run_order({head.spec.type, head.spec.slot}, direction, order);
            }
        }
    }
    return snapshot;
}

void Registry::publish() {
    if (held_) {
        changed_ = true;
        return;
    }
    auto next = snapshot();
    next->set_generation(++generation_);
    current_ = std::move(next);
    linked_ = only_ == nullptr ? current_ : linked();
    publisher_.publish(current_);
}

} // namespace pfild::core
