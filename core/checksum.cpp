// SPDX-License-Identifier: BSD-2-Clause
#include "core/checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "core/network_order.h"
#include "core/packet_view.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint32_t kTcpField = 16; ///< of the checksum in its header
constexpr std::uint32_t kUdpField = 6;

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16U != 0) {
        sum = (sum >> 16U) + (sum & 0xffffU);
    }
    return static_cast<std::uint16_t>(sum);
}

std::uint16_t swap(std::uint16_t value) { return static_cast<std::uint16_t>(value >> 8U | value << 8U); }

// The ones' complement sum of bytes that may come in pieces, also of odd length (RFC 1071).
class Sum {
  public:
    void add(std::span<const std::uint8_t> bytes) {
        std::uint64_t sum = 0; // of words as this processor reads them: the order of bytes is set right at the end
        std::size_t at = 0;
        for (std::uint32_t word = 0; at + sizeof(word) <= bytes.size(); at += sizeof(word)) {
            std::memcpy(&word, &bytes[at], sizeof(word));
            sum += word;
        }
        std::array<std::uint8_t, sizeof(std::uint32_t)> rest{};
        std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), rest.begin());
        std::uint32_t word = 0;
        std::memcpy(&word, rest.data(), sizeof(word));
        const std::uint16_t piece = fold(sum + word);
        const bool swapped = (std::endian::native == std::endian::little) != odd_;
        sum_ += swapped ? swap(piece) : piece;
        odd_ = odd_ != (bytes.size() % 2 == 1);
    }
    void add(std::uint32_t value) { sum_ += value; }
    [[nodiscard]] std::uint16_t folded() const { return fold(sum_); }

  private:
    std::uint64_t sum_ = 0;
    bool odd_ = false;
};

// What the checksum of a transport header covers, and where it is.
struct Covered {
    std::uint32_t offset = 0; ///< of the transport header in the frame
    std::uint32_t length = 0; ///< of it and its payload
    std::uint32_t field = 0;  ///< of the checksum in the frame
    bool udp = false;
    Sum pseudo;
};

// Of a routing header with hops to go, the last hop's address would be the one that counts: such a packet is not for
// this host, and passes as it is.
std::optional<Covered> covered_in(const Frame& frame, const PacketView& view) {
    const pfild_packet& packet = view.read;
    const std::uint32_t before = packet.transport - packet.network;
    const bool inet = view.family == Family::kInet;
    const bool whole = view.family != Family::kOther && packet.oddity == PFILD_NOT_ODD && packet.fragment == 0 &&
                       packet.more == 0 && packet.routed == 0;
    if (!whole || before < (inet ? PFILD_INET_HEADER : PFILD_INET6_HEADER) || before > view.network_length) {
        return std::nullopt;
    }
    const bool tcp = packet.protocol == PFILD_TCP;
    const std::uint32_t length = view.network_length - before;
    std::array<std::uint8_t, PFILD_INET6_HEADER> header; // filled by copy_out
    if ((!tcp && packet.protocol != PFILD_UDP) || length < (tcp ? kTcpHeader : kUdpHeader) ||
        !frame.copy_out(packet.network, std::span(header).first(inet ? PFILD_INET_HEADER : PFILD_INET6_HEADER))) {
        return std::nullopt;
    }
    Covered covered{.offset = packet.transport,
                    .length = length,
                    .field = packet.transport + (tcp ? kTcpField : kUdpField),
                    .udp = !tcp,
                    .pseudo = {}};
    covered.pseudo.add(inet ? std::span(header).subspan(12, 8) : std::span(header).subspan(8, 32));
    covered.pseudo.add(packet.protocol);
    covered.pseudo.add(length);
    return covered;
}

// Calls visit(bytes) for the pieces of [offset, offset + length).
template <typename Visitor>
void each_piece(const Frame& frame, std::uint32_t offset, std::uint32_t length, Visitor&& visit) {
    std::uint32_t at = 0;
    const std::uint32_t end = offset + length;
    frame.each_buffer([&](std::span<std::uint8_t> part) {
        const auto size = static_cast<std::uint32_t>(part.size());
        const std::uint32_t from = std::max(at, offset);
        const std::uint32_t to = std::min(at + size, end);
        if (from < to) {
            visit(part.subspan(from - at, to - from));
        }
        at += size;
    });
}

void write16(const Frame& frame, std::uint32_t offset, std::uint16_t value) {
    std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
    std::size_t written = 0;
    each_piece(frame, offset, bytes.size(), [&](std::span<std::uint8_t> piece) {
        for (std::uint8_t& byte : piece) {
            byte = bytes[written++];
        }
    });
}

} // namespace

bool complete_checksum(Frame& frame) {
    const PacketView view = parse(frame);
    std::optional<Covered> covered = covered_in(frame, view);
    std::array<std::uint8_t, 2> field; // filled by copy_out
    if (!covered || !frame.copy_out(covered->field, field) || read16(field.data()) != covered->pseudo.folded()) {
        return false;
    }
    Sum segment; // with the pseudo-header, whose sum is in the field
    each_piece(frame, covered->offset, covered->length,
               [&](std::span<const std::uint8_t> piece) { segment.add(piece); });
    constexpr std::uint16_t kRight = 0xffff;
    if (fold(std::uint64_t{segment.folded()} + covered->pseudo.folded()) == kRight) {
        return false;
    }
    auto checksum = static_cast<std::uint16_t>(~segment.folded());
    if (checksum == 0 && covered->udp) {
        checksum = 0xffff; // 0 says that there is none
    }
    write16(frame, covered->field, checksum);
    return true;
}

} // namespace pfild::core
