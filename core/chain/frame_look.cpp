// SPDX-License-Identifier: BSD-2-Clause
#include "core/chain/frame_look.h"

#include <array>
#include <bit>

#include "pfild/packet.h"
#include "pfild/upkeep.h"

namespace pfild::core {
namespace {

using cbpf::kContext;
using ebpf::Arithmetic;
using ebpf::Assembler;
using ebpf::Condition;
using ebpf::Place;
using ebpf::Register;
using ebpf::Width;
using Target = Assembler::Label;

constexpr Register kBase = Register::k7;
constexpr Register kValue = Register::k8; ///< what was read; in the end the length of the IP packet
constexpr Register kFrameLength = Register::k9;
constexpr Register kEnd = Register::k2;
constexpr Register kData = Register::k3;
constexpr Register kFamily = Register::k5;

constexpr std::int32_t kLinkBytes = 14;
constexpr std::int32_t kTypeAt = kLinkBytes - 2;
constexpr std::int32_t kLongestLength = 1500; ///< a larger number is a type
constexpr std::int32_t kTagBytes = 4;
constexpr std::int32_t kInetBytes = 20;
constexpr std::int32_t kInet6Bytes = 40;
constexpr std::int32_t kTagsSeen = 2;
static_assert(kLinkBytes + kTagsSeen * kTagBytes == cbpf::kLargestBase);

/// As two bytes of a packet are loaded.
constexpr std::int32_t as_loaded(std::uint16_t number) {
    return std::endian::native == std::endian::little ? (number & 0xff) << 8 | number >> 8 : number;
}

/// Next headers that the engine looks behind (pfild_is_extension).
constexpr std::array<std::int32_t, 8> kWalked{
    PFILD_HOP_BY_HOP,          PFILD_ROUTING,  PFILD_FRAGMENT, PFILD_AUTHENTICATION,
    PFILD_DESTINATION_OPTIONS, PFILD_MOBILITY, PFILD_HIP,      PFILD_SHIM6};

/// Of control frames that have one (pfild_control_kind).
constexpr std::array<std::uint16_t, 5> kControlTypes{0x888e, 0x8809, 0x88cc, 0x88f7, 0x88e5};

/// A first fragment of so many bytes has all ports and flags, whatever options are in front of them.
constexpr std::int32_t kLongFragment = 60 + 14;

/// ICMPv6 with a hop limit of 255: neighbour discovery, or nearly always so.
constexpr std::uint16_t kDiscovery = 58 << 8 | 255;

/// r2 is the offset in the frame; r0 is 0 if they are in the scratch slot now.
void read_by_helper(Assembler& out, Place place, std::uint32_t bytes) {
    out.move(Register::k1, kContext);
    out.move(Register::k3, Register::kFrame);
    out.calculate(Width::k64, Arithmetic::kAdd, Register::k3, kScratchSlot);
    out.set(Register::k4, static_cast<std::int32_t>(bytes));
    out.call(place == Place::kXdp ? ebpf::Helper::kXdpLoadBytes : ebpf::Helper::kSkbLoadBytes);
}

/// One of the two forms.
class Parser {
  public:
    struct Exits {
        Target inet;
        Target inet6;
        Target other;
        Target leave;
    };

    /// slow: where to begin anew; nothing: this is the slow form. length_known: r9 is the frame's, not only what lies
    /// in the first buffer.
    Parser(Assembler& out, const FrameLook& look, const Exits& exits, std::optional<Target> slow, bool length_known)
        : out_(out), look_(look), place_(look.place), exits_(exits), slow_(slow), length_known_(length_known) {}

