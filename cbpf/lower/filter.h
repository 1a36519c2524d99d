// SPDX-License-Identifier: BSD-2-Clause
// One classic BPF program as a piece of an eBPF program. It is there twice:
//
//     fast   reads the packet where it lies. What it cannot reach there (a part beyond the first buffer) it does not
//            try: it begins anew with
//     slow   reads every byte by a helper that finds it wherever it is
//
// A program has no effects, so beginning anew is exact. And it keeps the kernel's verifier quick: whatever way leads to
// `slow`, nothing that was known before counts there.
//
// Before: r6 context, r9 length of the packet in bytes, below 2^31; r3 its first byte, r2 the end of what lies there.
// After, at one of the exits: r6 and r9 as they were, the result in r7, nothing else.
#pragma once

#include <cstdint>
#include <optional>

#include "cbpf/jit/graph.h"
#include "ebpf/assembler.h"
#include "ebpf/place.h"

namespace pfild::cbpf {

inline constexpr ebpf::Register kContext = ebpf::Register::k6;
inline constexpr ebpf::Register kResult = ebpf::Register::k7;
inline constexpr ebpf::Register kPacketLength = ebpf::Register::k9;
inline constexpr ebpf::Register kFirstByte = ebpf::Register::k3;
inline constexpr ebpf::Register kBufferEnd = ebpf::Register::k2;

/// Bytes of the stack below the frame that a filter uses; what a caller keeps there lies further down.
inline constexpr std::int32_t kFilterStack = 8 + 64;

/// Offsets of packets' first bytes in their frames: at most two tags behind the Ethernet header.
inline constexpr std::int32_t kLargestBase = 22;

/// Where a piece stands, and what it is shown.
struct FilterSite {
    ebpf::Place place;
    /// The packet does not begin with the frame: its offset there, at most kLargestBase, is in the 8 bytes at this
    /// offset from the frame pointer; and it may end before the frame does.
    std::optional<std::int32_t> base_slot;
};

struct FilterExits {
    ebpf::Assembler::Label zero;    ///< the result is 0
    ebpf::Assembler::Label nonzero; ///< it is what r7 says
    ebpf::Assembler::Label failed;  ///< bytes that are there could not be read
};

void emit_filter(ebpf::Assembler& out, const jit::Graph& graph, const FilterSite& site, const FilterExits& exits);

} // namespace pfild::cbpf
