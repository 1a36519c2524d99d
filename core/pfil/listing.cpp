// SPDX-License-Identifier: BSD-2-Clause
// What a registry tells about itself: heads, hooks, links. Changes nothing.
#include <algorithm>

#include "core/pfil/registry.h"

namespace pfild::core {
namespace {

template <typename Item, typename Source, typename Describe>
std::size_t fill(std::span<Item> out, const Source& source, Describe describe) {
    const std::size_t count = std::min(out.size(), source.size());
    std::transform(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(count), out.begin(), describe);
    return source.size();
}

} // namespace

HeadInfo Registry::describe(const Head& head) {
    HeadInfo info{.name = head.spec.name,
                  .type = head.spec.type,
                  .directions = head.spec.directions,
                  .slot = head.spec.slot,
                  .hooks = {}};
    for (const Direction direction : kEachDirection) {
        for (const std::shared_ptr<Hook>& hook : head.run_orders[index(direction)]) {
            info.hooks[index(direction)].push_back(hook->name());
        }
    }
    return info;
}

HookInfo Registry::describe(const Hook& hook) const {
    HookInfo info{.name = hook.name(),
                  .type = hook.type(),
                  .module = std::string(hook.module()),
                  .answers = hook.answers(),
                  .runs_in = hook.runs_in(),
                  .upkeep = hook.upkeep(),
                  .program = hook.program_info(),
                  .tally = hook.tally(),
                  .cost = hook.cost(),
                  .links = {}};
    for (const Head& head : heads_) {
        for (const Direction direction : kEachDirection) {
            const RunOrder& order = head.run_orders[index(direction)];
            if (std::any_of(order.begin(), order.end(), [&](const auto& linked) { return linked.get() == &hook; })) {
                info.links.push_back({head.spec.name, direction});
            }
        }
    }
    return info;
}

std::size_t Registry::list_heads(std::span<HeadInfo> out) const {
    return fill(out, heads_, [](const Head& head) { return describe(head); });
}

std::size_t Registry::list_hooks(std::span<HookInfo> out) const {
    return fill(out, hooks_, [this](const std::shared_ptr<Hook>& hook) { return describe(*hook); });
}

std::vector<HeadInfo> Registry::heads() const {
    std::vector<HeadInfo> all(heads_.size());
    static_cast<void>(list_heads(all));
    return all;
}

std::vector<HookInfo> Registry::hooks() const {
    std::vector<HookInfo> all(hooks_.size());
    static_cast<void>(list_hooks(all));
    return all;
}

std::optional<HeadInfo> Registry::find_head(std::string_view name) const {
    for (const Head& head : heads_) {
        if (head.spec.name == name) {
            return describe(head);
        }
    }
    return std::nullopt;
}

std::optional<HeadInfo> Registry::find_head(HeadKey key) const {
    for (const Head& head : heads_) {
        if (HeadKey{head.spec.type, head.spec.slot} == key) {
            return describe(head);
        }
    }
    return std::nullopt;
}

std::optional<HookInfo> Registry::find_hook(std::string_view name) const {
    const std::shared_ptr<Hook> hook = hook_named(name);
    return hook == nullptr ? std::nullopt : std::optional(describe(*hook));
}

LaneHooks Registry::hooks_of(std::uint8_t slot, Direction direction) const {
    LaneHooks lane;
    if (only_ != nullptr) {
        lane.link = {only_};
        return lane;
    }
    const auto append = [&](LaneHooks::Hooks& list, HeadKey key) {
        for (const Head& head : heads_) {
            if (HeadKey{head.spec.type, head.spec.slot} == key) {
                const RunOrder& order = head.run_orders[index(direction)];
                list.insert(list.end(), order.begin(), order.end());
            }
        }
    };
    const HeadKey interface { HeadType::kEthernet, slot };
    const HeadKey ethernet{HeadType::kEthernet, std::nullopt};
    append(lane.link, direction == Direction::kIn ? interface : ethernet);
    append(lane.link, direction == Direction::kIn ? ethernet : interface);
    append(lane.inet, {HeadType::kInet, std::nullopt});
    append(lane.inet6, {HeadType::kInet6, std::nullopt});
    return lane;
}

} // namespace pfild::core
