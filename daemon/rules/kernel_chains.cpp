// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/rules/kernel_chains.h"

#include <utility>

#include "daemon/kernel/chain.h"

namespace pfild::rules {
namespace {

class ChainInKernel final : public LoadedChain {
  public:
    explicit ChainInKernel(std::unique_ptr<kernel::Chain> chain) : chain_(std::move(chain)) {}

    [[nodiscard]] std::vector<core::HookTally> tallies() const override { return chain_->tallies(); }
    [[nodiscard]] std::optional<std::vector<std::uint32_t>>
    ns_of(std::span<const std::vector<std::uint8_t>> frames) const override {
        return chain_->ns_of(frames);
    }
    [[nodiscard]] int program_fd() const { return chain_->program_fd(); }

  private:
    std::unique_ptr<kernel::Chain> chain_;
};

std::uint32_t lane_of(const LaneHead& head) { return kernel::lane(head.slot, head.direction); }

} // namespace

core::Result<std::shared_ptr<LoadedChain>> KernelChains::load(std::span<const ebpf::Instruction> code,
                                                              ebpf::Place place, std::size_t hooks) {
    auto chain = kernel::Chain::load(programs_, code, place, hooks);
    if (!chain) {
        return core::fail(std::move(chain.error()));
    }
    return std::make_shared<ChainInKernel>(*std::move(chain));
}

core::Result<void> KernelChains::show(const LaneHead& head, const LoadedChain& chain) {
    const int program = dynamic_cast<const ChainInKernel&>(chain).program_fd();
    return programs_.set_chain(head.place, lane_of(head), program);
}

void KernelChains::hide(const LaneHead& head) noexcept { programs_.clear_chain(head.place, lane_of(head)); }

void KernelChains::await_packets() noexcept { kernel::await_programs(); }

} // namespace pfild::rules
