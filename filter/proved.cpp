// SPDX-License-Identifier: BSD-2-Clause
// See proved.h.
#include "filter/proved.h"

#include <cerrno>
#include <utility>

#include "cbpf/analysis/equivalence.h"
#include "cbpf/program.h"
#include "cbpf/reduce/reduce.h"

namespace pfild::filter {
namespace {

using cbpf::Program;
using Instructions = std::vector<cbpf::Instruction>;

constexpr std::uint16_t kReturnConstant = 0x06; // BPF_RET | BPF_K

bool matches_nothing(const Instructions& program) {
    return program.size() == 1 && program.front().code == kReturnConstant && program.front().k == 0;
}

std::string instructions(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " instruction" : " instructions");
}

/// The unoptimised program, or that one made shorter. A program that is not even proved equal is better than none.
void use_own(Instructions plain, const Program& meant, Proved& proved) {
    Instructions shorter = cbpf::reduced(meant);
    if (shorter.size() < plain.size()) {
        const auto program = Program::verify(shorter, cbpf::kLongestToReduce);
        proved.is_proved = program && cbpf::certainly_equal(meant, *program);
        if (proved.is_proved || plain.size() > cbpf::kMaxInstructions) {
            proved.program = std::move(shorter);
            proved.origin = Origin::kReduced;
            return;
        }
    }
    proved.is_proved = true;
    proved.program = std::move(plain);
    proved.origin = Origin::kPlain;
}

} // namespace

std::string Proved::because() const {
    if (origin == Origin::kOptimised) {
        return "optimiser of libpcap proved equal";
    }
    const std::string libpcap = "optimiser of libpcap ";
    const std::string its = !short_length                            ? libpcap + "finds no packet that matches"
                            : *short_length > cbpf::kMaxInstructions ? libpcap + "gives " + instructions(*short_length)
                                                                     : libpcap + "gives another program";
    if (origin == Origin::kPlain) {
        return its + "; unoptimised one of " + instructions(program.size());
    }
    return its + "; unoptimised one, reduced by pfild from " + std::to_string(plain_length) + " to " +
           instructions(program.size()) + (is_proved ? "" : ", without a proof");
}

core::Result<Proved> compile_proved(const std::string& expression, LinkType link_type, Names names, int snap_length,
                                    std::optional<std::uint32_t> netmask) {
    auto plain = compile(expression, link_type, names, snap_length, Optimiser::kOff, netmask);
    if (!plain) {
        return core::fail(std::move(plain.error()));
    }
    const auto meant = Program::verify(*plain, cbpf::kLongestToReduce);
    auto optimised = compile(expression, link_type, names, snap_length, Optimiser::kOn, netmask);
    Proved proved{.plain_length = plain->size()};
    if (optimised) {
        proved.short_length = optimised->size();
        const auto program = meant ? Program::verify(*optimised) : tl::make_unexpected(meant.error());
        if (program && cbpf::certainly_equal(*meant, *program)) {
            proved.program = std::move(*optimised);
            proved.origin = Origin::kOptimised;
            return proved;
        }
    }
    if (meant) {
        use_own(std::move(*plain), *meant, proved);
    } else {
        proved.program = std::move(*plain);
    }
    if (!optimised && matches_nothing(proved.program)) {
        return core::fail(std::move(optimised.error()));
    }
    return proved;
}

} // namespace pfild::filter