    void emit() {
        need(kLinkBytes, exits_.other);
        read(2, kLinkBytes - 2);
        for (std::int32_t tags = 0; tags <= kTagsSeen; ++tags) {
            const Target tagged = out_.label();
            const std::int32_t offset = kLinkBytes + tags * kTagBytes;
            for (const std::uint16_t type : {0x8100, 0x88a8}) {
                out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(type), tagged);
            }
            emit_network(offset);
            out_.bind(tagged);
            if (tags == kTagsSeen) {
                out_.jump(exits_.leave); // the engine looks further
                break;
            }
            if (tags + 1 == kTagsSeen && place_ == Place::kTc) { // one beside the packet is one of them
                out_.load(4, Register::k1, kContext, TcContext::kTagBeside);
                out_.jump_if(Width::k64, Register::k1, Condition::kNotEqual, 0, exits_.leave);
            }
            need(offset + kTagBytes, exits_.leave);
            if (look_.frames) {
                leave_transparent_tag(offset);
            }
            read(2, offset + kTagBytes - 2);
        }
    }

  private:
    /// So many bytes from the beginning of the frame; else it is `otherwise`.
    void need(std::int32_t bytes, Target otherwise) {
        if (slow_) {
            out_.move(Register::k1, kData);
            out_.calculate(Width::k64, Arithmetic::kAdd, Register::k1, bytes);
            out_.jump_if(Width::k64, Register::k1, Condition::kGreater, kEnd, *slow_);
        } else {
            out_.jump_if(Width::k64, kFrameLength, Condition::kLess, bytes, otherwise);
        }
    }

    /// => they have been needed.
    void read(std::uint32_t bytes, std::int32_t offset) {
        if (slow_) {
            out_.load(bytes, kValue, kData, offset);
            return;
        }
        out_.set(Register::k2, offset);
        read_by_helper(out_, place_, bytes);
        out_.jump_if(Width::k64, Register::k0, Condition::kNotEqual, 0, exits_.leave);
        out_.load(bytes, kValue, Register::kFrame, kScratchSlot);
    }

    /// Hooks that see frames are shown one without it, too.
    void leave_transparent_tag(std::int32_t offset) {
        read(2, offset);
        out_.calculate(Width::k64, Arithmetic::kAnd, kValue, as_loaded(0x0fff));
        out_.jump_if(Width::k64, kValue, Condition::kEqual, 0, exits_.leave);
    }

