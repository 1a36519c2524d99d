// SPDX-License-Identifier: BSD-2-Clause
#include "tests/prog/lowered_filter.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "cbpf/jit/compile.h"
#include "cbpf/lower/filter.h"

namespace pfild::tests {
namespace {

using ebpf::Place;
using ebpf::Register;

static_assert(ebpf::kXdpContext.data == offsetof(xdp_md, data));
static_assert(ebpf::kXdpContext.data_end == offsetof(xdp_md, data_end));
static_assert(ebpf::kTcContext.data == offsetof(__sk_buff, data));
static_assert(ebpf::kTcContext.data_end == offsetof(__sk_buff, data_end));
static_assert(ebpf::kTcContext.length == offsetof(__sk_buff, len));

constexpr std::int32_t kHeader = 14;
constexpr std::int32_t kBaseSlot = -cbpf::kFilterStack - 8;

/// As lower() writes it, but for a packet that begins behind the header.
std::vector<ebpf::Instruction> lowered_behind_header(const cbpf::Program& program, Place place) {
    using ebpf::Arithmetic;
    using ebpf::Width;
    ebpf::Assembler out;
    const cbpf::FilterExits exits{.zero = out.label(), .nonzero = out.label(), .failed = out.label()};
    const ebpf::ContextLayout& context = ebpf::context_of(place);
    out.move(cbpf::kContext, Register::k1);
    if (place == Place::kXdp) {
        out.call(ebpf::Helper::kXdpBufferLength);
        out.move(cbpf::kPacketLength, Register::k0);
    } else {
        out.load(4, cbpf::kPacketLength, cbpf::kContext, context.length);
    }
    out.calculate(Width::k64, Arithmetic::kSub, cbpf::kPacketLength, kHeader);
    out.set(Register::k1, kHeader);
    out.store(8, Register::kFrame, kBaseSlot, Register::k1);
    out.load(4, cbpf::kBufferEnd, cbpf::kContext, context.data_end);
    out.load(4, cbpf::kFirstByte, cbpf::kContext, context.data);
    out.calculate(Width::k64, Arithmetic::kAdd, cbpf::kFirstByte, kHeader);
    cbpf::emit_filter(out, cbpf::jit::optimised(program), {.place = place, .base_slot = kBaseSlot}, exits);
    out.bind(exits.zero);
    out.set(cbpf::kResult, 0);
    out.bind(exits.nonzero);
    out.move(Register::k0, cbpf::kResult);
    out.exit();
    out.bind(exits.failed);
    out.set(Register::k0, 0xfa11ed); // no vector and hardly a random program returns it
    out.exit();
    return out.finish().value_or(std::vector<ebpf::Instruction>());
}

} // namespace

LoadedCode LoadedCode::load(std::span<const ebpf::Instruction> code, Place place) {
    static_assert(sizeof(ebpf::Instruction) == sizeof(bpf_insn));
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.prog_flags = place == Place::kXdp ? BPF_F_XDP_HAS_FRAGS : 0;
    const bpf_prog_type type = place == Place::kXdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
    const auto* instructions = reinterpret_cast<const bpf_insn*>(code.data());
    LoadedCode loaded;
    loaded.program.reset(bpf_prog_load(type, "lowered", "Dual BSD/GPL", instructions, code.size(), &options));
    if (!loaded.program) {
        std::vector<char> log(1U << 24U);
        options.log_buf = log.data();
        options.log_size = static_cast<__u32>(log.size());
        options.log_level = 1;
        loaded.program.reset(bpf_prog_load(type, "lowered", "Dual BSD/GPL", instructions, code.size(), &options));
        const std::string_view words(log.data());
        loaded.verifier =
            std::string(words.substr(words.size() > 1500 ? words.size() - 1500 : 0)) + std::strerror(errno);
    }
    return loaded;
}

tl::expected<std::uint32_t, std::string> LoadedCode::run(std::span<const std::uint8_t> frame) const {
    LIBBPF_OPTS(bpf_test_run_opts, run);
    run.data_in = frame.data();
    run.data_size_in = static_cast<__u32>(frame.size());
    if (const int error = bpf_prog_test_run_opts(program.get(), &run); error != 0) {
        return tl::make_unexpected("a packet of " + std::to_string(frame.size()) + " bytes: " + std::strerror(-error));
    }
    return run.retval;
}

tl::expected<LoweredFilter, std::string> LoweredFilter::load(const cbpf::Program& program, Place place, Shown shown) {
    std::vector<ebpf::Instruction> code;
    if (shown == Shown::kBehind) {
        code = lowered_behind_header(program, place);
    } else if (auto lowered = cbpf::lower(program, place)) {
        code = *std::move(lowered);
    } else {
        return tl::make_unexpected(lowered.error().message);
    }
    LoadedCode loaded = LoadedCode::load(code, place);
    if (!loaded.program) {
        return tl::make_unexpected(loaded.verifier);
    }
    return LoweredFilter(std::move(loaded), shown);
}

tl::expected<std::uint32_t, std::string> LoweredFilter::run(std::span<const std::uint8_t> packet) const {
    const std::size_t before = shown_ == Shown::kBehind ? kHeader : 0;
    std::vector<std::uint8_t> frame(before + packet.size(), 0xee);
    std::ranges::copy(packet, frame.begin() + static_cast<std::ptrdiff_t>(before));
    return code_.run(frame);
}

} // namespace pfild::tests
