// SPDX-License-Identifier: BSD-2-Clause
// What a filter sees of a packet: its captured bytes and the length it had on the wire.
//
// A Packet is a view and owns nothing: the bytes, and the array of pieces if there is one, must outlive it. Making
// one allocates nothing. The bytes may lie in one piece or in several of any lengths, empty ones included;
// what a load yields does not depend on where the pieces end (CF-29, CF-D1):
//
//      head_                     rest_[0]       rest_[1]
//    | head_length_ bytes  | -> |          | -> |        |      captured_length_ = the sum of all
//
// A load that lies in the head, which for a packet in one piece is every one that succeeds, is a comparison and a read.
// Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace pfild::cbpf {

/// One piece of a packet's bytes. An empty one may have any pointer.
struct Piece {
    const std::uint8_t* data;
    std::uint32_t length; ///< bytes
};

/// Where the members of a Packet lie, in bytes from its beginning, for native code that reads them.
struct PacketLayout {
    std::size_t head; ///< pointer to the first piece
    std::size_t head_length;
    std::size_t captured_length;
    std::size_t wire_length;
};

class Packet {
  public:
    /// Offsets from here on do not exist, whatever the packet's length (CF-23).
    static constexpr std::uint32_t kOffsetLimit = 0x80000000;

    /// A packet in one piece, captured whole.
    explicit Packet(std::span<const std::uint8_t> bytes) noexcept : Packet(bytes, clamp(bytes.size())) {}

    /// A packet in one piece of which `wire_length` bytes were on the wire.
    Packet(std::span<const std::uint8_t> bytes, std::uint32_t wire_length) noexcept
        : head_(bytes.data()), head_length_(clamp(bytes.size())), captured_length_(head_length_),
          wire_length_(wire_length) {}

    /// A packet in several pieces, seen from byte `offset` of the first piece on: offset 14 shows an Ethernet frame
    /// from its network header. `wire_length` counts from the same byte. An offset beyond the bytes shows an empty
    /// packet.
    Packet(std::span<const Piece> pieces, std::uint32_t offset, std::uint32_t wire_length) noexcept;

    /// Bytes that can be loaded (CF-21).
    [[nodiscard]] std::uint32_t captured_length() const noexcept { return captured_length_; }

    /// What `ld len` answers (CF-21). Not necessarily the captured length; nothing here depends on their order.
    [[nodiscard]] std::uint32_t wire_length() const noexcept { return wire_length_; }

    /// The bytes that need no look at the pieces behind: all of a packet in one piece.
    [[nodiscard]] std::span<const std::uint8_t> first_piece() const noexcept { return {head_, head_length_}; }

    /// The Size bytes at `offset` as an unsigned big-endian number, or nothing if any of them was not captured (CF-20).
    /// => offset is below 2^33: the sum of two 32-bit numbers does not wrap here (CF-22).
    template <std::size_t Size>
    [[nodiscard]] std::optional<std::uint32_t> load(std::uint64_t offset) const noexcept {
        static_assert(Size == 1 || Size == 2 || Size == 4);
        if (offset + Size > head_length_) [[unlikely]] {
            const std::uint64_t value = load_from_pieces(offset, Size);
            return value == kOutside ? std::nullopt : std::optional(static_cast<std::uint32_t>(value));
        }
        const std::uint8_t* at = head_ + offset;
        if constexpr (Size == 4) {
            return std::uint32_t{at[0]} << 24U | std::uint32_t{at[1]} << 16U | std::uint32_t{at[2]} << 8U | at[3];
        } else if constexpr (Size == 2) {
            return std::uint32_t{at[0]} << 8U | at[1];
        } else {
            return at[0];
        }
    }

    [[nodiscard]] static constexpr PacketLayout layout() noexcept {
        return {offsetof(Packet, head_), offsetof(Packet, head_length_), offsetof(Packet, captured_length_),
                offsetof(Packet, wire_length_)};
    }

  private:
    static constexpr std::uint32_t clamp(std::size_t length) noexcept {
        return static_cast<std::uint32_t>(length < kOffsetLimit ? length : kOffsetLimit);
    }

    /// No 32-bit value. What the pieces have to say fits a register this way; as an optional it would go through the
    /// stack.
    static constexpr std::uint64_t kOutside = ~std::uint64_t{0};

    [[nodiscard]] std::uint64_t load_from_pieces(std::uint64_t offset, std::size_t size) const noexcept;

    const std::uint8_t* head_ = nullptr;
    std::uint32_t head_length_ = 0;
    std::uint32_t captured_length_ = 0;
    std::uint32_t wire_length_ = 0;
    std::span<const Piece> rest_;
};

} // namespace pfild::cbpf