    /// The type is in r8.
    void emit_network(std::int32_t offset) {
        const Target inet = out_.label();
        const Target inet6 = out_.label();
        out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(0x0800), inet);
        out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(0x86dd), inet6);
        out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(0x0806), exits_.leave);
        if (look_.frames && offset == kLinkBytes) {
            leave_control();
        }
        out_.jump(exits_.other);
        out_.bind(inet);
        emit_inet(offset);
        out_.bind(inet6);
        emit_inet6(offset);
    }

    /// As pfild_control_kind(), and no other frame to those addresses: where nobody can be asked, a head lets what is
    /// left to it pass.
    void leave_control() {
        const Target none = out_.label();
        read(2, 0);
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, as_loaded(0x0180), none);
        read(2, 2);
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, as_loaded(0xc200), none);
        read(2, 4);
        out_.calculate(Width::k64, Arithmetic::kAnd, kValue, as_loaded(0xfff0));
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, 0, none);
        need(PFILD_CONTROL_LOOK, none);
        read(2, kTypeAt);
        for (const std::uint16_t type : kControlTypes) {
            out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(type), exits_.leave);
        }
        leave_spanning_tree(none);
        out_.bind(none);
    }

    /// A length of at most 1,500 in place of the type, and LLC 42-42-03.
    void leave_spanning_tree(Target none) {
        const Target is_length = out_.label();
        read(1, kTypeAt);
        out_.jump_if(Width::k64, kValue, Condition::kLess, kLongestLength >> 8, is_length);
        out_.jump_if(Width::k64, kValue, Condition::kGreater, kLongestLength >> 8, none);
        read(1, kTypeAt + 1);
        out_.jump_if(Width::k64, kValue, Condition::kGreater, kLongestLength & 0xff, none);
        out_.bind(is_length);
        read(2, kLinkBytes);
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, as_loaded(0x4242), none);
        read(1, kLinkBytes + 2);
        out_.jump_if(Width::k64, kValue, Condition::kEqual, 0x03, exits_.leave);
    }

    void expect_version(std::int32_t offset, std::int32_t version) {
        read(1, offset);
        out_.calculate(Width::k64, Arithmetic::kRsh, kValue, 4);
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, version, exits_.other);
    }

    void emit_inet(std::int32_t offset) {
        need(offset + kInetBytes, exits_.other);
        expect_version(offset, 4);
        leave_odd_fragment(offset);
        read(2, offset + 2);
        out_.from_network_order(kValue, 2);
        end(offset, kInetBytes, exits_.inet);
    }

    /// One that begins over the flags of TCP, or that may end before ports and flags.
    void leave_odd_fragment(std::int32_t offset) {
        const Target whole = out_.label();
        const Target later = out_.label();
        read(2, offset + 6);
        out_.calculate(Width::k64, Arithmetic::kAnd, kValue, as_loaded(0x3fff));
        out_.jump_if(Width::k64, kValue, Condition::kEqual, 0, whole);
        if (look_.leave_fragments) {
            out_.jump(exits_.leave);
            out_.bind(later);
            out_.bind(whole);
            return;
        }
        out_.from_network_order(kValue, 2);
        out_.calculate(Width::k64, Arithmetic::kAnd, kValue, 0x1fff);
        out_.jump_if(Width::k64, kValue, Condition::kEqual, 1, exits_.leave);
        out_.jump_if(Width::k64, kValue, Condition::kNotEqual, 0, later);
        read(2, offset + 2);
        out_.from_network_order(kValue, 2);
        out_.jump_if(Width::k64, kValue, Condition::kLess, kLongFragment, exits_.leave);
        need(offset + kLongFragment, exits_.leave);
        out_.bind(later);
        out_.bind(whole);
    }

    void leave_extensions(std::int32_t offset) {
        const Target none = out_.label();
        read(1, offset + 6);
        for (const std::int32_t usual : {PFILD_TCP, PFILD_UDP}) {
            out_.jump_if(Width::k64, kValue, Condition::kEqual, usual, none);
        }
        for (const std::int32_t walked : kWalked) {
            out_.jump_if(Width::k64, kValue, Condition::kEqual, walked, exits_.leave);
        }
        out_.bind(none);
    }

    void emit_inet6(std::int32_t offset) {
        need(offset + kInet6Bytes, exits_.other);
        expect_version(offset, 6);
        read(2, offset + 6);
        out_.jump_if(Width::k64, kValue, Condition::kEqual, as_loaded(kDiscovery), exits_.leave);
        leave_extensions(offset);
        read(2, offset + 4);
        out_.from_network_order(kValue, 2);
        const Target none = out_.label();
        out_.jump_if(Width::k64, kValue, Condition::kEqual, 0, none);
        out_.calculate(Width::k64, Arithmetic::kAdd, kValue, kInet6Bytes);
        out_.bind(none);
        end(offset, kInet6Bytes, exits_.inet6);
    }

    /// What the header says of the packet's length is in r8. Less than `least` is nothing that it says.
    void end(std::int32_t offset, std::int32_t least, Target family) {
        const Target all = out_.label();
        const Target known = out_.label();
        out_.set(kBase, offset);
        out_.move(Register::k1, kFrameLength);
        out_.calculate(Width::k64, Arithmetic::kSub, Register::k1, offset);
        out_.jump_if(Width::k64, kValue, Condition::kLess, least, all);
        out_.jump_if(Width::k64, kValue, Condition::kLessOrEqual, Register::k1, known);
        out_.bind(all);
        if (length_known_) {
            out_.move(kValue, Register::k1);
        } else {
            out_.jump(*slow_);
        }
        out_.bind(known);
        out_.jump(family);
    }

    Assembler& out_;
    const FrameLook& look_;
    Place place_;
    const Exits& exits_;
    std::optional<Target> slow_;
    bool length_known_;
};

