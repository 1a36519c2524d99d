// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/body.h"

#include <bit>
#include <vector>

#include "cbpf/packet.h"

namespace pfild::cbpf::jit {
namespace {

using asmjit::Label;
namespace x86 = asmjit::x86;
using Condition = x86::CondCode;

constexpr std::int32_t kMemoryBytes = 64;
static_assert(kMemoryBytes == kMemoryWords * sizeof(std::uint32_t));

/// What r9 holds where a block begins: the bytes of a place, as they lie in the packet.
struct HeldAtHead {
    bool seen = false; ///< some way leads here
    std::optional<Place> held;
};

class Body {
  public:
    Body(x86::Assembler& out, const Graph& graph, const Exits& exits)
        : out_(out), graph_(graph), exits_(exits), arrivals_(graph.blocks.size()) {
        labels_.reserve(graph.blocks.size());
        for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
            labels_.push_back(out_.newLabel());
        }
    }

    void emit() {
        for (current_ = 0; current_ < graph_.blocks.size(); ++current_) {
            const Block& block = graph_.blocks[current_];
            held_ = arrivals_[current_].held;
            out_.bind(labels_[current_]);
            for (const Op& op : block.ops) {
                std::visit([this](const auto& one) { emit(one); }, op);
                if (held_ && held_->base == Base::kX && assigned(op) == Variable::kX) {
                    held_.reset();
                }
            }
            std::visit([this](const auto& end) { emit(end); }, block.end);
            for_each_successor(block, [this](BlockIndex next) { arrive(arrivals_[next]); });
        }
    }

  private:
    void arrive(HeldAtHead& arrival) const {
        if (!arrival.seen) {
            arrival = {true, held_};
        } else if (arrival.held != held_) {
            arrival.held.reset();
        }
    }

    // --- operands

    static x86::Gp gp(Variable variable) { return variable == Variable::kA ? x86::eax : x86::ecx; }
    static bool in_register(Variable variable) { return variable == Variable::kA || variable == Variable::kX; }
    static x86::Mem word(Variable variable) {
        const auto index = static_cast<std::int32_t>(variable) - static_cast<std::int32_t>(Variable::kM0);
        return x86::dword_ptr(x86::rsp, index * 4 - kMemoryBytes);
    }
    /// => the place was required, so its offset is below 2^31.
    static x86::Mem bytes(const Place& place) {
        const auto offset = static_cast<std::int32_t>(place.offset);
        return place.base == Base::kPacket ? x86::ptr(x86::rsi, offset, place.size)
                                           : x86::ptr(x86::rsi, x86::rcx, 0, offset, place.size);
    }

    /// `to` = the bytes as they lie there, the rest of the register 0.
    void load(const x86::Gp& to, const Place& place) {
        switch (place.size) {
        case 1:
        case 2:
            out_.movzx(to.r32(), bytes(place));
            break;
        case 4:
            out_.mov(to.r32(), bytes(place));
            break;
        default:
            out_.mov(to.r64(), bytes(place));
        }
    }

    void set(const x86::Gp& to, std::uint32_t value) {
        if (value == 0) {
            out_.xor_(to, to);
        } else {
            out_.mov(to, value);
        }
    }

    // --- operations

    void emit(const Set& op) {
        if (in_register(op.to)) {
            set(gp(op.to), op.value);
        } else {
            out_.mov(word(op.to), op.value);
        }
    }

    void emit(const Copy& op) {
        if (!in_register(op.to)) {
            out_.mov(word(op.to), gp(op.from));
        } else if (!in_register(op.from)) {
            out_.mov(gp(op.to), word(op.from));
        } else {
            out_.mov(gp(op.to), gp(op.from));
        }
    }

    void emit(const WireLength& op) {
        out_.mov(gp(op.to), x86::dword_ptr(x86::rdi, static_cast<std::int32_t>(Packet::layout().wire_length)));
    }

    void emit(const Read& op) {
        load(x86::eax, op.place);
        if (op.place.size == 2) {
            out_.rol(x86::ax, 8);
        } else if (op.place.size == 4) {
            out_.bswap(x86::eax);
        }
    }

    void emit(const ReadHeaderLength& op) {
        load(x86::ecx, {Base::kPacket, 1, op.offset});
        out_.and_(x86::ecx, 15);
        out_.shl(x86::ecx, 2);
    }

    void emit(const Require& op) {
        if (op.base == Base::kPacket) {
            if (exits_.length_in_register) {
                out_.cmp(x86::r8d, op.end);
            } else {
                out_.cmp(x86::dword_ptr(x86::rdi, static_cast<std::int32_t>(Packet::layout().head_length)), op.end);
            }
            out_.jb(exits_.outside);
            return;
        }
        out_.mov(x86::r10d, op.end); // up to 2^31: too much for the displacement of a lea
        out_.add(x86::r10, x86::rcx);
        out_.cmp(x86::r10, x86::r8);
        out_.ja(exits_.outside);
    }

    void emit(const RequireDivisor& /*op*/) {
        out_.test(x86::ecx, x86::ecx);
        out_.jz(exits_.zero);
    }

    void emit(const RequireShift& /*op*/) {
        out_.cmp(x86::ecx, kShiftLimit);
        out_.jae(exits_.zero);
    }

    void emit(const Calculate& op) {
        switch (op.operation) {
        case Operation::kDiv:
        case Operation::kMod:
            divide(op);
            break;
        case Operation::kLsh:
        case Operation::kRsh:
            shift(op);
            break;
        case Operation::kMul:
            if (op.operand) {
                out_.imul(x86::eax, x86::eax, *op.operand);
            } else {
                out_.imul(x86::eax, x86::ecx);
            }
            break;
        case Operation::kNeg:
            out_.neg(x86::eax);
            break;
        default:
            if (op.operand) {
                out_.emit(instruction_of(op.operation), x86::eax, asmjit::imm(*op.operand));
            } else {
                out_.emit(instruction_of(op.operation), x86::eax, x86::ecx);
            }
        }
    }

