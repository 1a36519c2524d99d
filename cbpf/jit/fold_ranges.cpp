// SPDX-License-Identifier: BSD-2-Clause
// One walk forward. At each point it knows a range for every variable; where ways meet, the hull of theirs.
#include <array>
#include <utility>

#include "cbpf/jit/passes.h"
#include "cbpf/jit/range.h"
#include "cbpf/packet.h"

namespace pfild::cbpf::jit {
namespace {

class State {
  public:
    [[nodiscard]] Range& operator[](Variable variable) { return ranges_[static_cast<std::size_t>(variable)]; }
    [[nodiscard]] Range operator[](Variable variable) const { return ranges_[static_cast<std::size_t>(variable)]; }

    void join(const State& other) {
        for (std::size_t index = 0; index < ranges_.size(); ++index) {
            ranges_[index] = hull(ranges_[index], other.ranges_[index]);
        }
    }

  private:
    std::array<Range, kVariables> ranges_;
};

class Folder {
  public:
    explicit Folder(Graph& graph) : graph_(graph), arrivals_(graph.blocks.size()) { arrivals_.front().emplace(); }

    void run() {
        for (BlockIndex index = 0; index < graph_.blocks.size(); ++index) {
            Block& block = graph_.blocks[index];
            if (!arrivals_[index]) {
                block = Block{}; // unreachable; straighten() takes it out
                continue;
            }
            state_ = *arrivals_[index];
            if (!fold_ops(block)) {
                block.end = Return{0};
            }
            fold_end(block);
        }
    }

  private:
    // --- operations; each overload returns false if the run ends there, with 0, and else may append the operation

    bool fold_ops(Block& block) {
        std::vector<Op> ops = std::exchange(block.ops, {});
        block.ops.reserve(ops.size());
        ops_ = &block.ops;
        for (const Op& op : ops) {
            if (!std::visit([this](const auto& one) { return fold(one); }, op)) {
                return false;
            }
        }
        return true;
    }

    bool keep(const Op& op) {
        ops_->push_back(op);
        return true;
    }

    /// Assigns a number from the range; `op` is how, if it is not known.
    bool assign(Variable to, Range range, const Op& op) {
        state_[to] = range;
        const auto value = range.constant();
        return value ? keep(Set{to, *value}) : keep(op);
    }

    bool fold(const Set& op) { return assign(op.to, Range::only(op.value), op); }
    bool fold(const Copy& op) { return assign(op.to, state_[op.from], op); }
    bool fold(const WireLength& op) { return assign(op.to, Range{}, op); }
    bool fold(const ReadHeaderLength& op) { return assign(Variable::kX, {0, 60}, op); }

    bool fold(Read op) {
        if (const auto x = known_x(op.place.base)) {
            op.place.base = Base::kPacket;
            op.place.offset += *x; // does not wrap: the Require before has seen to that
        }
        const auto highest = static_cast<std::uint32_t>((std::uint64_t{1} << 8U * op.place.size) - 1);
        return assign(Variable::kA, {0, highest}, op);
    }

    bool fold(Calculate op) {
        const Range operand = op.operand ? Range::only(*op.operand) : state_[Variable::kX];
        op.operand = operand.constant();
        return assign(Variable::kA, calculate(op.operation, state_[Variable::kA], operand), op);
    }

    bool fold(Require op) {
        if (const auto x = known_x(op.base)) {
            if (std::uint64_t{op.end} + *x > Packet::kOffsetLimit) {
                return false;
            }
            op = {Base::kPacket, op.end + *x};
        }
        return keep(op);
    }

    bool fold(const RequireDivisor& op) { return require_x(1, ~0U, op); }
    bool fold(const RequireShift& op) { return require_x(0, kShiftLimit - 1, op); }

    bool require_x(std::uint32_t low, std::uint32_t high, const Op& op) {
        const Range before = state_[Variable::kX];
        const std::optional<Range> after = cut(before, low, high);
        if (!after) {
            return false;
        }
        state_[Variable::kX] = *after;
        return before == *after || keep(op);
    }

    [[nodiscard]] std::optional<std::uint32_t> known_x(Base base) const {
        return base == Base::kX ? state_[Variable::kX].constant() : std::nullopt;
    }

    // --- ends

    void fold_end(Block& block) {
        if (auto* result = std::get_if<Return>(&block.end)) {
            result->constant = result->constant ? result->constant : state_[Variable::kA].constant();
        } else if (const auto* jump = std::get_if<Goto>(&block.end)) {
            arrive(jump->to, state_);
        } else {
            block.end = fold_branch(std::get<Branch>(block.end));
        }
    }

    End fold_branch(Branch branch) {
        auto& test = std::get<Compare>(branch.test); // there are no others yet
        if (!test.operand) {
            test.operand = state_[Variable::kX].constant();
        }
        if (!test.operand) {
            arrive(branch.yes, state_);
            arrive(branch.no, state_);
            return branch;
        }
        const Range before = state_[Variable::kA];
        const std::optional<Range> yes = where(before, test.relation, *test.operand, true);
        const std::optional<Range> no = where(before, test.relation, *test.operand, false);
        if (yes) {
            state_[Variable::kA] = *yes;
            arrive(branch.yes, state_);
        }
        if (no) {
            state_[Variable::kA] = *no;
            arrive(branch.no, state_);
        }
        if (yes && no) {
            return branch;
        }
        return Goto{yes ? branch.yes : branch.no};
    }

    void arrive(BlockIndex block, const State& state) {
        if (arrivals_[block]) {
            arrivals_[block]->join(state);
        } else {
            arrivals_[block] = state;
        }
    }

    Graph& graph_;
    std::vector<std::optional<State>> arrivals_; ///< by block; nothing: no way leads there
    State state_;                                ///< at the point the walk has come to
    std::vector<Op>* ops_ = nullptr;             ///< of the block the walk is in, as they will be
};

} // namespace

void fold_ranges(Graph& graph) { Folder(graph).run(); }

} // namespace pfild::cbpf::jit
