// SPDX-License-Identifier: BSD-2-Clause
// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as bytes. Pure.
//
//     section header | interface 0 | interface 1 .. | packet | packet .. | interface 2 | packet .. | statistics 0 1 2
//
//     | type | length | body, padded to 4 | options: code, length, value padded to 4 .. | end of options | length |
//
// Little-endian, times in nanoseconds. An interface's block is before its first packet; interfaces are numbered in the
// order of their blocks. What is known of a packet beside its bytes becomes an option of its block.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "client/record_reader.h"
#include "filter/link_type.h"

namespace pfild::bpfctl::pcapng {

using Block = std::vector<std::uint8_t>;

struct Interface {
    std::string_view name;
    filter::LinkType link_type; ///< Ethernet or IP
    std::uint32_t snap_length;
    std::string_view filter; ///< the expression; empty: none
};

/// A packet, its interface's number, and what there is to say of it to people; empty: nothing.
struct Packet {
    const client::Record& record;
    std::uint32_t interface;
    std::string_view comment{};
};

/// What was counted at an interface by the end; what is not known is left out.
struct Statistics {
    std::uint32_t interface;
    std::uint64_t nanoseconds; ///< since 1970-01-01 UTC, when they were asked for
    std::optional<std::uint64_t> received;
    std::optional<std::uint64_t> accepted{}; ///< by the filter
    std::optional<std::uint64_t> dropped{};
    std::optional<std::uint64_t> written{};
    std::string_view comment{};
};

// Each appends one block. Texts are cut at 65,535 bytes.
void append_section(Block& to, std::string_view program);
void append_interface(Block& to, const Interface& interface);
void append_packet(Block& to, const Packet& packet);
void append_statistics(Block& to, const Statistics& statistics);

} // namespace pfild::bpfctl::pcapng
