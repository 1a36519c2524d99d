// SPDX-License-Identifier: BSD-2-Clause
#include "capture/tap_program.h"

#include <algorithm>
#include <cassert>

#include "cbpf/jit/compile.h"
#include "cbpf/lower/filter.h"
#include "cbpf/lower/ways.h"
#include "ebpf/assembler.h"
#include "pfild/tap.h"

namespace pfild::capture {
namespace {

using ebpf::Assembler;
using ebpf::Condition;
using ebpf::Register;
using ebpf::Width;

constexpr std::int32_t kTagBeside = 20;                       ///< vlan_present in struct __sk_buff
constexpr std::int32_t kLengthSlot = -cbpf::kFilterStack - 8; ///< of the stack

} // namespace

std::optional<std::vector<ebpf::Instruction>> tap_program(std::span<const cbpf::Program* const> filters,
                                                          ebpf::Place place) {
    assert(!filters.empty());
    const ebpf::ContextLayout& context = ebpf::context_of(place);
    Assembler out;
    const Assembler::Label take = out.label();
    out.move(cbpf::kContext, Register::k1);
    if (place == ebpf::Place::kXdp) {
        out.call(ebpf::Helper::kXdpBufferLength);
        out.store(8, Register::kFrame, kLengthSlot, Register::k0);
    } else {
        out.load(4, Register::k1, cbpf::kContext, kTagBeside);
        out.jump_if(Width::k64, Register::k1, Condition::kNotEqual, 0, take);
        out.load(4, Register::k1, cbpf::kContext, context.length);
        out.store(8, Register::kFrame, kLengthSlot, Register::k1);
    }
    std::uint64_t steps = 0;
    for (const cbpf::Program* filter : filters) {
        const cbpf::jit::Graph graph = cbpf::jit::optimised(*filter);
        steps += std::min(cbpf::steps_of_all_ways(graph), kMostTapSteps + 1);
        if (steps > kMostTapSteps) {
            return std::nullopt;
        }
        const cbpf::FilterExits exits{.zero = out.label(), .nonzero = take, .failed = take};
        out.load(8, cbpf::kPacketLength, Register::kFrame, kLengthSlot);
        out.load(4, cbpf::kBufferEnd, cbpf::kContext, context.data_end);
        out.load(4, cbpf::kFirstByte, cbpf::kContext, context.data);
        emit_filter(out, graph, {.place = place, .base_slot = std::nullopt}, exits);
        out.bind(exits.zero);
    }
    out.set(Register::k0, PFILD_TAP_SKIP);
    out.exit();
    out.bind(take);
    out.set(Register::k0, PFILD_TAP_TAKE);
    out.exit();
    return out.finish();
}

} // namespace pfild::capture
