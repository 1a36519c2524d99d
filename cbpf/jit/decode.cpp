// SPDX-License-Identifier: BSD-2-Clause
// From instructions to blocks. A block begins at the first instruction, wherever a jump leads, and behind a branch.
#include <algorithm>
#include <array>
#include <vector>

#include "cbpf/jit/passes.h"
#include "cbpf/packet.h"

namespace pfild::cbpf::jit {
namespace {

bool is_branch(const Step& step) noexcept {
    const Operand operand = info(step.opcode).operand;
    return operand == Operand::kBranch || operand == Operand::kBranchX;
}

bool is_return(const Step& step) noexcept { return step.opcode == Opcode::kRetK || step.opcode == Opcode::kRetA; }

class Decoder {
  public:
    explicit Decoder(const Program& program)
        : steps_(program.steps()), leaders_(steps_.size()), block_at_(steps_.size()) {
        find_leaders();
    }

    Graph graph() && {
        graph_.blocks.resize(static_cast<std::size_t>(std::count(leaders_.begin(), leaders_.end(), true)));
        // A and X are 0 at the start.
        graph_.blocks.front().ops = {Set{Variable::kA, 0}, Set{Variable::kX, 0}};
        for (std::size_t index = 0; index < steps_.size(); ++index) {
            if (leaders_[index]) {
                add_block(index);
            }
        }
        return std::move(graph_);
    }

  private:
    /// Jumps go forward, so a step is reachable or not by the time the walk comes to it.
    void find_leaders() {
        std::vector<bool> reachable(steps_.size());
        const auto lead_to = [&](std::size_t index) {
            reachable[index] = true;
            leaders_[index] = true;
        };
        lead_to(0);
        for (std::size_t index = 0; index < steps_.size(); ++index) {
            const Step& step = steps_[index];
            if (!reachable[index] || is_return(step)) {
                continue;
            }
            if (is_branch(step)) {
                lead_to(index + 1 + step.jt);
                lead_to(index + 1 + step.jf);
            } else if (step.opcode == Opcode::kJa) {
                lead_to(index + 1 + step.k);
            } else {
                reachable[index + 1] = true;
            }
        }
        BlockIndex block = 0;
        for (std::size_t index = 0; index < steps_.size(); ++index) {
            block_at_[index] = block;
            block += leaders_[index] ? 1U : 0U;
        }
    }

    void add_block(std::size_t index) {
        Block& block = graph_.blocks[block_at_[index]];
        for (;; ++index) {
            const Step& step = steps_[index];
            if (is_return(step)) {
                block.end = Return{step.opcode == Opcode::kRetA ? std::nullopt : std::optional(step.k)};
                return;
            }
            if (step.opcode == Opcode::kJa) {
                block.end = Goto{block_at_[index + 1 + step.k]};
                return;
            }
            if (is_branch(step)) {
                block.end = Branch{compare(step), block_at_[index + 1 + step.jt], block_at_[index + 1 + step.jf]};
                return;
            }
            if (!add_op(block, step)) {
                block.end = Return{0};
                return;
            }
            if (leaders_[index + 1]) {
                block.end = Goto{block_at_[index + 1]};
                return;
            }
        }
    }

    static Compare compare(const Step& step) noexcept {
        const bool with_x = info(step.opcode).operand == Operand::kBranchX;
        const ConstantOrX operand = with_x ? std::nullopt : std::optional(step.k);
        switch (step.opcode) {
        case Opcode::kJgtK:
        case Opcode::kJgtX:
            return {Relation::kGreater, operand};
        case Opcode::kJgeK:
        case Opcode::kJgeX:
            return {Relation::kGreaterOrEqual, operand};
        case Opcode::kJsetK:
        case Opcode::kJsetX:
            return {Relation::kCommonBit, operand};
        default:
            return {Relation::kEqual, operand};
        }
    }

    /// False if the step ends every run.
    static bool add_op(Block& block, const Step& step) {
        switch (step.opcode) {
        case Opcode::kLd:
            return add_read(block, {Base::kPacket, 4, step.k});
        case Opcode::kLdh:
            return add_read(block, {Base::kPacket, 2, step.k});
        case Opcode::kLdb:
            return add_read(block, {Base::kPacket, 1, step.k});
        case Opcode::kLdInd:
            return add_read(block, {Base::kX, 4, step.k});
        case Opcode::kLdhInd:
            return add_read(block, {Base::kX, 2, step.k});
        case Opcode::kLdbInd:
            return add_read(block, {Base::kX, 1, step.k});
        case Opcode::kLdxMsh:
            if (!add_require(block, {Base::kPacket, 1, step.k})) {
                return false;
            }
            block.ops.emplace_back(ReadHeaderLength{step.k});
            return true;
        default:
            return add_move(block, step) || add_calculation(block, step);
        }
    }

