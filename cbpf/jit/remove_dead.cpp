// SPDX-License-Identifier: BSD-2-Clause
// One walk back that knows which variables may still be read.
#include <algorithm>
#include <bitset>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

class Live {
  public:
    void read(Variable variable) { set_.set(static_cast<std::size_t>(variable)); }
    void assign(Variable variable) { set_.reset(static_cast<std::size_t>(variable)); }
    [[nodiscard]] bool contains(Variable variable) const { return set_.test(static_cast<std::size_t>(variable)); }
    void join(const Live& other) { set_ |= other.set_; }

    void read(Base base) {
        if (base == Base::kX) {
            read(Variable::kX);
        }
    }
    void read(const ConstantOrX& operand) {
        if (!operand) {
            read(Variable::kX);
        }
    }

  private:
    std::bitset<kVariables> set_;
};

void add_reads(Live& live, const Op& op) {
    std::visit(Overloaded{
                   [](const Set& /*op*/) {},
                   [](const WireLength& /*op*/) {},
                   [](const ReadHeaderLength& /*op*/) {},
                   [&](const Copy& copy) { live.read(copy.from); },
                   [&](const Read& read) { live.read(read.place.base); },
                   [&](const Require& require) { live.read(require.base); },
                   [&](const RequireDivisor& /*op*/) { live.read(Variable::kX); },
                   [&](const RequireShift& /*op*/) { live.read(Variable::kX); },
                   [&](const Calculate& calculate) {
                       live.read(Variable::kA);
                       live.read(calculate.operand);
                   },
               },
               op);
}

void add_reads(Live& live, const End& end) {
    if (const auto* result = std::get_if<Return>(&end)) {
        if (!result->constant) {
            live.read(Variable::kA);
        }
    } else if (const auto* branch = std::get_if<Branch>(&end)) {
        if (const auto* match = std::get_if<Match>(&branch->test)) {
            live.read(match->place.base);
        } else {
            live.read(Variable::kA);
            live.read(std::get<Compare>(branch->test).operand);
        }
    }
}

} // namespace

void remove_dead(Graph& graph) {
    std::vector<Live> at_head(graph.blocks.size());
    for (std::size_t index = graph.blocks.size(); index-- > 0;) {
        Block& block = graph.blocks[index];
        Live live;
        for_each_successor(block, [&](BlockIndex next) { live.join(at_head[next]); });
        add_reads(live, block.end);
        std::vector<Op> kept; // last one first
        kept.reserve(block.ops.size());
        for (std::size_t at = block.ops.size(); at-- > 0;) {
            const Op& op = block.ops[at];
            const std::optional<Variable> variable = assigned(op);
            if (variable && !live.contains(*variable)) {
                continue;
            }
            if (variable) {
                live.assign(*variable);
            }
            add_reads(live, op);
            kept.push_back(op);
        }
        std::ranges::reverse(kept);
        block.ops = std::move(kept);
        at_head[index] = live;
    }
}

} // namespace pfild::cbpf::jit
