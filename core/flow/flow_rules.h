// SPDX-License-Identifier: BSD-2-Clause
// New rules and the flows that are known already: between the registry and the engine.
//
//      registry --Snapshot--> FlowRules --1. publish--> engine: decides by the new rules from here on
//                                 |-- 2. decide every entry anew from its key, mark it with the new generation
//                                 '-- 3. advance the generation: heads take nothing older any more
//
// So flows that pass and still pass, or are now dropped, stay in the kernel through a change, and when it has returned
// no packet is answered by the old rules (contract PF-11, PF-17). An entry that the new rules want to see packet by
// packet, or that was dropped and now passes, is asked about from then on; so is one whose other direction the engine
// decides in that moment.
//
// Control thread. The engine changes entries meanwhile: a decision is replaced only if it is still the one that was
// looked at, and the engine gives answers of the new rules only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/buffer_pool.h"
#include "core/flow/flow_key.h"
#include "core/pfil/registry.h"
#include "core/pfil/snapshot.h"
#include "pfild/flow.h"

namespace pfild::core {

class FlowRules final : public SnapshotPublisher {
  public:
    /// => `engine` outlives it.
    explicit FlowRules(SnapshotPublisher& engine);

    /// The table, once there is one. => outlives this object.
    void use(std::span<pfild_flow> entries, pfild_flow_state& state);
    /// Which slot of the snapshots an interface has; entries of other interfaces are asked about.
    void add_interface(std::uint32_t ifindex, std::uint8_t slot) { interface_slots_[ifindex] = slot; }
    void remove_interface(std::uint32_t ifindex) { interface_slots_.erase(ifindex); }

    void publish(std::shared_ptr<const Snapshot> snapshot) override;

  private:
    void decide_anew(const Snapshot& snapshot, pfild_flow& flow);
    [[nodiscard]] pfild_flow_answer answer(const Snapshot& snapshot, const FlowKey& key, Direction direction);

    SnapshotPublisher& engine_;
    std::span<pfild_flow> entries_;
    pfild_flow_state* state_ = nullptr;
    std::map<std::uint32_t, std::uint8_t> interface_slots_;
    std::vector<std::uint8_t> memory_; ///< for the one packet that stands for a flow
    BufferPool pool_;
};

} // namespace pfild::core
