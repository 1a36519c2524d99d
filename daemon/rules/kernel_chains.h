// SPDX-License-Identifier: BSD-2-Clause
// Chains in the kernel, by the programs of an instance. Control thread.
#pragma once

#include "daemon/kernel/programs.h"
#include "daemon/rules/chains.h"

namespace pfild::rules {

class KernelChains final : public Chains {
  public:
    /// => it outlives this.
    explicit KernelChains(kernel::Programs& programs) : programs_(programs) {}

    [[nodiscard]] core::Result<std::shared_ptr<LoadedChain>> load(std::span<const ebpf::Instruction> code,
                                                                  ebpf::Place place, std::size_t hooks) override;
    [[nodiscard]] core::Result<void> show(const LaneHead& head, const LoadedChain& chain) override;
    void hide(const LaneHead& head) noexcept override;
    void await_packets() noexcept override;

  private:
    kernel::Programs& programs_;
};

} // namespace pfild::rules
