// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/rules/hook_costs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "cbpf/machine.h"
#include "core/chain/chain_program.h"
#include "core/pfil/cbpf_hook.h"
#include "daemon/rules/sample_frames.h"

namespace pfild::rules {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kRoundNs = 20'000; ///< at least

/// Who looks at nothing.
const cbpf::Program& nothing() {
    constexpr std::uint16_t kReturn = 0x06; // BPF_RET | BPF_K
    static const cbpf::Program kNothing =
        *cbpf::Program::verify(std::array<cbpf::Instruction, 1>{{{kReturn, 0, 0, 0}}});
    return kNothing;
}

/// A chain whose hooks are all asked about every frame.
std::optional<std::vector<ebpf::Instruction>> chain_of(const std::vector<const cbpf::Program*>& programs,
                                                       core::HeadType type, ebpf::Place place) {
    core::ChainSpec spec{.place = place};
    core::ChainBlock& block = type == core::HeadType::kEthernet ? spec.link
                              : type == core::HeadType::kInet   ? spec.inet
                                                                : spec.inet6;
    for (const cbpf::Program* program : programs) {
        block.hooks.push_back({program, core::form_of(type), core::OnMatch::kCount});
    }
    return core::chain_program(spec);
}

/// `least`: of each frame, in the rounds so far. False: it does not run.
bool run_once_more(const LoadedChain& chain, std::span<const std::vector<std::uint8_t>> frames,
                   std::vector<std::uint32_t>& least) {
    const auto ns = chain.ns_of(frames);
    if (!ns) {
        return false;
    }
    least.resize(ns->size(), std::numeric_limits<std::uint32_t>::max());
    std::transform(ns->begin(), ns->end(), least.begin(), least.begin(),
                   [](std::uint32_t now, std::uint32_t before) { return std::min(now, before); });
    return true;
}

double mean(const std::vector<std::uint32_t>& figures) {
    return std::accumulate(figures.begin(), figures.end(), 0.0) / static_cast<double>(figures.size());
}

} // namespace

double HookCosts::engine_ns(const core::Lowering& lowering, core::HeadType type) const {
    const cbpf::Machine machine(*lowering.program);
    const auto frames = sample_frames(type);
    const std::size_t skipped = type == core::HeadType::kEthernet ? 0 : kNetworkOfSample;
    std::vector<cbpf::Packet> packets;
    packets.reserve(frames.size());
    for (const auto& frame : frames) {
        packets.emplace_back(std::span(frame).subspan(skipped));
    }
    const auto pass_over_all = [&](std::size_t passes) {
        std::uint32_t wanted = 0;
        const std::uint64_t begun = now_();
        for (std::size_t pass = 0; pass < passes; ++pass) {
            for (const cbpf::Packet& packet : packets) {
                wanted += machine.run(packet);
            }
        }
        [[maybe_unused]] const volatile std::uint32_t used = wanted; // so that no run is left out
        return now_() - begun;
    };
    std::size_t passes = 1;
    std::uint64_t least_ns = pass_over_all(passes);
    while (least_ns < kRoundNs) { // so that looking at the clock is not what is measured
        passes *= 2;
        least_ns = pass_over_all(passes);
    }
    for (int round = 1; round < kRounds; ++round) {
        least_ns = std::min(least_ns, pass_over_all(passes));
    }
    return static_cast<double>(least_ns) / static_cast<double>(passes * packets.size());
}

std::optional<double> HookCosts::kernel_ns(const core::Lowering& lowering, core::HeadType type,
                                           ebpf::Place place) const {
    const auto load = [&](const std::vector<const cbpf::Program*>& programs) -> std::shared_ptr<LoadedChain> {
        const auto code = chain_of(programs, type, place);
        auto chain = code ? chains_.load(*code, place, programs.size()) : core::fail({});
        return chain ? *std::move(chain) : nullptr;
    };
    const auto without = load({&nothing()});
    const auto with = load({&nothing(), lowering.program});
    if (!without || !with) {
        return std::nullopt;
    }
    const auto frames = sample_frames(type);
    std::vector<std::uint32_t> least_without;
    std::vector<std::uint32_t> least_with;
    for (int round = 0; round < kRounds; ++round) { // in turn: what the machine does else hits both
        if (!run_once_more(*without, frames, least_without) || !run_once_more(*with, frames, least_with)) {
            return std::nullopt;
        }
    }
    return std::max(0.0, mean(least_with) - mean(least_without));
}

void HookCosts::measure(const std::vector<std::shared_ptr<core::Hook>>& hooks, const PlaceOf& place_of) const {
    const std::uint64_t begun = now_();
    for (const std::shared_ptr<core::Hook>& hook : hooks) {
        const auto lowering = hook->lowering();
        core::HookCost cost = hook->cost();
        const auto place = cost.kernel_ns || cost.kernel_refused ? std::nullopt : place_of(*hook);
        if (!lowering || (cost.engine_ns && !place)) {
            continue;
        }
        cost.engine_ns = cost.engine_ns ? cost.engine_ns : engine_ns(*lowering, hook->type());
        if (place) {
            cost.kernel_ns = kernel_ns(*lowering, hook->type(), *place);
            cost.kernel_refused = !cost.kernel_ns;
        }
        hook->set_cost(cost);
        if (now_() - begun >= kMostNs) {
            return;
        }
    }
}

} // namespace pfild::rules
