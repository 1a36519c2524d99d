// SPDX-License-Identifier: BSD-2-Clause
// A bpf device as its owner meets it: settings, filter, buffers, one read at a time, readiness, counters (contract
// section 2).
//
//      free --DeviceTable::open--> unattached --attach--> attached --orphan--> orphaned
//                                     buffers: none          two                  two, until they are read
//
// Packets come in by offer(). A read that waits is answered inside offer() when a buffer became full, so that the next
// packet finds room; everything else that a packet or a request may have changed, which is the answer to a read in
// immediate mode and the readiness that poll sees, is told by announce(). => announce() runs after every batch of
// packets and after every request, before the request is answered. A batch costs one wake-up.
//
// The device thread owns it and alone calls it; a client is called from inside these calls and calls nothing back.
// offer() allocates nothing, locks nothing, and copies a packet once. Time is an argument, any clock that does not
// jump.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "capture/device_client.h"
#include "capture/device_counts.h"
#include "capture/device_settings.h"
#include "capture/hold.h"
#include "capture/needed_length.h"
#include "capture/tapped_packet.h"
#include "cbpf/machine.h"
#include "cbpf/program.h"
#include "core/direction.h"
#include "core/error.h"

namespace pfild::capture {

enum class DeviceState : std::uint8_t { kUnattached, kAttached, kOrphaned };
inline constexpr std::array<std::string_view, 3> kDeviceStateNames{"unattached", "attached", "orphaned"};
static_assert(static_cast<std::size_t>(DeviceState::kOrphaned) + 1 == kDeviceStateNames.size());

/// Bytes, multiples of PFILD_RECORD_ALIGNMENT.
struct BufferSizes {
    std::uint32_t usual = 32768;
    std::uint32_t largest = 262144;
};

/// What a device wants of the tap of its interface.
struct TapWish {
    core::Directions directions; ///< empty: nothing at all
    std::uint32_t length = 0;    ///< bytes from the start of a packet

    friend bool operator==(const TapWish&, const TapWish&) = default;
};

struct ReadRequest {
    ReadId id = 0;
    std::uint32_t size = 0;   ///< of the reader's buffer, bytes
    bool nonblocking = false; ///< of this read; the setting counts as well
    bool lend = false;        ///< the records are not copied: DeviceClient::lend()
};

/// struct timeval as BIOCSRTIMEOUT takes it.
struct ReadTimeout {
    std::int64_t seconds = 0;
    std::int64_t microseconds = 0;

    friend bool operator==(const ReadTimeout&, const ReadTimeout&) = default;
};

class Device {
  public:
    /// => `client` outlives the device.
    Device(Access access, BufferSizes sizes, DeviceClient& client);

    // ---- settings: in any state, also while a read waits

    [[nodiscard]] const DeviceSettings& settings() const { return settings_; }
    void set_settings(const DeviceSettings& settings) { settings_ = settings; }
    [[nodiscard]] core::Directions directions() const { return directions_; }
    /// BIOCSSEESENT, BIOCSDIRECTION. EINVAL: none.
    [[nodiscard]] core::Result<void> set_directions(core::Directions directions);
    [[nodiscard]] ReadTimeout read_timeout() const { return timeout_; }
    /// BIOCSRTIMEOUT; 0 waits for ever (BD-19). A read that waits already keeps its own. EINVAL: negative, or 10^6
    /// microseconds and more. EDOM: more than 2^31 - 1 seconds.
    [[nodiscard]] core::Result<void> set_read_timeout(ReadTimeout timeout);
    [[nodiscard]] std::uint32_t buffer_size() const { return size_; }
    /// What set_buffer_size() goes by from now on; the size that the device has stays.
    void set_buffer_sizes(BufferSizes sizes) { sizes_ = sizes; }
    /// Nothing: there is none (BIOCGWTIMEOUT).
    [[nodiscard]] std::optional<ReadTimeout> wait_timeout() const { return wait_timeout_; }
    /// BIOCSWTIMEOUT, BIOCDWTIMEOUT (nothing): how long packets stay in the store before the device becomes readable,
    /// from the first one on (BD-33). What is there already waits anew. EINVAL: no time, or more than 300 seconds.
    [[nodiscard]] core::Result<void> set_wait_timeout(std::optional<ReadTimeout> timeout);
    /// BIOCSBLEN: the nearest size that is possible, which becomes the size. EINVAL: there are buffers already.
    [[nodiscard]] core::Result<std::uint32_t> set_buffer_size(std::uint32_t wanted);

    /// BIOCSETF: nothing removes the filter. Flushes.
    void set_filter(std::optional<cbpf::Program> filter);
    /// BIOCSETFNR: the same, but what was captured stays.
    void replace_filter(std::optional<cbpf::Program> filter);
    /// BIOCFLUSH: empties the buffers, sets the counters to 0.
    void flush();

    /// The rule before every ioctl: EIO while a read waits.
    [[nodiscard]] core::Result<void> admit_ioctl() const;
    /// BIOCLOCK, for good. What it forbids is up to whoever takes requests.
    void lock() { locked_ = true; }
    [[nodiscard]] bool locked() const { return locked_; }

    // ---- writing

    /// BIOCSETWF: nothing removes the filter.
    void set_write_filter(std::optional<cbpf::Program> filter);
    /// EBADF opened for reading; EINVAL no interface, or none any more (BD-70); EPERM the write filter does not want
    /// the whole frame (BD-75).
    [[nodiscard]] core::Result<void> admit_write(std::span<const std::uint8_t> frame) const;

