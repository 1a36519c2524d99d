// SPDX-License-Identifier: BSD-2-Clause
// Chains as lowered hooks need them: programs that are loaded, and found by heads or not. In the kernel they are
// KernelChains, in tests a table. Control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "core/direction.h"
#include "core/error.h"
#include "core/pfil/hook_tally.h"
#include "ebpf/instruction.h"
#include "ebpf/place.h"

namespace pfild::rules {

/// A lane and a head of it. An IN lane may have two.
struct LaneHead {
    std::uint8_t slot;
    core::Direction direction;
    ebpf::Place place;

    friend bool operator<(const LaneHead& left, const LaneHead& right) {
        return std::tie(left.slot, left.direction, left.place) < std::tie(right.slot, right.direction, right.place);
    }
    friend bool operator==(const LaneHead&, const LaneHead&) = default;
};

/// At its end it is unloaded, unless a head finds it.
class LoadedChain {
  public:
    LoadedChain() = default;
    LoadedChain(const LoadedChain&) = delete;
    LoadedChain& operator=(const LoadedChain&) = delete;
    LoadedChain(LoadedChain&&) = delete;
    LoadedChain& operator=(LoadedChain&&) = delete;
    virtual ~LoadedChain() = default;
    /// By hook; sums over all processors.
    [[nodiscard]] virtual std::vector<core::HookTally> tallies() const = 0;
    /// Runs it over frames, which it counts as packets: the nanoseconds of each. Nothing: it could not be run.
    /// => no head finds it.
    [[nodiscard]] virtual std::optional<std::vector<std::uint32_t>>
    ns_of(std::span<const std::vector<std::uint8_t>> frames) const = 0;
};

class Chains {
  public:
    Chains() = default;
    Chains(const Chains&) = delete;
    Chains& operator=(const Chains&) = delete;
    Chains(Chains&&) = delete;
    Chains& operator=(Chains&&) = delete;
    virtual ~Chains() = default;

    /// => `code` is of core::chain_program(), for so many hooks. E2BIG, EACCES, EINVAL: the kernel does not take it.
    [[nodiscard]] virtual core::Result<std::shared_ptr<LoadedChain>> load(std::span<const ebpf::Instruction> code,
                                                                          ebpf::Place place, std::size_t hooks) = 0;
    /// That head finds it from now on, in place of what it has found. After an error it finds what it did.
    [[nodiscard]] virtual core::Result<void> show(const LaneHead& head, const LoadedChain& chain) = 0;
    /// That head finds none, and asks the engine.
    virtual void hide(const LaneHead& head) noexcept = 0;
    /// Returns when no packet is in a chain any more that heads found before, and find no more.
    virtual void await_packets() noexcept = 0;
};

} // namespace pfild::rules
