// SPDX-License-Identifier: BSD-2-Clause
// A capture from its device to its sink: the loop that reads, and when it ends.
//
//     set_up() ── buffers, options, filter, interface ──> device
//     run() ┌─> what signals wish ──> read, at most 200 ms ──> records ──> sink
//           └── until: so many packets, bytes, seconds │ a signal: what is buffered is read, too │
//                      the interface or the daemon is gone │ the sink fails
//
// Several devices are read one after the other, and what they gave is put in order of time: packets of two devices that
// came within a millisecond of each other may be put the other way round.
//
// One thread; blocks. Whoever calls it prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpfctl/capture/packet_sink.h"
#include "bpfctl/capture/plan.h"
#include "bpfctl/capture/signals.h"
#include "client/remote_device.h"
#include "core/error.h"
#include "filter/link_type.h"

namespace pfild::bpfctl {

/// Packets that fill no buffer are seen after this time.
inline constexpr std::chrono::milliseconds kReadTimeout{200};

/// What a device has become.
struct DeviceSetting {
    std::uint32_t buffer_size = 0;                  ///< bytes
    filter::LinkType link_type = filter::kEthernet; ///< of its packets
};

/// A device that captures.
struct CaptureSource {
    std::string interface; ///< as the plan has it
    client::RemoteDevice device;
    DeviceSetting setting;
};

/// When a capture ends by itself.
struct CaptureLimits {
    std::optional<std::uint64_t> count;           ///< packets
    std::optional<std::uint64_t> bytes;           ///< of what is written
    std::optional<std::chrono::seconds> duration; ///< at the latest 200 ms after that
};

struct CaptureEnd {
    std::uint64_t packets = 0;        ///< that the sink took
    std::optional<core::Error> error; ///< nothing: it ended because it should
};

class Capture {
  public:
    /// => sources and sink outlive it; there is a source.
    Capture(std::vector<CaptureSource>& sources, PacketSink& sink, const CaptureLimits& limits);

    /// The device as the plan wants it, capturing when this returns, with smaller buffers where there is no memory for
    /// those wanted. What the daemon refuses, and EAFNOSUPPORT: packets that begin neither with an Ethernet header nor
    /// with that of IP.
    [[nodiscard]] static core::Result<DeviceSetting> set_up(client::RemoteDevice& device, const CapturePlan& plan,
                                                            const std::string& interface);

    /// Until it ends. The sink is not finished then.
    [[nodiscard]] CaptureEnd run(Signals& signals, const std::function<void()>& say_statistics);
    /// That the sink took so far.
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }

  private:
    /// What a read of a device has brought, from its next record on.
    struct Head {
        client::RecordReader reader;
        std::optional<client::Record> record;
        std::size_t source;
    };

    [[nodiscard]] bool is_complete() const {
        return full_ || sink_.is_full() || (limits_.count && packets_ >= *limits_.count);
    }
    [[nodiscard]] core::Result<void> read_on(int stop);
    [[nodiscard]] core::Result<void> drain();
    [[nodiscard]] core::Result<void> read_all(const client::ReadWish& wish);
    [[nodiscard]] core::Result<std::span<const std::uint8_t>> read(std::size_t source, const client::ReadWish& wish);
    [[nodiscard]] core::Result<void> put_records(std::vector<Head>& heads);
    [[nodiscard]] static bool is_earlier(const Head& one, const Head& other);

    std::vector<CaptureSource>& sources_;
    PacketSink& sink_;
    CaptureLimits limits_;
    bool full_ = false;                              ///< the next packet would be one byte too many
    bool shared_;                                    ///< the records are looked at where they are
    std::vector<std::vector<std::uint8_t>> buffers_; ///< of each source, unless they are
    std::uint64_t packets_ = 0;
};

} // namespace pfild::bpfctl
