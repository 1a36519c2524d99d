// SPDX-License-Identifier: BSD-2-Clause
// The heads of this instance, as captures talk to them. Device thread.
#pragma once

#include "daemon/captures/heads_tap.h"
#include "daemon/kernel/tap_filters.h"
#include "daemon/kernel/tap_ring.h"

namespace pfild::captures {

class KernelTap final : public HeadsTap {
  public:
    /// => both outlive it.
    KernelTap(const kernel::Programs& programs, kernel::TapRing& ring) : ring_(ring), filters_(programs) {}

    void want(std::uint32_t lane, std::uint32_t bytes) noexcept override { ring_.want(lane, bytes); }
    [[nodiscard]] core::Result<void> set_filters(std::uint32_t lane, ebpf::Place place,
                                                 std::span<const cbpf::Program* const> filters) override {
        return filters_.set(lane, place, filters);
    }
    void clear_filters(std::uint32_t lane, ebpf::Place place) override { filters_.clear(lane, place); }
    void set_filtered(std::uint32_t lane, bool filtered) noexcept override { ring_.set_filtered(lane, filtered); }
    [[nodiscard]] std::uint64_t lost(std::uint32_t lane) const noexcept override { return ring_.lost(lane); }
    [[nodiscard]] std::uint64_t skipped(std::uint32_t lane) const override { return filters_.skipped(lane); }

  private:
    kernel::TapRing& ring_;
    kernel::TapFilters filters_;
};

} // namespace pfild::captures
