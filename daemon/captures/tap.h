// SPDX-License-Identifier: BSD-2-Clause
// Brings the tap's packets to the devices, and the devices' wishes to the tap.
//
//      heads --ring--> TapRing --> Tap --> DeviceTable --> devices, the device socket
//      heads <--wanted-- TapRing <-- Tap <-- TapPort: how much of which packets, promiscuous mode
//      heads <--programs-- TapFilters <--'
//
// The ring is looked at by a clock while packets come (captures/looks.h), and heads wake nobody; when it was empty for
// a while the thread sleeps until a head wakes it. What is wanted of each interface: captures/tapped.h.
//
// What is public is called by the control thread; all else runs on the device thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/captures/frame_writer.h"
#include "daemon/captures/kernel_tap.h"
#include "daemon/captures/looks.h"
#include "daemon/captures/tapped.h"
#include "daemon/device/device_thread.h"
#include "daemon/kernel/tap_ring.h"
#include "daemon/net/links.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/loop.h"

namespace pfild::captures {

class Tap final : public capture::TapPort, private kernel::TapReader {
  public:
    /// Devices can be opened from the return on. => programs outlive it.
    /// engine: the namespace in which the engine's ends of ports are.
    [[nodiscard]] static core::Result<std::unique_ptr<Tap>>
    start(const kernel::Programs& programs, const sys::NetNs& engine, device::DeviceThreadOptions options);
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;
    ~Tap() override;

    /// An interface that is attached, or has changed. xdp_head: it has one. way_in: index of its p0; 0: it has none.
    void put(const net::Link& link, std::uint8_t slot, bool xdp_head, std::uint32_t way_in);
    void remove(std::uint32_t ifindex);
    [[nodiscard]] std::vector<capture::DeviceInfo> devices();
    [[nodiscard]] capture::DeviceCounts totals();
    [[nodiscard]] capture::BufferSizes buffer_sizes();
    void set_buffer_sizes(capture::BufferSizes sizes);

  private:
    Tap() = default;
    void set_tap(std::uint32_t ifindex, capture::TapWish wish) override;
    void set_filters(std::uint32_t ifindex, core::Direction direction,
                     std::span<const cbpf::Program* const> filters) override;
    [[nodiscard]] core::Result<void> set_promiscuous(std::uint32_t ifindex, bool on) override;
    [[nodiscard]] core::Result<void> write(std::uint32_t ifindex, const capture::WrittenFrame& frame) override;
    void catch_up() override;
    [[nodiscard]] bool is_up_by_now(std::uint32_t ifindex) noexcept override;
    void show(const capture::TappedPacket& packet) noexcept override;

    [[nodiscard]] core::Result<void> begin(sys::Loop& loop);
    void set_timer();
    void wake_up();
    void look();
    void fall_asleep();
    bool take();

    sys::Fd promiscuity_; ///< a packet socket, of which the kernel takes back what it holds when it closes
    std::optional<FrameWriter> writer_;
    std::map<std::uint32_t, std::uint32_t> ways_in_; ///< by interface: index of its p0, or 0
    std::unique_ptr<kernel::TapRing> ring_;
    std::unique_ptr<KernelTap> heads_;
    std::unique_ptr<Tapped> tapped_;
    std::unique_ptr<Looks> looks_;
    capture::DeviceTable* table_ = nullptr;
    std::unique_ptr<device::DeviceThread> thread_; ///< ends first
    sys::Registration packets_;
    sys::Fd timer_; ///< of looks
    sys::Registration looking_;
    Looks::Period set_period_{0}; ///< of the timer
};

} // namespace pfild::captures
