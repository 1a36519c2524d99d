// SPDX-License-Identifier: BSD-2-Clause
#include "tests/frames/recipe.h"

#include <algorithm>

namespace pfild::frames {
namespace {

constexpr std::array<std::uint8_t, 4> kClient4{192, 0, 2, 1};
constexpr std::array<std::uint8_t, 4> kHost4{192, 0, 2, 2};
constexpr std::array<std::uint8_t, 16> kClient6{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 16> kHost6{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
constexpr std::size_t kInetHeader = 20;

void put16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& bytes, std::uint32_t value) {
    put16(bytes, value >> 16U);
    put16(bytes, value & 0xffffU);
}

void set16(Bytes& bytes, std::size_t at, std::size_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8U);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void append(Bytes& bytes, const auto& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

/// RFC 1071.
std::uint16_t checksum(const Bytes& bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); i++) {
        sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
    }
    while (sum >> 16U != 0) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

/// Of the pseudo header, not yet folded.
std::uint32_t pseudo_sum(const Recipe& recipe, std::size_t length) {
    Bytes bytes;
    if (recipe.inet6) {
        append(bytes, kClient6);
        append(bytes, kHost6);
    } else {
        append(bytes, kClient4);
        append(bytes, kHost4);
    }
    put16(bytes, recipe.protocol);
    put16(bytes, length);
    return static_cast<std::uint16_t>(~checksum(bytes));
}

/// The mark, the id, and zeroes up to the size that is asked for.
Bytes payload_of(const Recipe& recipe) {
    Bytes bytes(kMark.begin(), kMark.end());
    put32(bytes, recipe.id);
    bytes.resize(std::max(bytes.size(), recipe.payload));
    return bytes;
}

Bytes tcp(const Recipe& recipe) {
    constexpr std::uint8_t kWords = 5;
    Bytes bytes;
    put16(bytes, recipe.source_port);
    put16(bytes, recipe.port);
    put32(bytes, recipe.id);
    put32(bytes, 0);
    bytes.push_back(static_cast<std::uint8_t>(recipe.tcp_offset.value_or(kWords) << 4U));
    bytes.push_back(recipe.tcp_flags);
    put16(bytes, 65535);
    put32(bytes, 0);
    append(bytes, payload_of(recipe));
    set16(bytes, 16, checksum(bytes, pseudo_sum(recipe, bytes.size())));
    return bytes;
}

Bytes udp(const Recipe& recipe) {
    const Bytes payload = payload_of(recipe);
    Bytes bytes;
    put16(bytes, recipe.source_port);
    put16(bytes, recipe.port);
    put16(bytes, recipe.udp_length.value_or(static_cast<std::uint16_t>(8 + payload.size())));
    put16(bytes, 0);
    append(bytes, payload);
    if (!recipe.no_checksum) {
        const std::uint16_t sum = checksum(bytes, pseudo_sum(recipe, bytes.size()));
        set16(bytes, 6, sum == 0 ? 0xffff : sum);
    }
    return bytes;
}

Bytes upper(const Recipe& recipe) {
    switch (recipe.protocol) {
    case kTcp:
        return tcp(recipe);
    case kUdp:
        return udp(recipe);
    default:
        return payload_of(recipe);
    }
}

/// Headers in front of `behind`, which is of type `next`; `next` is that of the first then.
Bytes extended(const std::vector<Extension>& extensions, Bytes behind, std::uint8_t& next) {
    for (std::size_t i = extensions.size(); i-- > 0;) {
        Bytes header{next, extensions[i].length};
        append(header, extensions[i].content);
        append(header, behind);
        behind = std::move(header);
        next = extensions[i].type;
    }
    return behind;
}

/// What can be fragmented, and the protocol that it begins with.
struct Whole {
    Bytes bytes;
    std::uint8_t protocol;
};

Whole whole_of(const Recipe& recipe) {
    std::uint8_t next = recipe.protocol;
    Bytes bytes = upper(recipe);
    if (recipe.inet6) {
        bytes = extended(recipe.behind, std::move(bytes), next);
    }
    return {std::move(bytes), next};
}

Bytes part_of(const Whole& whole, const Piece& piece) {
    const std::size_t from = std::min(piece.from, whole.bytes.size());
    const std::size_t size = std::min(piece.size, whole.bytes.size() - from);
    const auto begin = whole.bytes.begin() + static_cast<std::ptrdiff_t>(from);
    return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

std::uint16_t offset_of(const Piece& piece) {
    return piece.offset.value_or(static_cast<std::uint16_t>(piece.from / 8));
}

/// What the header says of a length.
std::size_t told_length(const Recipe& recipe, std::size_t length) {
    return recipe.ip_length.value_or(static_cast<std::uint16_t>(length + static_cast<std::size_t>(recipe.longer)));
}

Bytes inet(const Recipe& recipe, const Whole& whole, const Piece* piece) {
    const Bytes data = piece == nullptr ? whole.bytes : part_of(whole, *piece);
    const std::size_t header = kInetHeader + recipe.options.size();
    std::uint16_t field = recipe.fragment_bits;
    if (piece != nullptr) {
        field = static_cast<std::uint16_t>(field | offset_of(*piece) | (piece->more ? 0x2000U : 0U));
    }
    Bytes bytes{recipe.first_byte.value_or(static_cast<std::uint8_t>(0x40U | header / 4)), 0};
    put16(bytes, told_length(recipe, header + data.size()));
    put16(bytes, (recipe.id & 0xffffU) + (piece != nullptr ? piece->id : 0U));
    put16(bytes, field);
    bytes.push_back(recipe.hops);
    bytes.push_back(piece != nullptr ? piece->next.value_or(whole.protocol) : whole.protocol);
    put16(bytes, 0);
    append(bytes, kClient4);
    append(bytes, kHost4);
    append(bytes, recipe.options);
    set16(bytes, 10, checksum(bytes));
    append(bytes, data);
    return bytes;
}

Bytes inet6(const Recipe& recipe, const Whole& whole, const Piece* piece) {
    std::uint8_t next = whole.protocol;
    Bytes data = whole.bytes;
    if (piece != nullptr) {
        Extension header = fragment(offset_of(*piece), piece->more, recipe.id + piece->id);
        next = piece->next.value_or(next);
        data = extended({header}, part_of(whole, *piece), next);
    }
    data = extended(recipe.extensions, std::move(data), next);
    if (recipe.jumbo && data.size() >= 8) { // RFC 2675: a hop-by-hop header that is only that option
        const Bytes option{
            0xc2, 4, 0, 0, static_cast<std::uint8_t>(data.size() >> 8U), static_cast<std::uint8_t>(data.size())};
        std::copy(option.begin(), option.end(), data.begin() + 2);
    }
    Bytes bytes{recipe.first_byte.value_or(std::uint8_t{0x60}), 0, 0, 0};
    put16(bytes, recipe.jumbo ? 0 : told_length(recipe, data.size()));
    bytes.push_back(next);
    bytes.push_back(recipe.hops);
    append(bytes, kClient6);
    append(bytes, kHost6);
    append(bytes, data);
    return bytes;
}

void append_link(Bytes& frame, const Recipe& recipe, std::size_t packet) {
    const std::uint16_t family = recipe.inet6 ? 0x86dd : 0x0800;
    const std::uint16_t type = recipe.ether_type.value_or(family);
    switch (recipe.link) {
    case Link::ethernet:
        put16(frame, type);
        break;
    case Link::snap:
        put16(frame, packet + 8);
        append(frame, Bytes{0xaa, 0xaa, 3, 0, 0, 0});
        put16(frame, type);
        break;
    case Link::llc: // service access point 6 is IP
        put16(frame, packet + 3);
        append(frame, Bytes{6, 6, 3});
        break;
    case Link::novell:
        put16(frame, packet + 2);
        put16(frame, 0xffff);
        break;
    }
}

Bytes framed(const Recipe& recipe, const Bytes& packet) {
    Bytes frame(recipe.to.begin(), recipe.to.end());
    append(frame, kClientMac);
    for (const Tag& tag : recipe.tags) {
        put16(frame, tag.type);
        put16(frame, tag.value);
    }
    append_link(frame, recipe, packet.size());
    append(frame, packet);
    frame.resize(frame.size() + recipe.padding);
    frame.resize(frame.size() - std::min(recipe.cut, frame.size() - 14));
    return frame;
}

Bytes frame_of(const Recipe& recipe, const Whole& whole, const Piece* piece) {
    return framed(recipe, recipe.inet6 ? inet6(recipe, whole, piece) : inet(recipe, whole, piece));
}

} // namespace

std::vector<Bytes> build(const Recipe& recipe) {
    const Whole whole = whole_of(recipe);
    if (recipe.pieces.empty()) {
        return {frame_of(recipe, whole, nullptr)};
    }
    std::vector<Bytes> frames;
    for (const Piece& piece : recipe.pieces) {
        if (piece.port) {
            Recipe other = recipe;
            other.port = *piece.port;
            frames.push_back(frame_of(recipe, whole_of(other), &piece));
        } else {
            frames.push_back(frame_of(recipe, whole, &piece));
        }
    }
    return frames;
}

Extension options(std::uint8_t type, std::uint8_t units) {
    constexpr std::uint8_t kSkipped = 0x1e; // RFC 4727: for experiments, and to be skipped by who does not know it
    constexpr std::size_t kLongest = 248;
    Bytes content;
    for (std::size_t left = 6 + 8 * std::size_t{units}; left > 0;) {
        const std::size_t size = std::min(left, kLongest);
        content.push_back(kSkipped);
        content.push_back(static_cast<std::uint8_t>(size - 2));
        content.resize(content.size() + size - 2);
        left -= size;
    }
    return {.type = type, .length = units, .content = std::move(content)};
}

Extension routing(std::uint8_t type, std::uint8_t segments_left, std::uint8_t addresses) {
    Bytes content{type, segments_left, 0, 0, 0, 0};
    for (std::uint8_t i = 0; i < addresses; i++) {
        append(content, kHost6);
    }
    return {.type = kRouting, .length = static_cast<std::uint8_t>(2 * addresses), .content = std::move(content)};
}

Extension fragment(std::uint16_t offset, bool more, std::uint32_t id) {
    Bytes content;
    put16(content, static_cast<std::size_t>(offset) << 3U | (more ? 1U : 0U));
    put32(content, id);
    return {.type = kFragment, .length = 0, .content = std::move(content)};
}

Extension authentication() { // 24 bytes: 12 of them the check value
    return {.type = kAuthentication, .length = 4, .content = {0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0,
                                                              0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
}

} // namespace pfild::frames
