// SPDX-License-Identifier: BSD-2-Clause
// A capture from its device to its sink: the loop that reads, and when it ends.
//
//     set_up() ── buffers, options, filter, interface ──> device
//     run() ┌─> what signals wish ──> read, at most 200 ms ──> records ──> sink
//           └── until: so many packets │ a signal: what is buffered is read, too │ the interface or the daemon is
//                      gone │ the sink fails
//
// One thread; blocks. Whoever calls it prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
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

/// A device that captures.
struct CaptureSource {
    std::uint32_t buffer_size;  ///< bytes
    filter::LinkType link_type; ///< of its packets
};

struct CaptureEnd {
    std::uint64_t packets = 0;        ///< that the sink took
    std::optional<core::Error> error; ///< nothing: it ended because it should
};

class Capture {
  public:
    /// => device and sink outlive it.
    Capture(client::RemoteDevice& device, PacketSink& sink, std::optional<std::uint64_t> count,
            std::uint32_t buffer_size)
        : device_(device), sink_(sink), count_(count), shared_(device.share().has_value()),
          buffer_(shared_ ? 0 : buffer_size) {}

    /// The device as the plan wants it, capturing when this returns, with smaller buffers where there is no memory for
    /// those wanted. What the daemon refuses, and EAFNOSUPPORT: packets that begin neither with an Ethernet header nor
    /// with that of IP.
    [[nodiscard]] static core::Result<CaptureSource> set_up(client::RemoteDevice& device, const CapturePlan& plan);

    /// Until it ends. The sink is not finished then.
    [[nodiscard]] CaptureEnd run(Signals& signals, const std::function<void()>& say_statistics);

    /// That the sink took so far.
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }

  private:
    [[nodiscard]] bool is_complete() const { return count_ && packets_ >= *count_; }
    [[nodiscard]] core::Result<void> read_on(int stop);
    [[nodiscard]] core::Result<void> drain();
    [[nodiscard]] core::Result<std::span<const std::uint8_t>> read(const client::ReadWish& wish);
    [[nodiscard]] core::Result<void> put_records(std::span<const std::uint8_t> bytes);

    client::RemoteDevice& device_;
    PacketSink& sink_;
    std::optional<std::uint64_t> count_;
    bool shared_; ///< the records are looked at where they are
    std::vector<std::uint8_t> buffer_;
    std::uint64_t packets_ = 0;
};

} // namespace pfild::bpfctl
