// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/lower/filter.h"

#include <bit>
#include <vector>

#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

using ebpf::Arithmetic;
using ebpf::Condition;
using ebpf::Width;
using jit::Base;
using jit::Calculate;
using jit::Compare;
using jit::Match;
using jit::Operation;
using jit::Require;

constexpr ebpf::Register kA = kResult;
constexpr ebpf::Register kX = ebpf::Register::k8;
constexpr ebpf::Register kByteAtX = ebpf::Register::k4; ///< first byte + X, where a Require has set it
constexpr ebpf::Register kScratch = ebpf::Register::k0;
constexpr ebpf::Register kOther = ebpf::Register::k1;

constexpr std::int32_t kLoaded = -8; ///< on the stack: where a helper puts what it reads
constexpr std::int32_t kMemory = -kFilterStack;

/// The verifier follows a pointer into a packet up to this far,
constexpr std::uint32_t kPointerReach = 0xffff - kLargestBase;
/// and an instruction reaches this many bytes from a pointer on.
constexpr std::uint32_t kReach = 0x7fff;

constexpr std::int32_t number(std::uint32_t value) { return static_cast<std::int32_t>(value); }

/// Bytes as they lie in a packet, given as a little-endian number, as this machine loads them.
std::uint64_t as_loaded(std::uint64_t value, std::uint32_t bytes) {
    if constexpr (std::endian::native == std::endian::little) {
        return value;
    }
    std::uint64_t turned = 0;
    for (std::uint32_t byte = 0; byte < bytes; ++byte) {
        turned = turned << 8U | (value >> (8U * byte) & 0xffU);
    }
    return turned;
}

Arithmetic arithmetic_of(Operation operation) {
    switch (operation) {
    case Operation::kAdd:
        return Arithmetic::kAdd;
    case Operation::kSub:
        return Arithmetic::kSub;
    case Operation::kMul:
        return Arithmetic::kMul;
    case Operation::kDiv:
        return Arithmetic::kDiv;
    case Operation::kMod:
        return Arithmetic::kMod;
    case Operation::kOr:
        return Arithmetic::kOr;
    case Operation::kAnd:
        return Arithmetic::kAnd;
    case Operation::kXor:
        return Arithmetic::kXor;
    case Operation::kLsh:
        return Arithmetic::kLsh;
    case Operation::kRsh:
        return Arithmetic::kRsh;
    case Operation::kNeg:
        break;
    }
    return Arithmetic::kNeg;
}

Condition condition_of(jit::Relation relation) {
    switch (relation) {
    case jit::Relation::kEqual:
        return Condition::kEqual;
    case jit::Relation::kGreater:
        return Condition::kGreater;
    case jit::Relation::kGreaterOrEqual:
        return Condition::kGreaterOrEqual;
    case jit::Relation::kCommonBit:
        break;
    }
    return Condition::kCommonBit;
}