void load_frame_length(Assembler& out, Place place) {
    if (place == Place::kTc) {
        out.load(4, kFrameLength, kContext, ebpf::kTcContext.length);
        return;
    }
    out.move(Register::k1, kContext);
    out.call(ebpf::Helper::kXdpBufferLength);
    out.move(kFrameLength, Register::k0);
}

/// Numbers that the verifier knows it would follow apart, way by way, through all of the chain. It does not know that a
/// number less itself is 0.
void emit_found(Assembler& out, Target leave) {
    constexpr Register kUnknownZero = Register::k1;
    out.move(kUnknownZero, kFrameLength);
    out.calculate(Width::k64, Arithmetic::kSub, kUnknownZero, kFrameLength);
    out.calculate(Width::k64, Arithmetic::kAdd, kBase, kUnknownZero);
    out.jump_if(Width::k64, kBase, Condition::kGreater, cbpf::kLargestBase, leave);
    out.calculate(Width::k64, Arithmetic::kAdd, kFamily, kUnknownZero);
    out.store(8, Register::kFrame, kBaseSlot, kBase);
    out.store(8, Register::kFrame, kNetworkLengthSlot, kValue);
    out.store(8, Register::kFrame, kFrameLengthSlot, kFrameLength);
    out.store(8, Register::kFrame, kFamilySlot, kFamily);
}

} // namespace

void emit_frame_look(Assembler& out, const FrameLook& look, Target leave) {
    const Parser::Exits exits{.inet = out.label(), .inet6 = out.label(), .other = out.label(), .leave = leave};
    const Target slow = out.label();
    const Target found = out.label();
    const bool length_known = look.place == Place::kTc || look.frames;
    const ebpf::ContextLayout& context = ebpf::context_of(look.place);
    out.move(kContext, Register::k1);
    if (length_known) {
        load_frame_length(out, look.place);
    }
    out.load(4, kEnd, kContext, context.data_end);
    out.load(4, kData, kContext, context.data);
    if (!length_known) {
        out.move(kFrameLength, kEnd);
        out.calculate(Width::k64, Arithmetic::kSub, kFrameLength, kData);
    }
    Parser(out, look, exits, slow, length_known).emit();
    out.bind(slow);
    if (!length_known) {
        load_frame_length(out, look.place);
    }
    Parser(out, look, exits, std::nullopt, true).emit();
    out.bind(exits.other);
    out.set(kBase, 0);
    out.set(kValue, 0);
    out.set(kFamily, kFamilyOther);
    out.jump(found);
    out.bind(exits.inet);
    out.set(kFamily, kFamilyInet);
    out.jump(found);
    out.bind(exits.inet6);
    out.set(kFamily, kFamilyInet6);
    out.bind(found);
    emit_found(out, leave);
}

