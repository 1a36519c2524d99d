// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/rules/lowered_hooks.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "core/chain/chain_program.h"

namespace pfild::rules {

LoweredHooks::~LoweredHooks() {
    for (const auto& [head, found] : found_) {
        if (found.chain) {
            chains_.hide(head);
        }
    }
}

core::Result<void> LoweredHooks::takes(const core::Hook& hook) const {
    core::ChainSpec spec{.place = ebpf::Place::kTc};
    core::ChainBlock& block = hook.type() == core::HeadType::kEthernet ? spec.link : spec.inet;
    block.hooks.push_back(*hook.lowering());
    const auto code = chain_program(spec);
    auto chain = code ? chains_.load(*code, spec.place, spec.size())
                      : core::fail({"run in the kernel", "", "it is too long", "", E2BIG});
    if (!chain) {
        return core::fail({"add hook", hook.name(), chain.error().why, "add it with --run auto", EOPNOTSUPP});
    }
    return {};
}

// What the kernel does not take is made shorter until it does.
LoweredHooks::Found LoweredHooks::make(const LaneHead& head) const {
    core::ChainLimit limit;
    const core::LaneHooks hooks = registry_.hooks_of(head.slot, head.direction);
    const auto before = found_.find(head);
    for (;;) {
        Found found{.placement = place_lane(hooks, head.direction, head.place, limit), .code = {}, .chain = nullptr};
        if (!found.placement.chain) {
            return found;
        }
        found.placement.chain->leave_fragments = fragments_ == core::Fragments::kDrop;
        const std::size_t size = found.placement.chain->size();
        limit.most = size - 1;
        auto code = chain_program(*found.placement.chain);
        if (!code) {
            limit.because = fmt::format("with it the hooks would be more than {} instructions for the kernel",
                                        ebpf::kMaxInstructions);
            continue;
        }
        found.code = *std::move(code);
        if (before != found_.end() && before->second.code == found.code &&
            before->second.placement.counting == found.placement.counting) {
            found.chain = before->second.chain;
            return found;
        }
        auto chain = chains_.load(found.code, head.place, size);
        if (chain) {
            found.chain = *std::move(chain);
            return found;
        }
        spdlog::warn("{}", chain.error().line());
        limit.because = chain.error().why;
    }
}

LoweredHooks::Next LoweredHooks::prepare(const std::set<LaneHead>& heads) const {
    Next next;
    for (const LaneHead& head : heads) {
        next.found_.emplace(head, make(head));
    }
    return next;
}

core::Result<void> LoweredHooks::keep_promises(const FoundAt& all) {
    for (const auto& [head, found] : all) {
        const bool in_front = head.place == ebpf::Place::kXdp;
        const LaneHead xdp{head.slot, head.direction, ebpf::Place::kXdp};
        if (!in_front && all.contains(xdp)) {
            continue; // what is behind it decides what it does not
        }
        if (const core::PlacedHook* broken = found.placement.broken_promise()) {
            return core::fail(
                {"run in the kernel", broken->hook->name(),
                 fmt::format("{} {}: {}", core::name(head.direction), ebpf::name(head.place), *broken->because),
                 "add it with --run auto, or change the order", EOPNOTSUPP});
        }
    }
    return {};
}

/// As if there were no hooks for the kernel: the head asks the engine.
LoweredHooks::Found LoweredHooks::without_chain(const LaneHead& head, std::string because) const {
    return {.placement = place_lane(registry_.hooks_of(head.slot, head.direction), head.direction, head.place,
                                    {.most = 0, .because = std::move(because)}),
            .code = {},
            .chain = nullptr};
}

void LoweredHooks::retire(Found&& found) {
    if (found.chain) {
        retired_.push_back(std::move(found));
        changed_ = true;
    }
}

void LoweredHooks::install(Next&& next) {
    for (auto& [head, found] : next.found_) {
        Found& now = found_[head];
        if (found.chain && found.chain != now.chain) {
            changed_ = true;
            if (auto shown = chains_.show(head, *found.chain); !shown) {
                spdlog::error("{}", shown.error().line());
                chains_.hide(head);
                found = without_chain(head, shown.error().why);
            }
        } else if (!found.chain && now.chain) {
            chains_.hide(head);
        }
        if (found.chain != now.chain) {
            retire(std::move(now));
        }
        now = std::move(found);
    }
    for (auto at = found_.begin(); at != found_.end();) {
        if (next.found_.contains(at->first)) {
            ++at;
            continue;
        }
        chains_.hide(at->first);
        retire(std::move(at->second));
        at = found_.erase(at);
    }
}

void LoweredHooks::await_old_chains() {
    if (!std::exchange(changed_, false)) {
        return;
    }
    chains_.await_packets();
    for (const Found& found : retired_) {
        const auto tallies = found.chain->tallies();
        for (std::size_t at = 0; at < tallies.size(); at++) {
            found.placement.counting[at]->add_past_tally(tallies[at]);
            found.placement.counting[at]->set_running_tally({}); // until refresh_counters()
        }
    }
    retired_.clear();
}

std::set<LaneHead> LoweredHooks::heads() const {
    std::set<LaneHead> heads;
    for (const auto& [head, found] : found_) {
        heads.insert(head);
    }
    return heads;
}

core::Directions LoweredHooks::chained(std::uint8_t slot) const {
    const auto any = [&](core::Direction direction) {
        return std::any_of(found_.begin(), found_.end(), [&](const auto& entry) {
            return entry.first.slot == slot && entry.first.direction == direction && entry.second.chain;
        });
    };
    return {any(core::Direction::kIn), any(core::Direction::kOut)};
}

const core::LanePlacement* LoweredHooks::placement(std::uint8_t slot, core::Direction direction) const {
    for (const ebpf::Place place : {ebpf::Place::kXdp, ebpf::Place::kTc}) {
        if (const auto found = found_.find({slot, direction, place}); found != found_.end()) {
            return &found->second.placement;
        }
    }
    return nullptr;
}

std::optional<ebpf::Place> LoweredHooks::place_of(const core::Hook& hook) const {
    for (const auto& [head, found] : found_) {
        const std::vector<core::Hook*>& there = found.placement.counting;
        if (found.chain && std::find(there.begin(), there.end(), &hook) != there.end()) {
            return head.place;
        }
    }
    return std::nullopt;
}

void LoweredHooks::refresh_counters() const {
    std::map<core::Hook*, core::HookTally> sums;
    for (const auto& [head, found] : found_) {
        for (const core::PlacedHook& placed : found.placement.hooks) {
            sums.try_emplace(placed.hook.get());
        }
        const auto tallies = found.chain ? found.chain->tallies() : std::vector<core::HookTally>();
        for (std::size_t at = 0; at < tallies.size(); at++) {
            sums[found.placement.counting[at]] += tallies[at];
        }
    }
    for (const auto& [hook, sum] : sums) {
        hook->set_running_tally(sum);
    }
}

} // namespace pfild::rules
