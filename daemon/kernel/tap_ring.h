// SPDX-License-Identifier: BSD-2-Clause
// The near end of the tap (pfild/tap.h): takes packets out of the ring, and tells heads what to put in.
//
// Device thread, once made. Taking a packet allocates nothing and copies nothing: what is shown lies in the ring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "capture/tapped_packet.h"
#include "core/error.h"
#include "daemon/kernel/programs.h"
#include "pfild/tap.h"

struct ring_buffer; // libbpf's

namespace pfild::kernel {

/// Who is shown the packets.
class TapReader {
  public:
    TapReader() = default;
    TapReader(const TapReader&) = delete;
    TapReader& operator=(const TapReader&) = delete;
    virtual ~TapReader() = default;
    /// Valid during the call.
    virtual void show(const capture::TappedPacket& packet) noexcept = 0;
};

class TapRing {
  public:
    static constexpr std::size_t kMostPackets = 4096;
    static constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

    /// => programs and reader outlive it.
    [[nodiscard]] static core::Result<std::unique_ptr<TapRing>> open(const Programs& programs, TapReader& reader);
    TapRing(const TapRing&) = delete;
    TapRing& operator=(const TapRing&) = delete;
    ~TapRing();

    /// Readable (EPOLLIN) while the ring has packets.
    [[nodiscard]] int fd() const { return fd_; }
    /// That it holds, records and their heads.
    [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
    /// Shows packets in the order in which they were taken, up to kMostPackets or a little over kMostBytes of them.
    /// True: there may be more.
    bool take();
    /// Packets that the last take() has shown.
    [[nodiscard]] std::size_t taken() const noexcept { return taken_; }

    /// Whether the thread will wait for fd(): only then do heads wake it.
    void set_sleeping(bool sleeping) noexcept;
    /// Bytes of each packet of a lane that are wanted; 0: none is.
    void want(std::uint32_t lane, std::uint32_t bytes) noexcept;
    /// Whether heads ask the lane's program first (TapFilters).
    void set_filtered(std::uint32_t lane, bool filtered) noexcept;
    /// Packets of a lane that found no room, since the programs were loaded.
    [[nodiscard]] std::uint64_t lost(std::uint32_t lane) const noexcept;

  private:
    explicit TapRing(TapReader& reader) : reader_(reader) {}
    static int took(void* self, void* record, std::size_t size);
    void show(const pfild_tap_packet& about);
    void set_offset();

    TapReader& reader_;
    int fd_ = -1;
    std::uint32_t bytes_ = 0;
    ring_buffer* ring_ = nullptr;
    pfild_tap_state* state_ = nullptr;
    std::uint64_t realtime_offset_ns_ = 0; ///< CLOCK_REALTIME - CLOCK_MONOTONIC, of this take()
    std::size_t taken_ = 0;
    std::size_t taken_bytes_ = 0;
};

} // namespace pfild::kernel
