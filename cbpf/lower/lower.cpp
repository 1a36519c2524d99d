// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/lower/lower.h"

#include <utility>

#include "cbpf/jit/compile.h"
#include "cbpf/lower/assembler.h"
#include "cbpf/lower/filter.h"
#include "cbpf/lower/unsettled.h"
#include "cbpf/text.h"

namespace pfild::cbpf {
namespace {

LoweringRefusal refuse(const Program& program, std::size_t instruction, std::string why) {
    std::string message = "instruction " + std::to_string(instruction) + " (" +
                          mnemonic(program.instructions()[instruction]) + ") " + why;
    return {.instruction = instruction, .why = std::move(why), .message = std::move(message)};
}

/// What a filter expects to find where it begins (filter.h).
void emit_entry(Assembler& out, Place place) {
    const ContextLayout& context = context_of(place);
    out.move(kContext, Register::k1);
    if (place == Place::xdp) {
        out.call(ebpf::Helper::kXdpBufferLength);
        out.move(kPacketLength, Register::k0);
    } else {
        out.load(4, kPacketLength, kContext, context.length);
    }
    out.load(4, kBufferEnd, kContext, context.data_end);
    out.load(4, kFirstByte, kContext, context.data);
}

} // namespace

tl::expected<std::vector<EbpfInstruction>, LoweringRefusal> lower(const Program& program, Place place) {
    Assembler out;
    const FilterExits exits{.zero = out.label(), .nonzero = out.label(), .failed = out.label()};
    emit_entry(out, place);
    emit_filter(out, jit::optimised(program), {.place = place, .base_slot = std::nullopt}, exits);
    out.bind(exits.zero);
    out.bind(exits.failed); // never: what was asked for was there
    out.set(kResult, 0);
    out.bind(exits.nonzero);
    out.move(Register::k0, kResult);
    out.exit();
    auto instructions = out.finish();
    if (!instructions) {
        return tl::make_unexpected(refuse(program, program.steps().size() - 1,
                                          "is too far from the first: a jump of the kernel's machine reaches over " +
                                              std::to_string(kMaxEbpfInstructions) + " instructions"));
    }
    return *std::move(instructions);
}

tl::expected<std::vector<EbpfInstruction>, LoweringRefusal> lower(const Program& program, Place place,
                                                                  PacketForm form) {
    if (place == Place::tc) {
        if (const Unsettled unsettled = unsettled_of(program, form); unsettled.checksum) {
            return tl::make_unexpected(refuse(program, unsettled.checksum->instruction, unsettled.checksum->why));
        }
    }
    return lower(program, place);
}

} // namespace pfild::cbpf
