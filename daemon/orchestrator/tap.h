// SPDX-License-Identifier: BSD-2-Clause
// Brings the tap's packets to the devices, and the devices' wishes to the tap.
//
//      heads --ring--> TapRing --> Tap --> DeviceTable --> devices, the device socket
//      heads <--wanted-- TapRing <-- Tap <-- TapPort: how much of which packets, promiscuous mode
//      heads <--programs-- TapFilters <--'
//
// While packets come, the ring is looked at every 400 us, and heads wake nobody; when it was empty for a while the
// thread sleeps until a head wakes it. So a packet is with its reader within a millisecond, and a flood costs no
// wake-ups. While few come and no device is in immediate mode, looks are up to 1.6 ms apart.
//
// What is public is called by the control thread; all else runs on the device thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/device/device_thread.h"
#include "daemon/kernel/tap_filters.h"
#include "daemon/kernel/tap_ring.h"
#include "daemon/net/links.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/loop.h"

namespace pfild {

/// What captures call a device's link type, a DLT_ number (pcap-linktype(7)); nothing: they know nothing of it.
[[nodiscard]] std::optional<std::uint32_t> link_type(const net::Link& link);

class Tap final : public capture::TapPort, private kernel::TapReader {
  public:
    /// Devices can be opened from the return on. => programs outlive it.
    [[nodiscard]] static core::Result<std::unique_ptr<Tap>> start(const kernel::Programs& programs,
                                                                  device::DeviceThreadOptions options);
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;
    ~Tap() override;

    /// An interface that is attached, or has changed. xdp_head: it has one.
    void put(const net::Link& link, std::uint8_t slot, bool xdp_head);
    void remove(std::uint32_t ifindex);
    [[nodiscard]] std::vector<capture::DeviceInfo> devices();
    [[nodiscard]] capture::DeviceCounts totals();

  private:
    struct Tapped {
        std::uint8_t slot;
        bool loopback;
        bool xdp_head;
        // That devices have been charged for.
        std::array<std::uint64_t, core::kDirections> lost = {};
        std::array<std::uint64_t, core::kDirections> skipped = {};
        std::array<bool, core::kDirections> filtered = {}; ///< by the heads
    };

    explicit Tap(const kernel::Programs& programs) : filters_(programs) {}
    void set_tap(std::uint32_t ifindex, capture::TapWish wish) override;
    void set_filters(std::uint32_t ifindex, core::Direction direction,
                     std::span<const cbpf::Program* const> filters) override;
    [[nodiscard]] core::Result<void> set_promiscuous(std::uint32_t ifindex, bool on) override;
    void catch_up() override;
    [[nodiscard]] bool is_up_by_now(std::uint32_t ifindex) noexcept override;
    void show(const capture::TappedPacket& packet) noexcept override;

    [[nodiscard]] core::Result<void> begin(sys::Loop& loop);
    void set_timer(std::chrono::microseconds period);
    void set_period(std::chrono::microseconds period);
    [[nodiscard]] std::chrono::microseconds next_period(std::size_t taken) const;
    void wake_up();
    void look();
    void fall_asleep();
    bool take();
    void charge_lost();
    void charge_skipped();

    sys::Fd promiscuity_; ///< a packet socket, of which the kernel takes back what it holds when it closes
    std::map<std::uint32_t, Tapped> tapped_;
    std::unique_ptr<kernel::TapRing> ring_;
    kernel::TapFilters filters_;
    capture::DeviceTable* table_ = nullptr;
    std::unique_ptr<device::DeviceThread> thread_; ///< ends first
    sys::Registration packets_;
    sys::Fd timer_; ///< of looks
    sys::Registration looking_;
    std::chrono::microseconds period_{0}; ///< between looks
    unsigned empty_looks_ = 0;
    unsigned pauses_ = 0; ///< since the last look
};

} // namespace pfild
