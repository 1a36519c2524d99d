// SPDX-License-Identifier: BSD-2-Clause
// The hooks that run in the kernel: keeps a chain for each lane up to date, and their counters together.
//
//     registry, held --prepare--> next chains, loaded, found by nobody
//     registry, released: engine and known flows are asked by the new rules
//              --install--> heads find the next chains        --await--> the last packet by an old one is through,
//                                                                         its counts are the hooks'
//
// A chain is replaced in one step, and what it leaves to the engine the engine asks all hooks about: so a packet is
// decided by old rules or by new ones, whoever does it, and after await_old_chains() by new ones only.
//
// Lanes that ask the same hooks, as with a link at `inet` all do, have one chain together: the kernel's verifier looks
// at it once a change, however many interfaces there are.
//
// Control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/chain/placement.h"
#include "core/direction.h"
#include "core/error.h"
#include "core/odd_packets.h"
#include "core/pfil/registry.h"
#include "daemon/rules/chains.h"
#include "ebpf/instruction.h"

namespace pfild::rules {

class LoweredHooks {
  public:
    /// => both outlive it. Fragments that are to be dropped are left to the engine, which does.
    LoweredHooks(Chains& chains, const core::Registry& registry, core::Fragments fragments)
        : chains_(chains), registry_(registry), fragments_(fragments) {}
    LoweredHooks(const LoweredHooks&) = delete;
    LoweredHooks& operator=(const LoweredHooks&) = delete;
    /// Heads find none of them any more.
    ~LoweredHooks();

    class Next;
    /// Whether the kernel takes it at all, alone and whatever it will be linked to. EOPNOTSUPP: it does not, and why.
    /// => the hook has a lowering.
    [[nodiscard]] core::Result<void> takes(const core::Hook& hook) const;
    /// For the links as they are now, held back or not, and heads as given.
    [[nodiscard]] Next prepare(const std::set<LaneHead>& heads) const;
    void install(Next&& next);
    void await_old_chains();

    /// Heads that were given last.
    [[nodiscard]] std::set<LaneHead> heads() const;
    /// In which directions the heads of an interface have something to ask.
    [[nodiscard]] core::Directions chained(std::uint8_t slot) const;
    /// Where the hooks of a lane run, as its first head has it; nothing: there is no such lane.
    [[nodiscard]] const core::LanePlacement* placement(std::uint8_t slot, core::Direction direction) const;
    /// Where in the kernel a hook runs, for some interface; nothing: nowhere.
    [[nodiscard]] std::optional<ebpf::Place> place_of(const core::Hook& hook) const;
    /// EOPNOTSUPP: a hook that is to run in the kernel does not, and why.
    [[nodiscard]] core::Result<void> keeps_promises() const { return keep_promises(found_); }
    /// Hooks that run here now know what they have counted.
    void refresh_counters() const;

  private:
    /// What is found at a head.
    struct Found {
        core::LanePlacement placement;
        std::vector<ebpf::Instruction> code;
        std::shared_ptr<LoadedChain> chain; ///< of all lanes that ask the same; nothing: no hook runs here
    };
    /// What became of a chain in a change: lanes that come later need not ask the kernel again.
    struct Attempt {
        ebpf::Place place;
        std::vector<ebpf::Instruction> code;
        std::vector<core::Hook*> counting;
        core::Result<std::shared_ptr<LoadedChain>> chain;
    };
    using Attempts = std::vector<Attempt>;
    using FoundAt = std::map<LaneHead, Found>;
    [[nodiscard]] static core::Result<void> keep_promises(const FoundAt& all);
    [[nodiscard]] Found make(const LaneHead& head, Attempts& attempts) const;
    [[nodiscard]] core::Result<std::shared_ptr<LoadedChain>> load(const LaneHead& head, const Found& found,
                                                                  Attempts& attempts) const;
    [[nodiscard]] Found without_chain(const LaneHead& head, std::string because) const;
    void retire(Found&& found);

    Chains& chains_;
    const core::Registry& registry_;
    core::Fragments fragments_;
    FoundAt found_;
    std::vector<Found> retired_; ///< may still run
    bool changed_ = false;
};

/// Chains that no head finds yet.
class LoweredHooks::Next {
  public:
    Next() = default;
    /// EOPNOTSUPP: a hook that is to run in the kernel cannot, and why.
    [[nodiscard]] core::Result<void> keeps_promises() const { return keep_promises(found_); }

  private:
    friend class LoweredHooks;
    FoundAt found_;
};

} // namespace pfild::rules
