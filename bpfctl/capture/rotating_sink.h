// SPDX-License-Identifier: BSD-2-Clause
// A file after the other (tcpdump(8): -C, -G, -W). A file ends before a packet that comes when it has enough bytes, or
// enough seconds after it began by the packets' own time.
//
//     -C      FILE  FILE1  FILE2 ..        -C -W 12   FILE00 .. FILE11, then FILE00 again, overwritten
//     -G      FILE is a pattern of strftime(3), local time   -G -W 3   ends after three files
//     -C -G   the pattern, and a number behind it from the second file of its time on
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bpfctl/capture/packet_sink.h"

namespace pfild::bpfctl {

struct Rotation {
    std::optional<std::uint64_t> bytes;   ///< -C
    std::optional<std::uint64_t> seconds; ///< -G
    std::optional<std::uint64_t> files;   ///< -W

    [[nodiscard]] bool any() const { return bytes || seconds; }
};

/// The name of file number `number` of those that began at this time, seconds since 1970. => there is a rotation.
[[nodiscard]] std::string rotated_name(const std::string& pattern, const Rotation& rotation, std::int64_t began,
                                       std::uint64_t number);

class RotatingSink final : public PacketSink {
  public:
    using Open = std::function<core::Result<std::unique_ptr<PacketSink>>(const std::string& path)>;

    /// The first file is opened now; `now`: seconds since 1970.
    [[nodiscard]] static core::Result<std::unique_ptr<PacketSink>> start(std::string pattern, Rotation rotation,
                                                                         Open open, std::int64_t now);

    [[nodiscard]] core::Result<void> put(const client::Record& packet, std::size_t source) override;
    [[nodiscard]] core::Result<void> flush() override { return current_->flush(); }
    [[nodiscard]] core::Result<void> finish(Counted counted) override { return current_->finish(counted); }
    [[nodiscard]] std::uint64_t kept(std::uint64_t put) const override { return kept_ + current_->kept(put); }
    [[nodiscard]] std::uint64_t size() const override { return size_ + current_->size(); }
    [[nodiscard]] bool is_full() const override { return full_; }

  private:
    RotatingSink(std::string pattern, Rotation rotation, Open open, std::int64_t began)
        : pattern_(std::move(pattern)), rotation_(rotation), open_(std::move(open)), began_(began) {}

    [[nodiscard]] core::Result<void> open_next();

    std::string pattern_;
    Rotation rotation_;
    Open open_;
    std::int64_t began_;       ///< when the file did, or with -C the first of its time
    std::uint64_t number_ = 0; ///< of the current file since then
    std::uint64_t files_ = 1;
    std::uint64_t kept_ = 0; ///< packets of the files before
    std::uint64_t size_ = 0; ///< bytes of the files before
    bool full_ = false;
    std::unique_ptr<PacketSink> current_;
};

} // namespace pfild::bpfctl
