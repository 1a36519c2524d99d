// SPDX-License-Identifier: BSD-2-Clause
// The parts of a packet view that deal with more than one piece.
#include "cbpf/packet.h"

#include <algorithm>

namespace pfild::cbpf {

Packet::Packet(std::span<const Piece> pieces, std::uint32_t offset, std::uint32_t wire_length) noexcept
    : wire_length_(wire_length) {
    std::size_t first = 0;
    while (first < pieces.size() && pieces[first].length <= offset) {
        offset -= pieces[first].length;
        ++first;
    }
    if (first == pieces.size()) {
        return;
    }
    head_ = pieces[first].data + offset;
    head_length_ = clamp(pieces[first].length - offset);
    rest_ = pieces.subspan(first + 1);
    std::size_t captured = head_length_;
    for (const Piece& piece : rest_) {
        captured += piece.length;
    }
    captured_length_ = clamp(captured);
}

/// Byte by byte, because each may lie in another piece. A load that is outside the packet ends here, too.
std::uint64_t Packet::load_from_pieces(std::uint64_t offset, std::size_t size) const noexcept {
    if (offset + size > captured_length_) {
        return kOutside;
    }
    Piece piece{head_, head_length_};
    auto next = rest_.begin();
    std::uint32_t value = 0;
    for (std::size_t count = 0; count < size; ++count, ++offset) {
        while (offset >= piece.length) { // ends: captured_length_ bytes lie in the pieces
            offset -= piece.length;
            piece = *next++;
        }
        value = value << 8U | piece.data[offset];
    }
    return value;
}

} // namespace pfild::cbpf
