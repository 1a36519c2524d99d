// SPDX-License-Identifier: BSD-2-Clause
// Every way in which a program can be run over a packet. A case of the contract runs on all of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "cbpf/interpret.h"

namespace pfild::tests {

/// A packet's bytes cut into segments of one length, the last one shorter. Each has its own allocation, so that a
/// sanitizer sees a read across its end.
class Segments {
  public:
    Segments(std::span<const std::uint8_t> bytes, std::size_t length) {
        for (std::size_t at = 0; at < bytes.size(); at += length) {
            const auto piece = bytes.subspan(at, std::min(length, bytes.size() - at));
            pieces_.emplace_back(piece.begin(), piece.end());
        }
        for (const auto& piece : pieces_) {
            segments_.push_back({piece.data(), static_cast<std::uint32_t>(piece.size())});
        }
    }

    [[nodiscard]] cbpf::Packet packet(std::uint32_t wire_length) const { return {segments_, 0, wire_length}; }
    [[nodiscard]] std::span<const cbpf::Segment> segments() const { return segments_; }

  private:
    std::vector<std::vector<std::uint8_t>> pieces_;
    std::vector<cbpf::Segment> segments_;
};

struct Backend {
    const char* name;
    std::uint32_t (*run)(const cbpf::Program&, std::span<const std::uint8_t>, std::uint32_t wire_length);
};

template <std::size_t Length>
std::uint32_t run_segmented(const cbpf::Program& program, std::span<const std::uint8_t> bytes,
                            std::uint32_t wire_length) {
    const Segments segments(bytes, Length);
    return cbpf::interpret(program, segments.packet(wire_length));
}

inline std::uint32_t run_contiguous(const cbpf::Program& program, std::span<const std::uint8_t> bytes,
                                    std::uint32_t wire_length) {
    const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end()); // so that a sanitizer sees its end
    return cbpf::interpret(program, cbpf::Packet(exact, wire_length));
}

inline constexpr Backend kBackends[] = {
    {"interpreter, one piece", run_contiguous},
    {"interpreter, segments of 1 byte", run_segmented<1>},
    {"interpreter, segments of 3 bytes", run_segmented<3>},
    {"interpreter, segments of 4 bytes", run_segmented<4>},
};

} // namespace pfild::tests
