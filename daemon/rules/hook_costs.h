// SPDX-License-Identifier: BSD-2-Clause
// What a hook costs: measured when somebody asks, once in a hook's life, and beside the packet path, which does nothing
// for it.
//
//     engine   its program as the engine runs it (cbpf::Machine), over sample frames (sample_frames.h)
//     kernel   a chain of a hook that looks at nothing and the hook, less a chain of the former alone, both run by
//              BPF_PROG_TEST_RUN: what one hook more costs, its counters with it. No head finds either chain.
//
// Each is the mean over the frames, each of which counts by the fastest of some rounds: all in the cache and the
// branches foreseen, so the least that a packet pays. Control thread, which is not to wait: what a listing has no time
// for, the next one measures.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/pfil/hook.h"
#include "daemon/rules/chains.h"
#include "ebpf/place.h"

namespace pfild::rules {

class HookCosts {
  public:
    using Clock = std::function<std::uint64_t()>; ///< nanoseconds
    /// Where in the kernel a hook runs; nothing: nowhere.
    using PlaceOf = std::function<std::optional<ebpf::Place>(const core::Hook& hook)>;

    static constexpr std::uint64_t kMostNs = 100'000'000; ///< of a call of measure(), but for the last measurement

    /// => `chains` outlives it.
    HookCosts(Chains& chains, Clock now) : chains_(chains), now_(std::move(now)) {}

    /// What is not known yet of these hooks, as far as time allows; at least one is measured.
    void measure(const std::vector<std::shared_ptr<core::Hook>>& hooks, const PlaceOf& place_of) const;

  private:
    [[nodiscard]] double engine_ns(const core::Lowering& lowering, core::HeadType type) const;
    [[nodiscard]] std::optional<double> kernel_ns(const core::Lowering& lowering, core::HeadType type,
                                                  ebpf::Place place) const;

    Chains& chains_;
    Clock now_;
};

} // namespace pfild::rules