namespace {

/// r8 = one byte at the offset in r7, which stays.
void read_byte_at_base(Assembler& out, std::int32_t behind, Target leave) {
    out.move(Register::k2, kBase);
    out.calculate(Width::k64, Arithmetic::kAdd, Register::k2, behind);
    read_by_helper(out, Place::kTc, 1);
    out.jump_if(Width::k64, Register::k0, Condition::kNotEqual, 0, leave);
    out.load(1, kValue, Register::kFrame, kScratchSlot);
}

constexpr std::int32_t kProtocolTcp = 6;

/// r7 = bytes in front of the payload, of TCP.
void emit_header_length(Assembler& out, Target leave) {
    const Target inet6 = out.label();
    const Target transport = out.label();
    out.load(8, kBase, Register::kFrame, kBaseSlot);
    out.load(8, kFamily, Register::kFrame, kFamilySlot);
    out.jump_if(Width::k64, kFamily, Condition::kEqual, kFamilyInet6, inet6);
    out.jump_if(Width::k64, kFamily, Condition::kNotEqual, kFamilyInet, leave);
    read_byte_at_base(out, 9, leave);
    out.jump_if(Width::k64, kValue, Condition::kNotEqual, kProtocolTcp, leave);
    read_byte_at_base(out, 0, leave);
    out.calculate(Width::k64, Arithmetic::kAnd, kValue, 15);
    out.calculate(Width::k64, Arithmetic::kLsh, kValue, 2);
    out.calculate(Width::k64, Arithmetic::kAdd, kBase, kValue);
    out.jump(transport);
    out.bind(inet6);
    read_byte_at_base(out, 6, leave);
    out.jump_if(Width::k64, kValue, Condition::kNotEqual, kProtocolTcp, leave);
    out.calculate(Width::k64, Arithmetic::kAdd, kBase, kInet6Bytes);
    out.bind(transport);
    read_byte_at_base(out, 12, leave);
    out.calculate(Width::k64, Arithmetic::kRsh, kValue, 4);
    out.calculate(Width::k64, Arithmetic::kLsh, kValue, 2);
    out.calculate(Width::k64, Arithmetic::kAdd, kBase, kValue);
}

/// Every packet has the headers; the buffer has them once. r9 = packets, r7 = bytes of headers.
void emit_bytes(Assembler& out) {
    out.store(8, Register::kFrame, kPacketsSlot, Register::k9);
    out.calculate(Width::k64, Arithmetic::kSub, Register::k9, 1);
    out.move(Register::k1, kBase);
    out.calculate(Width::k64, Arithmetic::kMul, Register::k1, Register::k9);
    out.load(8, Register::k2, Register::kFrame, kFrameLengthSlot);
    out.calculate(Width::k64, Arithmetic::kAdd, Register::k1, Register::k2);
    out.store(8, Register::kFrame, kLinkBytesSlot, Register::k1);
    out.load(8, Register::k2, Register::kFrame, kBaseSlot);
    out.calculate(Width::k64, Arithmetic::kSub, kBase, Register::k2);
    out.calculate(Width::k64, Arithmetic::kMul, kBase, Register::k9);
    out.load(8, Register::k2, Register::kFrame, kNetworkLengthSlot);
    out.calculate(Width::k64, Arithmetic::kAdd, kBase, Register::k2);
    out.store(8, Register::kFrame, kNetworkBytesSlot, kBase);
}

} // namespace

void emit_packets(Assembler& out, Place place, bool uncut, Target leave) {
    const Target one = out.label();
    const Target counted = out.label();
    if (place == Place::kTc && !uncut) {
        out.load(4, Register::k1, kContext, TcContext::kSegmentSize);
        out.jump_if(Width::k64, Register::k1, Condition::kNotEqual, 0, leave);
    } else if (place == Place::kTc) {
        out.load(4, Register::k1, kContext, TcContext::kSegmentSize);
        out.jump_if(Width::k64, Register::k1, Condition::kEqual, 0, one);
        emit_header_length(out, leave);
        out.load(4, Register::k9, kContext, TcContext::kSegments);
        out.jump_if(Width::k64, Register::k9, Condition::kEqual, 0, leave); // a guest's: nobody has counted
        emit_bytes(out);
        out.jump(counted);
    }
    out.bind(one);
    out.set(Register::k1, 1);
    out.store(8, Register::kFrame, kPacketsSlot, Register::k1);
    out.load(8, Register::k1, Register::kFrame, kFrameLengthSlot);
    out.store(8, Register::kFrame, kLinkBytesSlot, Register::k1);
    out.load(8, Register::k1, Register::kFrame, kNetworkLengthSlot);
    out.store(8, Register::kFrame, kNetworkBytesSlot, Register::k1);
    out.bind(counted);
}

} // namespace pfild::core
