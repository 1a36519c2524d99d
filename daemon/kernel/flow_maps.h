// SPDX-License-Identifier: BSD-2-Clause
// The memory of the flow table: the kernel's maps, mapped into this process, and the index that heads look keys up in.
//
// The maps are pinned while the daemon runs, so that heads which outlive it go on answering known flows, and the next
// daemon finds them (pfild/flow.h). Made by the control thread; insert() and erase() are called by the engine's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/flow/flow_table.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"
#include "pfild/flow.h"

namespace pfild::kernel {

class FlowMaps final : public core::FlowIndex {
  public:
    /// Maps what `programs` has loaded, `flows` entries. => programs outlive it.
    [[nodiscard]] static core::Result<std::unique_ptr<FlowMaps>> map(const Programs& programs, std::uint32_t flows);
    FlowMaps(const FlowMaps&) = delete;
    FlowMaps& operator=(const FlowMaps&) = delete;
    ~FlowMaps() override;

    [[nodiscard]] std::span<pfild_flow> slots() const { return slots_; }
    [[nodiscard]] pfild_flow_state& state() const { return *state_; }
    /// What slots and index take, in the kernel's memory, about.
    [[nodiscard]] std::uint64_t bytes() const;

    [[nodiscard]] bool insert(const core::FlowKey& key, std::uint32_t slot) noexcept override;
    void erase(const core::FlowKey& key) noexcept override;
    /// Removes from the index what no slot vouches for; for the start, before anything is inserted.
    void forget_strangers();

  private:
    FlowMaps() = default;

    int index_ = -1;
    std::span<pfild_flow> slots_;
    pfild_flow_state* state_ = nullptr;
};

/// Where the flow table's maps of an instance are pinned, on the BPF file system, and the lock that makes them this
/// process's alone: instances of one name in other namespaces may share that file system.
class FlowPins {
  public:
    /// Nothing in it, with a word in the log, where there is no such file system, no right to it, or another owner.
    [[nodiscard]] static FlowPins take(const std::string& instance);

    /// Empty: nothing is to be pinned.
    [[nodiscard]] const std::string& folder() const { return folder_; }
    /// Removes maps that are pinned there, unless they have `flows` entries of today's layout.
    void keep_only(std::uint32_t flows) const;
    /// Removes all, and the folder.
    void remove() const;

  private:
    std::string folder_;
    sys::Fd lock_;
};

} // namespace pfild::kernel
