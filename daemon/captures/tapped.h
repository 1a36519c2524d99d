// SPDX-License-Identifier: BSD-2-Clause
// The interfaces that captures can see: what is wanted of each goes to its heads, and what those did not bring is
// charged to the devices, once. Device thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "capture/device_table.h"
#include "daemon/captures/heads_tap.h"

namespace pfild::captures {

class Tapped {
  public:
    /// So many packets of an interface and direction did not come.
    using Charge = std::function<void(std::uint32_t ifindex, core::Direction direction, std::uint64_t count)>;

    /// => heads outlive it.
    Tapped(HeadsTap& heads, Charge lost, Charge skipped)
        : heads_(heads), lost_(std::move(lost)), skipped_(std::move(skipped)) {}

    struct Interface {
        std::uint32_t ifindex;
        std::uint8_t slot;
        bool loopback;
        bool xdp_head; ///< it has one
    };
    /// A new one, which is charged for nothing that was before; or what is known of it is another now.
    void put(const Interface& interface);
    /// Nothing is wanted of it any more. What it has counted is charged before that.
    void remove(std::uint32_t ifindex);
    /// As capture::TapPort says. Of an interface that is not there: nothing.
    void want(std::uint32_t ifindex, capture::TapWish wish);
    void set_filters(std::uint32_t ifindex, core::Direction direction, std::span<const cbpf::Program* const> filters);

    void charge_lost();
    void charge_skipped();

  private:
    struct Lane {
        std::uint32_t number;
        bool filtered = false;     ///< by the heads
        std::uint64_t lost = 0;    ///< charged, as the next
        std::uint64_t skipped = 0; ///< not counted while it is not filtered
    };
    struct One {
        bool loopback;
        bool xdp_head;
        std::array<Lane, core::kDirections> lanes;
    };

    HeadsTap& heads_;
    Charge lost_;
    Charge skipped_;
    std::map<std::uint32_t, One> interfaces_;
};

} // namespace pfild::captures