    static x86::Inst::Id instruction_of(Operation operation) {
        switch (operation) {
        case Operation::kAdd:
            return x86::Inst::kIdAdd;
        case Operation::kSub:
            return x86::Inst::kIdSub;
        case Operation::kOr:
            return x86::Inst::kIdOr;
        case Operation::kAnd:
            return x86::Inst::kIdAnd;
        default:
            return x86::Inst::kIdXor;
        }
    }

    /// The divisor is not 0: a constant was verified (CF-11), X was required.
    void divide(const Calculate& op) {
        const bool is_power = op.operand && std::has_single_bit(*op.operand);
        if (is_power && op.operation == Operation::kDiv) {
            out_.shr(x86::eax, std::countr_zero(*op.operand));
            return;
        }
        if (is_power) {
            out_.and_(x86::eax, *op.operand - 1);
            return;
        }
        x86::Gp divisor = x86::ecx;
        if (op.operand) {
            divisor = x86::r10d;
            out_.mov(divisor, *op.operand);
        }
        out_.xor_(x86::edx, x86::edx);
        out_.div(divisor);
        if (op.operation == Operation::kMod) {
            out_.mov(x86::eax, x86::edx);
        }
    }

    void shift(const Calculate& op) {
        const x86::Inst::Id instruction = op.operation == Operation::kLsh ? x86::Inst::kIdShl : x86::Inst::kIdShr;
        if (op.operand) {
            out_.emit(instruction, x86::eax, asmjit::imm(*op.operand));
        } else {
            out_.emit(instruction, x86::eax, x86::cl);
        }
    }

    // --- ends

    void emit(const Return& end) {
        if (end.constant) {
            set(x86::eax, *end.constant);
        }
        if (!exits_.done) {
            out_.ret();
        } else if (current_ + 1 != graph_.blocks.size()) {
            out_.jmp(*exits_.done);
        }
    }

    void emit(const Goto& end) {
        if (end.to != current_ + 1) {
            out_.jmp(labels_[end.to]);
        }
    }

    void emit(const Branch& end) {
        const Condition condition = std::visit([this](const auto& test) { return emit_test(test); }, end.test);
        if (end.yes == current_ + 1) {
            out_.j(x86::negateCond(condition), labels_[end.no]);
            return;
        }
        out_.j(condition, labels_[end.yes]);
        if (end.no != current_ + 1) {
            out_.jmp(labels_[end.no]);
        }
    }

    /// The condition that holds when the relation does.
    Condition emit_test(const Compare& test) {
        const bool bits = test.relation == Relation::kCommonBit;
        const x86::Inst::Id instruction = bits ? x86::Inst::kIdTest : x86::Inst::kIdCmp;
        if (test.operand) {
            out_.emit(instruction, x86::eax, asmjit::imm(*test.operand));
        } else {
            out_.emit(instruction, x86::eax, x86::ecx);
        }
        switch (test.relation) {
        case Relation::kGreater:
            return Condition::kUnsignedGT;
        case Relation::kGreaterOrEqual:
            return Condition::kUnsignedGE;
        case Relation::kCommonBit:
            return Condition::kNotZero;
        default:
            return Condition::kEqual;
        }
    }

    /// The bytes stay in r9: a list of values is often compared with the same ones.
    Condition emit_test(const Match& test) {
        if (held_ != test.place) {
            load(x86::r9, test.place);
            held_ = test.place;
        }
        const std::uint64_t all = ~std::uint64_t{0} >> (64U - 8U * test.place.size);
        if (test.place.size == 8) {
            match_wide(test, all);
        } else if (test.mask == all) {
            out_.cmp(x86::r9d, static_cast<std::uint32_t>(test.value));
        } else if (test.value == 0) {
            out_.test(x86::r9d, static_cast<std::uint32_t>(test.mask));
        } else {
            out_.mov(x86::r10d, x86::r9d);
            out_.and_(x86::r10d, static_cast<std::uint32_t>(test.mask));
            out_.cmp(x86::r10d, static_cast<std::uint32_t>(test.value));
        }
        return Condition::kEqual;
    }

    void match_wide(const Match& test, std::uint64_t all) {
        if (test.mask == all) {
            out_.mov(x86::r10, test.value);
            out_.cmp(x86::r9, x86::r10);
            return;
        }
        out_.mov(x86::r10, test.mask);
        out_.and_(x86::r10, x86::r9);
        out_.mov(x86::rdx, test.value);
        out_.cmp(x86::r10, x86::rdx);
    }

    x86::Assembler& out_;
    const Graph& graph_;
    const Exits& exits_;
    std::vector<Label> labels_;
    std::vector<HeldAtHead> arrivals_;
    std::optional<Place> held_; ///< in r9, at the point that is being written
    std::size_t current_ = 0;   ///< block that is being written
};

} // namespace

bool wants_length_in_register(const Graph& graph) {
    std::size_t requires_of_packet = 0;
    for (const Block& block : graph.blocks) {
        for (const Op& op : block.ops) {
            if (const auto* require = std::get_if<Require>(&op)) {
                if (require->base == Base::kX || ++requires_of_packet > 1) {
                    return true;
                }
            }
        }
    }
    return false;
}

void emit_body(x86::Assembler& out, const Graph& graph, const Exits& exits) { Body(out, graph, exits).emit(); }

} // namespace pfild::cbpf::jit
