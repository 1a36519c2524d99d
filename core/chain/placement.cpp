// SPDX-License-Identifier: BSD-2-Clause
#include "core/chain/placement.h"

#include <algorithm>
#include <array>

#include "cbpf/lower/lower.h"
#include "cbpf/lower/unfinished.h"
#include "pfild/chain.h"

namespace pfild::core {
namespace {

bool answers_per_flow(const Hook& hook) { return hook.answers().hold == Answers::Hold::kPerFlow; }

bool wants_kernel(const Hook& hook) {
    return hook.runs_in() == RunsIn::kKernel || (hook.runs_in() == RunsIn::kAutomatic && !answers_per_flow(hook));
}

/// Why it cannot be lowered, whatever stands in front of it.
std::optional<std::string> why_engine(const Hook& hook, ebpf::Place place) {
    const auto lowering = hook.lowering();
    if (!lowering) {
        return "it is no classic BPF program";
    }
    if (hook.runs_in() == RunsIn::kEngine) {
        return "it was asked to (--run engine)";
    }
    const auto lowered = cbpf::lower(*lowering->program, place, lowering->form);
    return lowered ? std::nullopt : std::optional(lowered.error().message);
}

class Placer {
  public:
    Placer(Direction direction, ebpf::Place place, const ChainLimit& limit)
        : place_(place), limit_(limit), spec_{.place = place, .direction = direction, .uncut = true} {}

    LanePlacement place(const LaneHooks& hooks) {
        if (spec_.direction == Direction::kIn) {
            std::optional<std::string> behind;
            add(hooks.link, spec_.link, behind);
            std::optional<std::string> behind_inet = behind;
            std::optional<std::string> behind_inet6 = behind;
            add(hooks.inet, spec_.inet, behind_inet);
            add(hooks.inet6, spec_.inet6, behind_inet6);
        } else {
            std::optional<std::string> behind;
            std::optional<std::string> behind_inet6;
            add(hooks.inet, spec_.inet, behind);
            add(hooks.inet6, spec_.inet6, behind_inet6);
            behind = behind ? behind : behind_inet6;
            add(hooks.link, spec_.link, behind);
        }
        return finish();
    }

  private:
    /// behind: a hook in front runs in the engine, in words.
    void add(const LaneHooks::Hooks& hooks, ChainBlock& block, std::optional<std::string>& behind) {
        for (const std::shared_ptr<Hook>& hook : hooks) {
            std::optional<std::string> because = behind;
            if (!because && spec_.size() == std::min<std::size_t>(limit_.most, PFILD_CHAIN_HOOKS)) {
                because = limit_.because.empty() ? "no more than " + std::to_string(PFILD_CHAIN_HOOKS) +
                                                       " hooks of a lane run in the kernel"
                                                 : limit_.because;
            } else if (!because) {
                because = why_engine(*hook, place_);
            }
            placement_.hooks.push_back({hook, because});
            if (because) {
                block.whole = false;
                behind = behind ? behind : "it is behind " + hook->name() + ", which runs in the engine";
                continue;
            }
            const Lowering lowering = *hook->lowering();
            block.hooks.push_back(lowering);
            if (cbpf::unfinished_of(*lowering.program, lowering.form).segments) {
                spec_.uncut = false;
            }
        }
    }

    LanePlacement finish() {
        const bool wanted = std::any_of(placement_.hooks.begin(), placement_.hooks.end(),
                                        [](const PlacedHook& one) { return !one.because && wants_kernel(*one.hook); });
        if (!wanted) {
            for (PlacedHook& one : placement_.hooks) {
                const bool is_known = one.hook->runs_in() == RunsIn::kAutomatic && answers_per_flow(*one.hook);
                if (!one.because || is_known) {
                    one.because = "no hook here wants every packet; what it says of a flow the kernel remembers";
                }
            }
            return std::move(placement_);
        }
        count(spec_.link);
        count(spec_.inet);
        count(spec_.inet6);
        placement_.chain = std::move(spec_);
        return std::move(placement_);
    }

    void count(const ChainBlock& block) {
        for (const Lowering& lowering : block.hooks) {
            const auto found =
                std::find_if(placement_.hooks.begin(), placement_.hooks.end(), [&](const PlacedHook& one) {
                    const auto other = one.hook->lowering();
                    return other && other->program == lowering.program;
                });
            placement_.counting.push_back(found->hook.get());
        }
    }

    ebpf::Place place_;
    const ChainLimit& limit_;
    ChainSpec spec_;
    LanePlacement placement_;
};

} // namespace

const PlacedHook* LanePlacement::broken_promise() const {
    const auto found = std::find_if(hooks.begin(), hooks.end(), [](const PlacedHook& one) {
        return one.because && one.hook->runs_in() == RunsIn::kKernel;
    });
    return found == hooks.end() ? nullptr : &*found;
}

LanePlacement place_lane(const LaneHooks& hooks, Direction direction, ebpf::Place place, const ChainLimit& limit) {
    return Placer(direction, place, limit).place(hooks);
}

} // namespace pfild::core
