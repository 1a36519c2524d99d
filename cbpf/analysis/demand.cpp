// SPDX-License-Identifier: BSD-2-Clause
// See demand.h.
#include "cbpf/analysis/demand.h"

#include <algorithm>

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kEveryBit = ~std::uint32_t{0};

/// The bits of what sums, differences and products are made of: all up to the highest that is demanded.
std::uint32_t up_to_highest(std::uint32_t demanded) {
    for (unsigned shift = 1; shift < 32; shift *= 2) {
        demanded |= demanded >> shift;
    }
    return demanded;
}

std::uint32_t all_if(std::uint32_t demanded) { return demanded == 0 ? 0 : kEveryBit; }

bool is_divide(Opcode opcode) {
    return opcode == Opcode::kDivX || opcode == Opcode::kModX || opcode == Opcode::kDivK || opcode == Opcode::kModK;
}

class DemandPass {
  public:
    DemandPass(const Program& program, std::span<const ValuesBefore> values)
        : steps_(program.steps()), values_(values), demands_(steps_.size()) {}

    [[nodiscard]] std::vector<Demand> run() {
        for (at_ = steps_.size(); at_-- > 0;) {
            if (values_[at_].values) {
                demands_[at_] = before(steps_[at_]);
                if (demands_[at_].fruitless) {
                    demands_[at_] = {};
                }
            }
        }
        return std::move(demands_);
    }

  private:
    [[nodiscard]] const Values& values() const { return *values_[at_].values; }
    [[nodiscard]] const Demand& behind(std::uint32_t skipped) const { return demands_[at_ + 1 + skipped]; }

    [[nodiscard]] Demand before(const Step& step) const {
        switch (info(step.opcode).operand) {
        case Operand::kBranch:
        case Operand::kBranchX:
            return before_branch(step);
        case Operand::kJump:
            return without_loaded(behind(step.k));
        case Operand::kA:
            return {.a = kEveryBit, .fruitless = values().a.interval.high == 0};
        case Operand::kConstant:
            if (step.opcode == Opcode::kRetK) {
                return {.fruitless = step.k == 0};
            }
            break;
        default:
            break;
        }
        if (!values_[at_].passed) {
            return {}; // it always ends the program
        }
        Demand demand = without_loaded(behind(0));
        carry(step, demand);
        return demand;
    }

    /// What is demanded behind the instruction becomes what is demanded before it.
    void carry(const Step& step, Demand& demand) const {
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
            demand.loaded = demand.a;
            demand.a = 0;
            break;
        case Operand::kIndexed:
            demand.loaded = demand.a;
            demand.a = 0;
            demand.x = values().x.interval.is_constant() ? demand.x : kEveryBit; // it decides whether the load fails
            break;
        case Operand::kHeader:
            demand.loaded = demand.x >> 2U & 0xfU;
            demand.x = 0;
            break;
        case Operand::kLength:
            demand.loaded = step.opcode == Opcode::kLdLen ? demand.a : demand.x;
            (step.opcode == Opcode::kLdLen ? demand.a : demand.x) = 0;
            break;
        case Operand::kMemory:
            carry_memory(step, demand);
            break;
        case Operand::kConstant:
            carry_constant(step, demand);
            break;
        case Operand::kX:
            carry_x(step.opcode, demand);
            break;
        default:
            carry_plain(step.opcode, demand);
        }
    }

    static void carry_memory(const Step& step, Demand& demand) {
        std::uint32_t& word = demand.memory[step.k];
        switch (step.opcode) {
        case Opcode::kSt:
            demand.a |= word;
            word = 0;
            break;
        case Opcode::kStx:
            demand.x |= word;
            word = 0;
            break;
        case Opcode::kLdMem:
            word |= demand.a;
            demand.a = 0;
            break;
        default:
            word |= demand.x;
            demand.x = 0;
        }
    }

    static void carry_constant(const Step& step, Demand& demand) {
        switch (step.opcode) {
        case Opcode::kLdImm:
            demand.a = 0;
            break;
        case Opcode::kLdxImm:
            demand.x = 0;
            break;
        case Opcode::kAndK:
            demand.a &= step.k;
            break;
        case Opcode::kOrK:
            demand.a &= ~step.k;
            break;
        case Opcode::kXorK:
            break;
        case Opcode::kLshK:
            demand.a >>= step.k;
            break;
        case Opcode::kRshK:
            demand.a <<= step.k;
            break;
        case Opcode::kDivK:
        case Opcode::kModK:
            demand.a = all_if(demand.a);
            break;
        default:
            demand.a = up_to_highest(demand.a);
        }
    }

    void carry_x(Opcode opcode, Demand& demand) const {
        const Interval x = values().x.interval;
        const std::uint32_t wanted = demand.a;
        if (is_divide(opcode) || opcode == Opcode::kLshX || opcode == Opcode::kRshX) {
            const bool may_end = is_divide(opcode) ? x.low == 0 : x.high >= kShiftLimit;
            demand.a = all_if(wanted);
            demand.x |= may_end ? kEveryBit : all_if(wanted);
        } else if (opcode == Opcode::kAndX || opcode == Opcode::kOrX || opcode == Opcode::kXorX) {
            demand.x |= wanted;
        } else {
            demand.a = up_to_highest(wanted);
            demand.x |= up_to_highest(wanted);
        }
    }

    static void carry_plain(Opcode opcode, Demand& demand) {
        if (opcode == Opcode::kTax) {
            demand.a |= demand.x;
            demand.x = 0;
        } else if (opcode == Opcode::kTxa) {
            demand.x |= demand.a;
            demand.a = 0;
        } else { // neg
            demand.a = up_to_highest(demand.a);
        }
    }

    [[nodiscard]] Demand before_branch(const Step& step) const {
        const Demand& taken = behind(step.jt);
        const Demand& passed = behind(step.jf);
        if (!values_[at_].taken || !values_[at_].passed || step.jt == step.jf) {
            return without_loaded(values_[at_].taken ? taken : passed);
        }
        Demand demand = without_loaded(taken);
        demand.fruitless = taken.fruitless && passed.fruitless;
        demand.a |= passed.a;
        demand.x |= passed.x;
        for (std::size_t word = 0; word < kMemoryWords; ++word) {
            demand.memory[word] |= passed.memory[word];
        }
        if (!demand.fruitless) {
            demand.a |= step.opcode == Opcode::kJsetK ? step.k : kEveryBit;
            demand.x |= info(step.opcode).operand == Operand::kBranchX ? kEveryBit : 0;
        }
        return demand;
    }

    static Demand without_loaded(Demand demand) {
        demand.loaded = 0;
        return demand;
    }

    std::span<const Step> steps_;
    std::span<const ValuesBefore> values_;
    std::vector<Demand> demands_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<Demand> demand_of(const Program& program, std::span<const ValuesBefore> values) {
    return DemandPass(program, values).run();
}

} // namespace pfild::cbpf
