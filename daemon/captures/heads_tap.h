// SPDX-License-Identifier: BSD-2-Clause
// What captures say to the heads, and what heads count for them. A lane is a direction of an interface (kernel::lane).
#pragma once

#include <cstdint>
#include <span>

#include "cbpf/program.h"
#include "core/error.h"
#include "ebpf/place.h"

namespace pfild::captures {

/// The kernel stands behind it, or a test.
class HeadsTap {
  public:
    HeadsTap() = default;
    HeadsTap(const HeadsTap&) = delete;
    HeadsTap& operator=(const HeadsTap&) = delete;
    virtual ~HeadsTap() = default;

    /// Bytes of each packet of a lane that are wanted; 0: none is.
    virtual void want(std::uint32_t lane, std::uint32_t bytes) noexcept = 0;
    /// Packets that none of these programs wants need not come. Whatever was there before is gone, also after an error:
    /// then all packets come. => there is a program.
    [[nodiscard]] virtual core::Result<void> set_filters(std::uint32_t lane, ebpf::Place place,
                                                         std::span<const cbpf::Program* const> filters) = 0;
    virtual void clear_filters(std::uint32_t lane, ebpf::Place place) = 0;
    /// Whether heads ask the programs of the lane first.
    virtual void set_filtered(std::uint32_t lane, bool filtered) noexcept = 0;
    /// Packets of a lane, since the heads were loaded: those that found no room,
    [[nodiscard]] virtual std::uint64_t lost(std::uint32_t lane) const noexcept = 0;
    /// and those that no program wanted.
    [[nodiscard]] virtual std::uint64_t skipped(std::uint32_t lane) const = 0;
};

} // namespace pfild::captures
