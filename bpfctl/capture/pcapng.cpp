// SPDX-License-Identifier: BSD-2-Clause
// See pcapng.h.
#include "bpfctl/capture/pcapng.h"

#include <algorithm>
#include <concepts>

namespace pfild::bpfctl::pcapng {
namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kStatistics = 5;
constexpr std::uint32_t kPacket = 6;

constexpr std::uint16_t kEnd = 0;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kSectionProgram = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceResolution = 9;
constexpr std::uint16_t kInterfaceFilter = 11;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kReceived = 4;
constexpr std::uint16_t kDropped = 5;
constexpr std::uint16_t kAccepted = 6;
constexpr std::uint16_t kWritten = 8;

constexpr std::uint16_t kLinkTypeRaw = 101; // LINKTYPE_RAW: in files DLT_RAW has a number that is the same everywhere
constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::size_t kLongestOption = 65'535;

template <std::unsigned_integral T>
void put(Block& to, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
        to.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> 8U * i));
    }
}

void pad(Block& to) { to.resize((to.size() + 3) / 4 * 4); } // blocks begin at multiples of 4, so it is the same

void put_option(Block& to, std::uint16_t code, std::span<const std::uint8_t> value) {
    value = value.first(std::min(value.size(), kLongestOption));
    put(to, code);
    put(to, static_cast<std::uint16_t>(value.size()));
    to.insert(to.end(), value.begin(), value.end());
    pad(to);
}

void put_text(Block& to, std::uint16_t code, std::string_view text) {
    if (!text.empty()) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): text as bytes
        put_option(to, code, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }
}

template <std::unsigned_integral T>
void put_number(Block& to, std::uint16_t code, T value) {
    Block bytes;
    put(bytes, value);
    put_option(to, code, bytes);
}

/// A count of an interface, if it is known.
void put_count(Block& to, std::uint16_t code, const std::optional<std::uint64_t>& count) {
    if (count) {
        put_number(to, code, *count);
    }
}

/// Of 64 bits, the upper half first.
void put_time(Block& to, std::uint64_t nanoseconds) {
    put(to, static_cast<std::uint32_t>(nanoseconds >> 32U));
    put(to, static_cast<std::uint32_t>(nanoseconds));
}

/// Its body is what `fill` appends.
template <typename Fill>
void append_block(Block& to, std::uint32_t type, const Fill& fill) {
    const std::size_t start = to.size();
    put(to, type);
    put(to, std::uint32_t{0});
    fill();
    const auto length = static_cast<std::uint32_t>(to.size() - start + sizeof(std::uint32_t));
    put(to, length);
    std::copy(to.end() - sizeof length, to.end(), to.begin() + static_cast<std::ptrdiff_t>(start + sizeof type));
}

void end_options(Block& to) {
    put(to, kEnd);
    put(to, std::uint16_t{0});
}

std::uint32_t flags_of(const client::Record& record) {
    switch (record.direction) {
    case PFILD_RECORD_IN:
        return 1;
    case PFILD_RECORD_OUT:
        return 2;
    case PFILD_RECORD_NO_DIRECTION:
        break;
    }
    return 0;
}

} // namespace

void append_section(Block& to, std::string_view program) {
    append_block(to, kSection, [&] {
        put(to, std::uint32_t{0x1a2b3c4d});
        put(to, std::uint16_t{1}); // version 1.0
        put(to, std::uint16_t{0});
        put(to, ~std::uint64_t{0}); // its length is not known yet
        put_text(to, kSectionProgram, program);
        end_options(to);
    });
}

void append_interface(Block& to, const Interface& interface) {
    append_block(to, kInterface, [&] {
        const bool is_raw = interface.link_type == filter::kRaw;
        put(to, is_raw ? kLinkTypeRaw : static_cast<std::uint16_t>(interface.link_type.number));
        put(to, std::uint16_t{0});
        put(to, interface.snap_length);
        put_text(to, kInterfaceName, interface.name);
        put_number(to, kInterfaceResolution, std::uint8_t{9});
        if (!interface.filter.empty()) {
            put_text(to, kInterfaceFilter, std::string(1, '\0').append(interface.filter)); // 0: an expression
        }
        end_options(to);
    });
}

void append_packet(Block& to, const Packet& packet) {
    append_block(to, kPacket, [&] {
        const client::Record& record = packet.record;
        put(to, packet.interface);
        put_time(to, static_cast<std::uint64_t>(record.seconds) * kNanosPerSecond + record.nanoseconds);
        put(to, static_cast<std::uint32_t>(record.bytes.size()));
        put(to, record.length);
        to.insert(to.end(), record.bytes.begin(), record.bytes.end());
        pad(to);
        put_number(to, kPacketFlags, flags_of(record));
        put_text(to, kComment, packet.comment);
        end_options(to);
    });
}

void append_statistics(Block& to, const Statistics& statistics) {
    append_block(to, kStatistics, [&] {
        put(to, statistics.interface);
        put_time(to, statistics.nanoseconds);
        put_text(to, kComment, statistics.comment);
        put_count(to, kReceived, statistics.received);
        put_count(to, kDropped, statistics.dropped);
        put_count(to, kAccepted, statistics.accepted);
        put_count(to, kWritten, statistics.written);
        end_options(to);
    });
}

} // namespace pfild::bpfctl::pcapng
