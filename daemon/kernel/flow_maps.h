// SPDX-License-Identifier: BSD-2-Clause
// The memory of the flow table: the kernel's maps, mapped into this process.
//
// The maps are pinned while the daemon runs, so that heads which outlive it go on answering known flows, and the next
// daemon finds them (pfild/flow.h). Control thread; the engine's uses the memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/flow/flow_index.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"
#include "pfild/flow.h"

namespace pfild::kernel {

class FlowMaps {
  public:
    /// Maps what `programs` has loaded, `flows` entries. => programs outlive it.
    [[nodiscard]] static core::Result<std::unique_ptr<FlowMaps>> map(const Programs& programs, std::uint32_t flows);
    FlowMaps(const FlowMaps&) = delete;
    FlowMaps& operator=(const FlowMaps&) = delete;
    ~FlowMaps();

    [[nodiscard]] const core::FlowMemory& memory() const { return memory_; }
    [[nodiscard]] std::span<pfild_flow> entries() const { return memory_.entries; }
    [[nodiscard]] pfild_flow_state& state() const { return *memory_.state; }
    /// What entries and index take.
    [[nodiscard]] std::uint64_t bytes() const { return memory_.entries.size_bytes() + memory_.buckets.size_bytes(); }

    /// Tells the heads what time it is (pfild_flow_state). To be done about every second.
    [[nodiscard]] core::Result<void> set_clock() const;

  private:
    FlowMaps() = default;

    core::FlowMemory memory_;
    int set_clock_ = -1; ///< the program's descriptor
};

/// Where the flow table's maps and the chains of an instance are pinned, on the BPF file system, and the lock that
/// makes them this process's alone: instances of one name in other namespaces may share that file system.
class FlowPins {
  public:
    /// Nothing in it, with a word in the log, where there is no such file system, no right to it, or another owner.
    [[nodiscard]] static FlowPins take(const std::string& instance);

    /// Empty: nothing is to be pinned.
    [[nodiscard]] const std::string& folder() const { return folder_; }
    /// Removes the flow table's maps that are pinned there, unless they have `flows` entries of today's layout.
    void keep_only(std::uint32_t flows) const;
    /// Pins where heads find chains, beside what a killed daemon had pinned there and heads of its time still use. That
    /// goes with release_old_chains(), when there are other heads: a start that fails, or is killed, leaves it alone.
    void take_over_chains(const Programs& programs);
    void release_old_chains();
    /// Removes all, and the folder.
    void remove() const;

  private:
    std::string folder_;
    sys::Fd lock_;
    std::vector<sys::Fd> old_chains_;
};

} // namespace pfild::kernel