/// One of the two forms of a program.
class Form {
  public:
    /// slow: where this form begins anew; nothing: this is the slow one.
    Form(ebpf::Assembler& out, const jit::Graph& graph, const FilterSite& site, const FilterExits& exits,
         std::optional<ebpf::Assembler::Label> slow)
        : out_(out), graph_(graph), site_(site), exits_(exits), slow_(slow) {
        labels_.reserve(graph.blocks.size());
        for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
            labels_.push_back(out_.label());
        }
    }

    void emit() {
        for (current_ = 0; current_ < graph_.blocks.size(); ++current_) {
            const jit::Block& block = graph_.blocks[current_];
            out_.bind(labels_[current_]);
            for (const jit::Op& op : block.ops) {
                std::visit([this](const auto& one) { emit(one); }, op);
            }
            std::visit([this](const auto& end) { emit(end); }, block.end);
        }
    }

  private:
    // --- operands

    static bool in_register(jit::Variable variable) { return variable < jit::Variable::kM0; }
    static ebpf::Register register_of(jit::Variable variable) { return variable == jit::Variable::kA ? kA : kX; }
    static std::int32_t word(jit::Variable variable) {
        return kMemory + 4 * (static_cast<std::int32_t>(variable) - static_cast<std::int32_t>(jit::Variable::kM0));
    }

    void calculate(Arithmetic what, ebpf::Register to, jit::ConstantOrX operand) {
        if (operand) {
            out_.calculate(Width::k32, what, to, number(*operand));
        } else {
            out_.calculate(Width::k32, what, to, kX);
        }
    }

    /// => a Require has seen to it that the bytes are there.
    void load(ebpf::Register to, const jit::Place& place) {
        if (slow_) {
            out_.load(place.size, to, place.base == Base::kPacket ? kFirstByte : kByteAtX, number(place.offset));
            return;
        }
        out_.move(ebpf::Register::k1, kContext);
        if (place.base == Base::kX) {
            out_.move(ebpf::Register::k2, kX);
            out_.calculate(Width::k64, Arithmetic::kAdd, ebpf::Register::k2, number(place.offset));
        } else {
            out_.set(ebpf::Register::k2, number(place.offset));
        }
        if (site_.base_slot) {
            out_.load(8, ebpf::Register::k3, ebpf::Register::kFrame, *site_.base_slot);
            out_.calculate(Width::k64, Arithmetic::kAdd, ebpf::Register::k2, ebpf::Register::k3);
        }
        out_.move(ebpf::Register::k3, ebpf::Register::kFrame);
        out_.calculate(Width::k64, Arithmetic::kAdd, ebpf::Register::k3, kLoaded);
        out_.set(ebpf::Register::k4, place.size);
        out_.call(site_.place == ebpf::Place::kXdp ? ebpf::Helper::kXdpLoadBytes : ebpf::Helper::kSkbLoadBytes);
        out_.jump_if(Width::k64, ebpf::Register::k0, Condition::kNotEqual, 0, exits_.failed);
        out_.load(place.size, to, ebpf::Register::kFrame, kLoaded);
    }

    // --- operations

    void emit(const jit::Set& op) {
        if (in_register(op.to)) {
            out_.calculate(Width::k32, Arithmetic::kMove, register_of(op.to), number(op.value));
        } else {
            out_.store(4, ebpf::Register::kFrame, word(op.to), number(op.value));
        }
    }

    void emit(const jit::Copy& op) {
        if (!in_register(op.to)) {
            out_.store(4, ebpf::Register::kFrame, word(op.to), register_of(op.from));
        } else if (!in_register(op.from)) {
            out_.load(4, register_of(op.to), ebpf::Register::kFrame, word(op.from));
        } else {
            out_.calculate(Width::k32, Arithmetic::kMove, register_of(op.to), register_of(op.from));
        }
    }

    void emit(const jit::WireLength& op) {
        out_.calculate(Width::k32, Arithmetic::kMove, register_of(op.to), kPacketLength);
    }

    void emit(const jit::Read& op) {
        load(kA, op.place);
        if (op.place.size != 1) {
            out_.from_network_order(kA, op.place.size);
        }
    }

    void emit(const jit::ReadHeaderLength& op) {
        load(kX, {Base::kPacket, 1, op.offset});
        out_.calculate(Width::k32, Arithmetic::kAnd, kX, 15);
        out_.calculate(Width::k32, Arithmetic::kLsh, kX, 2);
    }

    void emit(const Calculate& op) {
        if (op.operation == Operation::kNeg) {
            out_.calculate(Width::k32, Arithmetic::kNeg, kA, 0);
        } else {
            calculate(arithmetic_of(op.operation), kA, op.operand);
        }
    }

    void emit(const jit::RequireDivisor& /*op*/) { out_.jump_if(Width::k32, kX, Condition::kEqual, 0, exits_.zero); }

    void emit(const jit::RequireShift& /*op*/) {
        out_.jump_if(Width::k32, kX, Condition::kGreaterOrEqual, kShiftLimit, exits_.zero);
    }

    void emit(const Require& op) {
        if (op.end >= Packet::kOffsetLimit) { // a packet is shorter than that
            out_.jump(exits_.zero);
        } else if (op.base == Base::kPacket) {
            require_of_packet(op.end);
        } else {
            require_behind_x(op.end);
        }
    }

    void require_of_packet(std::uint32_t end) {
        if (!slow_ || site_.base_slot) { // else the buffer's end is before the packet's, and told apart by `slow`
            out_.jump_if(Width::k64, kPacketLength, Condition::kLess, number(end), exits_.zero);
        }
        if (slow_) {
            reach(kFirstByte, end);
        }
    }

    void require_behind_x(std::uint32_t end) {
        out_.move(kOther, kX);
        out_.calculate(Width::k64, Arithmetic::kAdd, kOther, number(end));
        out_.jump_if(Width::k64, kOther, Condition::kGreater, kPacketLength, exits_.zero);
        if (!slow_) {
            return;
        }
        if (end <= kReach) {
            out_.jump_if(Width::k64, kX, Condition::kGreater, number(kPointerReach - end), *slow_);
            out_.move(kByteAtX, kFirstByte);
            out_.calculate(Width::k64, Arithmetic::kAdd, kByteAtX, kX);
        }
        reach(kByteAtX, end);
    }

    void reach(ebpf::Register from, std::uint32_t end) {
        if (end > kReach) {
            out_.jump(*slow_);
            return;
        }
        out_.move(kOther, from);
        out_.calculate(Width::k64, Arithmetic::kAdd, kOther, number(end));
        out_.jump_if(Width::k64, kOther, Condition::kGreater, kBufferEnd, *slow_);
    }

    // --- ends

    void emit(const jit::Return& end) {
        if (!end.constant) {
            out_.jump_if(Width::k32, kA, Condition::kNotEqual, 0, exits_.nonzero);
            out_.jump(exits_.zero);
        } else if (*end.constant == 0) {
            out_.jump(exits_.zero);
        } else {
            out_.calculate(Width::k32, Arithmetic::kMove, kResult, number(*end.constant));
            out_.jump(exits_.nonzero);
        }
    }

    void emit(const jit::Goto& end) { go(end.to); }

    void emit(const jit::Branch& end) {
        std::visit([&](const auto& test) { emit_test(test, labels_[end.yes]); }, end.test);
        go(end.no);
    }

    void go(jit::BlockIndex to) {
        if (to != current_ + 1) {
            out_.jump(labels_[to]);
        }
    }

    void emit_test(const Compare& test, ebpf::Assembler::Label yes) {
        if (test.operand) {
            out_.jump_if(Width::k32, kA, condition_of(test.relation), number(*test.operand), yes);
        } else {
            out_.jump_if(Width::k32, kA, condition_of(test.relation), kX, yes);
        }
    }

    void emit_test(const Match& test, ebpf::Assembler::Label yes) {
        const std::uint64_t all = ~std::uint64_t{0} >> (64U - 8U * test.place.size);
        const std::uint64_t mask = as_loaded(test.mask, test.place.size);
        const std::uint64_t value = as_loaded(test.value, test.place.size);
        load(kScratch, test.place);
        if (test.place.size != 8) {
            if (test.mask != all) {
                out_.calculate(Width::k32, Arithmetic::kAnd, kScratch, number(static_cast<std::uint32_t>(mask)));
            }
            out_.jump_if(Width::k32, kScratch, Condition::kEqual, number(static_cast<std::uint32_t>(value)), yes);
            return;
        }
        if (test.mask != all) {
            out_.set_wide(kOther, mask);
            out_.calculate(Width::k64, Arithmetic::kAnd, kScratch, kOther);
        }
        out_.set_wide(kOther, value);
        out_.jump_if(Width::k64, kScratch, Condition::kEqual, kOther, yes);
    }

    ebpf::Assembler& out_;
    const jit::Graph& graph_;
    const FilterSite& site_;
    const FilterExits& exits_;
    std::optional<ebpf::Assembler::Label> slow_;
    std::vector<ebpf::Assembler::Label> labels_;
    std::size_t current_ = 0; ///< block that is being written
};

} // namespace

void emit_filter(ebpf::Assembler& out, const jit::Graph& graph, const FilterSite& site, const FilterExits& exits) {
    const ebpf::Assembler::Label slow = out.label();
    Form(out, graph, site, exits, slow).emit();
    out.bind(slow);
    Form(out, graph, site, exits, std::nullopt).emit();
}

} // namespace pfild::cbpf
