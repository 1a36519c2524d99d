// SPDX-License-Identifier: BSD-2-Clause
// A capture file as tcpdump and Wireshark read it: pcap, time stamps in nanoseconds, written by libpcap.
//
//     | file header: magic 0xa1b23c4d, snap length, link type |  | seconds, nanoseconds, caplen, length | bytes |  ...
//
// What was written is buffered; flush() hands it to the system. A write that failed (the disk is full, the reader of a
// pipe is gone) is reported by the call that met it and by all later ones. Owns the stream. One thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "filter/link_type.h"

struct pcap_dumper;

namespace pfild::filter {

/// A packet as the file holds it.
struct TimedPacket {
    std::int64_t seconds = 0; ///< since 1970-01-01 UTC
    std::uint32_t nanoseconds = 0;
    std::uint32_t length = 0; ///< bytes that it had on the wire
    std::span<const std::uint8_t> bytes;
};

class CaptureFile {
  public:
    /// Writes to the file, which is made or emptied; "-" is standard output, EINVAL if that is a terminal.
    /// `snap_length`: the most bytes of a packet, for its readers.
    [[nodiscard]] static core::Result<CaptureFile> create(const std::string& path, LinkType link_type, int snap_length);

    /// Writes to a descriptor, which is taken over whether this succeeds or not. `name` is for errors.
    [[nodiscard]] static core::Result<CaptureFile> adopt(int descriptor, std::string name, LinkType link_type,
                                                         int snap_length);

    /// EIO, ENOSPC, EPIPE and what else write(2) says.
    [[nodiscard]] core::Result<void> write(const TimedPacket& packet);
    [[nodiscard]] core::Result<void> flush();
    /// Flushes and closes. Not needed after a failure; the destructor closes, too, but cannot tell.
    [[nodiscard]] core::Result<void> close();
    /// Packets that were written and, after a failure, are whole in the file; of a pipe those before the last flush().
    [[nodiscard]] std::uint64_t kept() const noexcept { return failed_ ? kept_ : handed_ + ends_.size(); }

  private:
    /// Has the stream's buffer, which is needed until the stream is closed.
    struct Close {
        std::unique_ptr<std::vector<char>> buffer;

        void operator()(pcap_dumper* dumper) const noexcept;
    };

    CaptureFile(std::unique_ptr<pcap_dumper, Close> dumper, std::string name)
        : dumper_(std::move(dumper)), name_(std::move(name)) {}

    core::Error fail_with(int code);
    void note(std::size_t bytes);
    void count_kept();

    std::unique_ptr<pcap_dumper, Close> dumper_; ///< none after close()
    std::string name_;
    std::optional<core::Error> failed_;
    std::uint64_t begin_ = 0;        ///< where the file's offset was before its header
    std::uint64_t end_ = 0;          ///< of what was written, in bytes since then
    std::uint64_t handed_ = 0;       ///< packets that the system has for certain
    std::deque<std::uint64_t> ends_; ///< of those after them
    std::uint64_t kept_ = 0;         ///< after a failure
};

} // namespace pfild::filter
