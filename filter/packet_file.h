// SPDX-License-Identifier: BSD-2-Clause
// Reads the packets of a capture file: pcap and pcapng, by libpcap. The file is from outside; libpcap bounds what a
// packet may claim, and whatever is wrong with it is an error that says how far it went.
//
// Owns the stream. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/error.h"
#include "filter/capture_file.h"
#include "filter/link_type.h"

struct pcap;

namespace pfild::filter {

class PacketFile {
  public:
    /// Opens a file; "-" is standard input. The error's `why` is the system's, or libpcap's, as EINVAL.
    [[nodiscard]] static core::Result<PacketFile> open(const std::string& path);

    /// What its packets begin with.
    [[nodiscard]] const NamedLinkType& link_type() const noexcept { return link_type_; }

    /// The next packet; nothing at the end of the file. Its bytes are there until the next call. `length` may be less
    /// than there are bytes: nobody has checked it.
    [[nodiscard]] core::Result<std::optional<TimedPacket>> next();

    /// Packets read so far.
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }

  private:
    struct Close {
        void operator()(pcap* handle) const noexcept;
    };

    PacketFile(std::unique_ptr<pcap, Close> handle, std::string name);

    std::unique_ptr<pcap, Close> handle_;
    std::string name_;
    NamedLinkType link_type_;
    std::uint64_t packets_ = 0;
};

} // namespace pfild::filter
