// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/lower/lower.h"

#include <utility>

#include "cbpf/jit/compile.h"
#include "cbpf/lower/filter.h"
#include "cbpf/lower/unfinished.h"
#include "cbpf/mnemonic.h"
#include "ebpf/assembler.h"

namespace pfild::cbpf {
namespace {

LoweringRefusal refuse(const Program& program, std::size_t instruction, std::string why) {
    std::string message = "instruction " + std::to_string(instruction) + " (" +
                          mnemonic(program.instructions()[instruction]) + ") " + why;
    return {.instruction = instruction, .why = std::move(why), .message = std::move(message)};
}

/// What a filter expects to find where it begins (filter.h).
void emit_entry(ebpf::Assembler& out, ebpf::Place place) {
    const ebpf::ContextLayout& context = ebpf::context_of(place);
    out.move(kContext, ebpf::Register::k1);
    if (place == ebpf::Place::kXdp) {
        out.call(ebpf::Helper::kXdpBufferLength);
        out.move(kPacketLength, ebpf::Register::k0);
    } else {
        out.load(4, kPacketLength, kContext, context.length);
    }
    out.load(4, kBufferEnd, kContext, context.data_end);
    out.load(4, kFirstByte, kContext, context.data);
}

} // namespace

tl::expected<std::vector<ebpf::Instruction>, LoweringRefusal> lower(const Program& program, ebpf::Place place) {
    ebpf::Assembler out;
    const FilterExits exits{.zero = out.label(), .nonzero = out.label(), .failed = out.label()};
    emit_entry(out, place);
    emit_filter(out, jit::optimised(program), {.place = place, .base_slot = std::nullopt}, exits);
    out.bind(exits.zero);
    out.bind(exits.failed); // never: what was asked for was there
    out.set(kResult, 0);
    out.bind(exits.nonzero);
    out.move(ebpf::Register::k0, kResult);
    out.exit();
    auto instructions = out.finish();
    if (!instructions) {
        return tl::make_unexpected(refuse(program, program.steps().size() - 1,
                                          "is too far from the first: a jump of the kernel's machine reaches over " +
                                              std::to_string(ebpf::kMaxInstructions) + " instructions"));
    }
    return *std::move(instructions);
}

tl::expected<std::vector<ebpf::Instruction>, LoweringRefusal> lower(const Program& program, ebpf::Place place,
                                                                    PacketForm form) {
    if (place == ebpf::Place::kTc) {
        if (const Unfinished unfinished = unfinished_of(program, form); unfinished.checksum) {
            return tl::make_unexpected(refuse(program, unfinished.checksum->instruction, unfinished.checksum->why));
        }
    }
    return lower(program, place);
}

} // namespace pfild::cbpf