    // ---- life

    [[nodiscard]] DeviceState state() const { return state_; }
    [[nodiscard]] Access access() const { return access_; }
    /// Takes the buffers. EINVAL: attached once already, even if that interface is gone (BIOCSETIF). ENOBUFS: no
    /// memory.
    [[nodiscard]] core::Result<void> attach();
    /// The interface is gone (BD-90). What was captured can still be read. => attached.
    void orphan();
    /// The last call: ends a waiting read with EBADF (BD-04); what nobody has read counts as flushed.
    void close();

    // ---- packets

    /// A packet of the interface. => attached, wants(direction).
    void offer(const TappedPacket& packet) noexcept;
    /// `count` packets that the tap could not take: see DeviceCounts::lost. => as offer().
    void charge_lost(std::uint64_t count) noexcept;
    [[nodiscard]] bool wants(core::Direction direction) const noexcept { return directions_.has(direction); }
    /// More than half of the store is full behind a hold whose reader has come lately, and may come again at once: it
    /// is worth to wait a moment with more packets. Says so kMostPauses times; then the reader has to come first.
    [[nodiscard]] bool pause() noexcept;
    /// As offer(): `count` packets that the filter would not want. A device without filter is charged nothing.
    void charge_filtered(std::uint64_t count) noexcept;
    /// Nothing: it wants every packet.
    [[nodiscard]] const cbpf::Program* filter() const noexcept { return filter_ ? &filter_->program() : nullptr; }
    /// Another number for every filter that it has had.
    [[nodiscard]] std::uint64_t filter_version() const noexcept { return filter_version_; }
    /// What the tap has to take for this device; nothing for one that cannot be read.
    [[nodiscard]] TapWish tap_wish() const;

    // ---- reading

    /// Answers at once through the client, waits (then waits() is true), or refuses; checked in this order: EBADF
    /// write-only; EIO another read waits (BD-12); EINVAL not attached yet (BD-10); EINVAL not the buffer size (BD-11);
    /// EIO interface gone, nothing left (BD-24); EAGAIN nothing there and must not wait (BD-16).
    [[nodiscard]] core::Result<void> read(const ReadRequest& request, std::uint64_t now_ns);
    [[nodiscard]] bool waits() const { return reading_.has_value(); }
    /// The first moment at which the read that waits times out, or the store was waited for long enough; nothing:
    /// never. => asked after each batch: a wait for what is new in the store begins now.
    [[nodiscard]] std::optional<std::uint64_t> deadline_ns(std::uint64_t now_ns);
    /// Ends a read whose time is over (BD-17, BD-18), and a wait. => before announce().
    void expire(std::uint64_t now_ns);
    /// A signal has reached the reader: that read ends with EINTR, nothing is lost (BD-22). False: it waits no more.
    bool cancel_read(ReadId id);
    /// See above. Cheap when nothing has changed.
    void announce();

    /// There are records that wait for a reader, or that one was lent.
    [[nodiscard]] bool holds() const noexcept { return hold_ && !hold_->is_empty(); }
    [[nodiscard]] Readiness readiness() const;
    /// FIONREAD.
    [[nodiscard]] std::uint64_t readable_bytes() const;

    // ---- counters

    /// Records in store and hold.
    [[nodiscard]] std::uint64_t buffered() const;
    /// Since the device was opened.
    [[nodiscard]] const DeviceCounts& lifetime() const { return lifetime_; }
    /// Since the last flush (BIOCGSTATS): received, dropped, captured.
    [[nodiscard]] DeviceCounts stats() const { return lifetime_.since(flushed_at_); }

  private:
    struct Reading {
        ReadId id;
        std::optional<std::uint64_t> deadline_ns;
        bool lend;
    };

    [[nodiscard]] core::Error gone() const;
    [[nodiscard]] pfild_record header_of(const TappedPacket& packet, std::uint32_t wanted) const noexcept;
    [[nodiscard]] bool readable_now() const noexcept;
    [[nodiscard]] bool store_counts() const noexcept { return settings_.immediate || ripe_; }
    void wait_anew() noexcept;
    void deliver(ReadId id, bool lend) noexcept;
    void release() noexcept;
    void take_back() noexcept;
    void deliver_to_waiting() noexcept;
    void fail_waiting(const core::Error& error);

    static constexpr unsigned kMostPauses = 4;

    DeviceClient& client_;
    Access access_;
    BufferSizes sizes_;
    std::uint32_t size_;
    DeviceState state_ = DeviceState::kUnattached;
    DeviceSettings settings_;
    core::Directions directions_ = core::Directions::both();
    ReadTimeout timeout_;
    std::optional<ReadTimeout> wait_timeout_;
    std::optional<std::uint64_t> ripe_at_ns_; ///< the wait that runs, for what is in the store
    bool ripe_ = false;                       ///< what is in the store was waited for
    std::optional<cbpf::Machine> filter_;
    std::optional<cbpf::Machine> write_filter_;
    bool locked_ = false;
    std::uint64_t filter_version_ = 0;
    NeededLength needed_{.to_judge = 0, .to_keep = kWholePacket};
    std::optional<Hold> hold_; ///< from attach() on
    std::optional<Reading> reading_;
    unsigned pauses_ = 0; ///< since the last read
    Readiness told_{.readable = true};
    DeviceCounts lifetime_;
    DeviceCounts flushed_at_; ///< lifetime_ at the last flush
};

} // namespace pfild::capture
