// SPDX-License-Identifier: BSD-2-Clause
// The calling thread, as the kernel's scheduler has it.
#pragma once

#include <array>

#include "core/home_processor.h"

namespace pfild::xsk {

class OwnThread final : public core::Scheduler {
  public:
    [[nodiscard]] core::Processors allowed() noexcept override;
    [[nodiscard]] bool allow(const core::Processors& processors) noexcept override;
    [[nodiscard]] std::size_t current() noexcept override;
    [[nodiscard]] std::uint64_t run_ns() noexcept override;
    void nap() noexcept override;

  private:
    static constexpr std::size_t kWordBits = 8 * sizeof(unsigned long);
    /// As the kernel has them: the first processor is the lowest bit of the first word.
    using Words = std::array<unsigned long, core::kMostProcessors / kWordBits>;

    Words words_{};
};

} // namespace pfild::xsk
