// SPDX-License-Identifier: BSD-2-Clause
// The beginning of a chain: what kind of packet is in a frame and where it begins, as core/packet_view.cpp says it for
// the engine, in instructions of the kernel's machine.
//
// Found out twice, as filters are (cbpf/lower/filter.h): from the bytes where they lie, and by helpers if those that
// lie there are too few. Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/lower/filter.h"
#include "ebpf/assembler.h"
#include "ebpf/place.h"

namespace pfild::core {

/// What a chain keeps on its stack, as offsets from the frame pointer, 8 bytes each; below it is what filters use.
enum ChainSlot : std::int32_t {
    kScratchSlot = -8,                   ///< where filters, which use it too, are not running
    kBaseSlot = -cbpf::kFilterStack - 8, ///< of the IP packet in the frame, as the kernel has it
    kNetworkLengthSlot = kBaseSlot - 8,
    kFrameLengthSlot = kNetworkLengthSlot - 8,
    kFamilySlot = kFrameLengthSlot - 8, ///< kFamilyOther, ...
    kCountsSlot = kFamilySlot - 8,      ///< address of the chain's entry in its map
    kPacketsSlot = kCountsSlot - 8,     ///< that the buffer stands for
    kLinkBytesSlot = kPacketsSlot - 8,  ///< of all of these packets, as frames
    kNetworkBytesSlot = kLinkBytesSlot - 8,
};

inline constexpr std::int32_t kFamilyOther = 0;
inline constexpr std::int32_t kFamilyInet = 1;
inline constexpr std::int32_t kFamilyInet6 = 2;

/// Offsets in struct __sk_buff of linux/bpf.h, 4 bytes each.
struct TcContext {
    static constexpr std::int32_t kTagBeside = 20; ///< vlan_present
    static constexpr std::int32_t kSegments = 164; ///< gso_segs
    static constexpr std::int32_t kSegmentSize = 176;
};

struct FrameLook {
    ebpf::Place place;
    bool frames = false; ///< hooks see whole frames: their length is wanted, and transparent tags are left
    bool leave_fragments = false;
};

/// Before: r1 is the context. Afterwards: r6 is, and what is said of the frame is in kBaseSlot to kFamilySlot; the
/// frame's length under XDP only if it was wanted, as it costs a call. Packets that are the engine's jump to `leave`:
/// neighbours', of the link's upkeep, with extension headers, more tags than two, and fragments that may be without
/// their ports.
void emit_frame_look(ebpf::Assembler& out, const FrameLook& look, ebpf::Assembler::Label leave);

/// In the stack slots: how many packets the buffer stands for, and how many bytes they are together. Under XDP it is
/// one. uncut: buffers that stand for several are answered; else they jump to `leave`.
/// => emit_frame_look() has been.
void emit_packets(ebpf::Assembler& out, ebpf::Place place, bool uncut, ebpf::Assembler::Label leave);

} // namespace pfild::core