    static bool add_require(Block& block, const Place& place) {
        if (std::uint64_t{place.offset} + place.size > Packet::kOffsetLimit) {
            return false; // CF-22 and CF-23: X is never negative, so this holds of an offset from X, too
        }
        block.ops.emplace_back(Require{place.base, place.end()});
        return true;
    }

    static bool add_read(Block& block, const Place& place) {
        if (!add_require(block, place)) {
            return false;
        }
        block.ops.emplace_back(Read{place});
        return true;
    }

    /// True if the step is one that moves a number between variables.
    static bool add_move(Block& block, const Step& step) {
        switch (step.opcode) {
        case Opcode::kLdImm:
            block.ops.emplace_back(Set{Variable::kA, step.k});
            return true;
        case Opcode::kLdxImm:
            block.ops.emplace_back(Set{Variable::kX, step.k});
            return true;
        case Opcode::kLdLen:
            block.ops.emplace_back(WireLength{Variable::kA});
            return true;
        case Opcode::kLdxLen:
            block.ops.emplace_back(WireLength{Variable::kX});
            return true;
        case Opcode::kLdMem:
            block.ops.emplace_back(Copy{Variable::kA, memory_word(step.k)});
            return true;
        case Opcode::kLdxMem:
            block.ops.emplace_back(Copy{Variable::kX, memory_word(step.k)});
            return true;
        case Opcode::kSt:
            block.ops.emplace_back(Copy{memory_word(step.k), Variable::kA});
            return true;
        case Opcode::kStx:
            block.ops.emplace_back(Copy{memory_word(step.k), Variable::kX});
            return true;
        case Opcode::kTax:
            block.ops.emplace_back(Copy{Variable::kX, Variable::kA});
            return true;
        case Opcode::kTxa:
            block.ops.emplace_back(Copy{Variable::kA, Variable::kX});
            return true;
        default:
            return false;
        }
    }

    /// => the step is arithmetic. The operations on K and X alternate in Opcode, but for kNeg, which stands alone.
    static bool add_calculation(Block& block, const Step& step) {
        struct Row {
            Opcode with_constant;
            Operation operation;
        };
        static constexpr std::array<Row, 10> kRows{{{Opcode::kAddK, Operation::kAdd},
                                                    {Opcode::kSubK, Operation::kSub},
                                                    {Opcode::kMulK, Operation::kMul},
                                                    {Opcode::kDivK, Operation::kDiv},
                                                    {Opcode::kOrK, Operation::kOr},
                                                    {Opcode::kAndK, Operation::kAnd},
                                                    {Opcode::kLshK, Operation::kLsh},
                                                    {Opcode::kRshK, Operation::kRsh},
                                                    {Opcode::kModK, Operation::kMod},
                                                    {Opcode::kXorK, Operation::kXor}}};
        if (step.opcode == Opcode::kNeg) {
            block.ops.emplace_back(Calculate{Operation::kNeg, 0});
            return true;
        }
        const bool with_x = info(step.opcode).operand == Operand::kX;
        const auto constant_form = static_cast<Opcode>(static_cast<unsigned>(step.opcode) - (with_x ? 1U : 0U));
        if (step.opcode == Opcode::kDivX || step.opcode == Opcode::kModX) {
            block.ops.emplace_back(RequireDivisor{});
        } else if (step.opcode == Opcode::kLshX || step.opcode == Opcode::kRshX) {
            block.ops.emplace_back(RequireShift{});
        }
        for (const Row& row : kRows) {
            if (row.with_constant == constant_form) {
                block.ops.emplace_back(Calculate{row.operation, with_x ? std::nullopt : std::optional(step.k)});
            }
        }
        return true;
    }

    std::span<const Step> steps_;
    std::vector<bool> leaders_;
    std::vector<BlockIndex> block_at_; ///< of each leader
    Graph graph_;
};

} // namespace

Graph decode(const Program& program) { return Decoder(program).graph(); }

} // namespace pfild::cbpf::jit
