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

/// Of the head itself if it has such a one, so that it finds what it did.
core::Result<std::shared_ptr<LoadedChain>> LoweredHooks::load(const LaneHead& head, const Found& found,
                                                              Attempts& attempts) const {
    const auto is_same = [&](const LaneHead& at, const Found& one) {
        return one.chain && at.place == head.place && one.code == found.code &&
               one.placement.counting == found.placement.counting;
    };
    if (const auto own = found_.find(head); own != found_.end() && is_same(head, own->second)) {
        return own->second.chain;
    }
    const auto other =
        std::find_if(found_.begin(), found_.end(), [&](const auto& one) { return is_same(one.first, one.second); });
    if (other != found_.end()) {
        return other->second.chain;
    }
    const auto tried = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& one) {
        return one.place == head.place && one.code == found.code && one.counting == found.placement.counting;
    });
    if (tried != attempts.end()) {
        return tried->chain;
    }
    auto chain = chains_.load(found.code, head.place, found.placement.chain->size());
    if (!chain) {
        spdlog::warn("{}", chain.error().line());
    }
    attempts.push_back({head.place, found.code, found.placement.counting, chain});
    return chain;
}

// What the kernel does not take is made shorter until it does.
LoweredHooks::Found LoweredHooks::make(const LaneHead& head, Attempts& attempts) const {
    core::ChainLimit limit;
    const core::LaneHooks hooks = registry_.hooks_of(head.slot, head.direction);
    for (;;) {
        Found found{.placement = place_lane(hooks, head.direction, head.place, limit), .code = {}, .chain = nullptr};
        if (!found.placement.chain) {
            return found;
        }
        found.placement.chain->leave_fragments = fragments_ == core::Fragments::kDrop;
        limit.most = found.placement.chain->size() - 1;
        auto code = chain_program(*found.placement.chain);
        if (!code) {
            limit.because = fmt::format("with it the hooks would be more than {} instructions for the kernel",
                                        ebpf::kMaxInstructions);
            continue;
        }
        found.code = *std::move(code);
        auto chain = load(head, found, attempts);
        if (chain) {
            found.chain = *std::move(chain);
            return found;
        }
        limit.because = chain.error().why;
    }
}

LoweredHooks::Next LoweredHooks::prepare(const std::set<LaneHead>& heads) const {
    Next next;
    Attempts attempts;
    for (const LaneHead& head : heads) {
        next.found_.emplace(head, make(head, attempts));
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
    std::set<const LoadedChain*> settled;
    for (const auto& [head, found] : found_) {
        settled.insert(found.chain.get()); // some lane asks it still
    }
    for (const Found& found : retired_) {
        if (!settled.insert(found.chain.get()).second) {
            continue;
        }
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
    std::set<const LoadedChain*> read;
    for (const auto& [head, found] : found_) {
        for (const core::PlacedHook& placed : found.placement.hooks) {
            sums.try_emplace(placed.hook.get());
        }
        const bool is_new = found.chain && read.insert(found.chain.get()).second;
        const auto tallies = is_new ? found.chain->tallies() : std::vector<core::HookTally>();
        for (std::size_t at = 0; at < tallies.size(); at++) {
            sums[found.placement.counting[at]] += tallies[at];
        }
    }
    for (const auto& [hook, sum] : sums) {
        hook->set_running_tally(sum);
    }
}

} // namespace pfild::rules
