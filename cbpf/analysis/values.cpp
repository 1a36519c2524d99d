// SPDX-License-Identifier: BSD-2-Clause
// See values.h.
#include "cbpf/analysis/values.h"

#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kLongestHeader = 60; ///< what 4*([k]&0xf) can be

Value joined_value(const Value& a, const Value& b) {
    return {hull(a.interval, b.interval), a.field == b.field ? a.field : std::nullopt};
}

bool is_and(Opcode opcode) { return opcode == Opcode::kAndK || opcode == Opcode::kAndX; }

class ValuePass {
  public:
    explicit ValuePass(const Program& program) : steps_(program.steps()), before_(steps_.size()) {}

    [[nodiscard]] std::vector<ValuesBefore> run() {
        Values start;
        start.a.interval = start.x.interval = Interval::only(0);
        before_[0].values = start;
        for (at_ = 0; at_ < steps_.size(); ++at_) {
            if (before_[at_].values) {
                Values values = *before_[at_].values;
                execute(steps_[at_], values);
            }
        }
        return std::move(before_);
    }

  private:
    void execute(const Step& step, Values& values) {
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
        case Operand::kIndexed:
        case Operand::kHeader:
            if (offsets_of(step, values).low + load_size_of(step.opcode) > Packet::kOffsetLimit) {
                return; // outside of every packet
            }
            loaded(step, values);
            break;
        case Operand::kBranch:
        case Operand::kBranchX:
            branch(step, values);
            return;
        case Operand::kJump:
            before_[at_].passed = true;
            arrive(step.k, values);
            return;
        case Operand::kA:
            return;
        default:
            if (step.opcode == Opcode::kRetK || !calculate(step, values)) {
                return;
            }
        }
        before_[at_].passed = true;
        arrive(0, values);
    }

    static void loaded(const Step& step, Values& values) {
        const std::uint32_t size = load_size_of(step.opcode);
        const std::uint32_t all = ~std::uint32_t{0} >> (32 - 8 * size);
        if (step.opcode == Opcode::kLdxMsh) {
            values.x = {{0, kLongestHeader}, std::nullopt};
            return;
        }
        values.a = {{0, all}, std::nullopt};
        if (const Offsets at = offsets_of(step, values); at.low == at.high) {
            values.a.field = Field{static_cast<std::uint32_t>(at.low), size, all};
        }
    }

    /// Everything that is no load, jump or return. False if it always ends the program.
    static bool calculate(const Step& step, Values& values) {
        switch (step.opcode) {
        case Opcode::kLdImm:
            values.a = {Interval::only(step.k), std::nullopt};
            return true;
        case Opcode::kLdxImm:
            values.x = {Interval::only(step.k), std::nullopt};
            return true;
        case Opcode::kLdLen:
            values.a = {};
            return true;
        case Opcode::kLdxLen:
            values.x = {};
            return true;
        case Opcode::kLdMem:
            values.a = values.memory[step.k];
            return true;
        case Opcode::kLdxMem:
            values.x = values.memory[step.k];
            return true;
        case Opcode::kSt:
            values.memory[step.k] = values.a;
            return true;
        case Opcode::kStx:
            values.memory[step.k] = values.x;
            return true;
        case Opcode::kTax:
            values.x = values.a;
            return true;
        case Opcode::kTxa:
            values.a = values.x;
            return true;
        default:
            return operate(step, values);
        }
    }

    static bool operate(const Step& step, Values& values) {
        const Interval b = info(step.opcode).operand == Operand::kConstant ? Interval::only(step.k) : values.x.interval;
        const std::optional<Interval> result = arithmetic(step.opcode, values.a.interval, b);
        if (!result) {
            return false;
        }
        values.a.interval = *result;
        if (values.a.field && is_and(step.opcode) && b.is_constant()) {
            values.a.field->mask &= b.low;
        } else {
            values.a.field.reset();
        }
        return true;
    }

    void branch(const Step& step, const Values& values) {
        const Interval b = compared_with(step, values);
        for (const bool taken : {true, false}) {
            const std::optional<Interval> left = where(values.a.interval, step.opcode, b, taken);
            if (!left) {
                continue;
            }
            (taken ? before_[at_].taken : before_[at_].passed) = true;
            Values narrowed = values;
            narrowed.a.interval = *left;
            arrive(taken ? step.jt : step.jf, narrowed);
        }
    }

    void arrive(std::uint32_t skipped, const Values& values) {
        std::optional<Values>& target = before_[at_ + 1 + skipped].values;
        if (!target) {
            target = values;
            return;
        }
        target->a = joined_value(target->a, values.a);
        target->x = joined_value(target->x, values.x);
        for (std::size_t word = 0; word < kMemoryWords; ++word) {
            target->memory[word] = joined_value(target->memory[word], values.memory[word]);
        }
    }

    std::span<const Step> steps_;
    std::vector<ValuesBefore> before_;
    std::size_t at_ = 0;
};

} // namespace

std::uint32_t load_size_of(Opcode opcode) {
    switch (opcode) {
    case Opcode::kLd:
    case Opcode::kLdInd:
        return 4;
    case Opcode::kLdh:
    case Opcode::kLdhInd:
        return 2;
    case Opcode::kLdb:
    case Opcode::kLdbInd:
    case Opcode::kLdxMsh:
        return 1;
    default:
        return 0;
    }
}

Offsets offsets_of(const Step& step, const Values& values) {
    if (info(step.opcode).operand != Operand::kIndexed) {
        return {step.k, step.k};
    }
    return {std::uint64_t{values.x.interval.low} + step.k, std::uint64_t{values.x.interval.high} + step.k};
}

Interval compared_with(const Step& step, const Values& values) {
    return info(step.opcode).operand == Operand::kBranch ? Interval::only(step.k) : values.x.interval;
}

std::vector<ValuesBefore> unknown_values_of(const Program& program) {
    return std::vector<ValuesBefore>(program.steps().size(), {Values{}, true, true});
}

std::vector<ValuesBefore> values_of(const Program& program) { return ValuePass(program).run(); }

} // namespace pfild::cbpf
