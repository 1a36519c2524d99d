// SPDX-License-Identifier: BSD-2-Clause
// The entry points around a body, and what happens behind its exits.
#include "cbpf/jit/emit.h"

#include <cstring>

#include <asmjit/x86.h>

#include "cbpf/jit/body.h"

namespace pfild::cbpf::jit {
namespace {

using asmjit::Label;
namespace x86 = asmjit::x86;

/// Keeps that something failed, so that not every instruction has to be asked.
class FirstError : public asmjit::ErrorHandler {
  public:
    void handleError(asmjit::Error /*error*/, const char* /*message*/, // NOLINT(*-identifier-naming): asmjit's name
                     asmjit::BaseEmitter* /*origin*/) override {
        failed_ = true;
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }

  private:
    bool failed_ = false;
};

x86::Mem member(std::size_t offset, std::uint32_t size) {
    return x86::ptr(x86::rdi, static_cast<std::int32_t>(offset), size);
}

class Emitter {
  public:
    Emitter() {
        asmjit::Environment environment(asmjit::Arch::kX64, asmjit::SubArch::kUnknown, asmjit::Vendor::kUnknown,
                                        asmjit::Platform::kLinux);
        (void)code_.init(environment);
        code_.setErrorHandler(&error_);
        (void)code_.attach(&out_);
    }

    /// RunOne(rdi = packet)
    void run_one(const Graph& graph) {
        const Exits exits{.done = std::nullopt,
                          .outside = out_.newLabel(),
                          .zero = out_.newLabel(),
                          .length_in_register = wants_length_in_register(graph)};
        load_packet(exits.length_in_register);
        emit_body(out_, graph, exits);
        out_.bind(exits.outside);
        out_.xor_(x86::eax, x86::eax);
        compare_with_captured();
        out_.setne(x86::al);
        out_.neg(x86::rax);
        out_.ret();
        out_.bind(exits.zero);
        out_.xor_(x86::eax, x86::eax);
        out_.ret();
    }

    /// RunBatch(rdi = first, rsi = end, rdx = results). rbx = end, rbp = results.
    std::size_t run_batch(const Graph& graph) {
        out_.align(asmjit::AlignMode::kCode, 16);
        const std::size_t offset = out_.offset();
        const Label done = out_.newLabel();
        const Label next = out_.newLabel();
        const Label leave = out_.newLabel();
        const Exits exits{.done = done,
                          .outside = out_.newLabel(),
                          .zero = out_.newLabel(),
                          .length_in_register = wants_length_in_register(graph)};
        out_.push(x86::rbx);
        out_.push(x86::rbp);
        out_.mov(x86::rbx, x86::rsi);
        out_.mov(x86::rbp, x86::rdx);
        out_.cmp(x86::rdi, x86::rbx);
        out_.je(leave);
        out_.bind(next);
        load_packet(exits.length_in_register);
        emit_body(out_, graph, exits);
        out_.bind(done);
        out_.mov(x86::dword_ptr(x86::rbp), x86::eax);
        out_.add(x86::rbp, sizeof(std::uint32_t));
        out_.add(x86::rdi, sizeof(Packet));
        out_.cmp(x86::rdi, x86::rbx);
        out_.jne(next);
        out_.bind(leave);
        out_.mov(x86::rax, x86::rdi);
        out_.pop(x86::rbp);
        out_.pop(x86::rbx);
        out_.ret();
        out_.bind(exits.outside);
        compare_with_captured();
        out_.jne(leave);
        out_.bind(exits.zero);
        out_.xor_(x86::eax, x86::eax);
        out_.jmp(done);
        return offset;
    }

    /// RunSet(rdi = packet, rsi = results). r11 = results, rbx = the undecided.
    void run_set(std::span<const Graph> graphs) {
        out_.push(x86::rbx);
        out_.xor_(x86::ebx, x86::ebx);
        out_.mov(x86::r11, x86::rsi);
        load_packet(true);
        std::vector<Exits> exits;
        for (std::size_t index = 0; index < graphs.size(); ++index) {
            exits.push_back({.done = out_.newLabel(), .outside = out_.newLabel(), .zero = out_.newLabel()});
            emit_body(out_, graphs[index], exits.back());
            out_.bind(*exits.back().done);
            out_.mov(x86::dword_ptr(x86::r11, static_cast<std::int32_t>(index * sizeof(std::uint32_t))), x86::eax);
        }
        out_.mov(x86::rax, x86::rbx);
        out_.pop(x86::rbx);
        out_.ret();
        for (std::size_t index = 0; index < graphs.size(); ++index) {
            out_.bind(exits[index].outside);
            compare_with_captured();
            out_.je(exits[index].zero);
            out_.bts(x86::rbx, index);
            out_.bind(exits[index].zero);
            out_.xor_(x86::eax, x86::eax);
            out_.jmp(*exits[index].done);
        }
    }

    [[nodiscard]] tl::expected<std::vector<std::byte>, Refusal> bytes() const {
        if (error_.failed() || code_.hasUnresolvedLinks() || code_.hasRelocEntries()) {
            return tl::make_unexpected(Refusal::kAssembler);
        }
        const asmjit::CodeBuffer& buffer = code_.textSection()->buffer();
        std::vector<std::byte> copy(buffer.size());
        std::memcpy(copy.data(), buffer.data(), buffer.size());
        return copy;
    }

  private:
    void load_packet(bool with_length) {
        out_.mov(x86::rsi, member(Packet::layout().head, 8));
        if (with_length) {
            out_.mov(x86::r8d, member(Packet::layout().head_length, 4));
        }
    }

    /// Equal: the packet is in one piece.
    void compare_with_captured() {
        out_.mov(x86::r8d, member(Packet::layout().head_length, 4));
        out_.cmp(x86::r8d, member(Packet::layout().captured_length, 4));
    }

    FirstError error_;
    asmjit::CodeHolder code_;
    x86::Assembler out_;
};

} // namespace

tl::expected<MachineCode, Refusal> emit_program(const Graph& one, const Graph& batch) {
    Emitter emitter;
    emitter.run_one(one);
    const std::size_t offset = emitter.run_batch(batch);
    return emitter.bytes().map([offset](std::vector<std::byte>&& bytes) {
        return MachineCode{std::move(bytes), offset};
    });
}

tl::expected<MachineCode, Refusal> emit_set(std::span<const Graph> graphs) {
    Emitter emitter;
    emitter.run_set(graphs);
    return emitter.bytes().map([](std::vector<std::byte>&& bytes) { return MachineCode{std::move(bytes), 0}; });
}

} // namespace pfild::cbpf::jit
