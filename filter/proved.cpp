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
           instructions(program.size());
}

core::Result<Proved> compile_proved(const std::string& expression, LinkType link_type, Names names, int snap_length) {
    auto plain = compile(expression, link_type, names, snap_length, Optimiser::kOff);
    if (!plain) {
        return core::fail(std::move(plain.error()));
    }
    const auto meant = Program::verify(*plain, cbpf::kLongestToReduce);
    auto optimised = compile(expression, link_type, names, snap_length);
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
    proved.program = meant ? cbpf::reduced(*meant) : std::move(*plain);
    proved.origin = proved.program.size() < proved.plain_length ? Origin::kReduced : Origin::kPlain;
    if (!optimised && matches_nothing(proved.program)) {
        return core::fail(std::move(optimised.error()));
    }
    return proved;
}

} // namespace pfild::filter
