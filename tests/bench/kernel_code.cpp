// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/kernel_code.h"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

namespace pfild::bench {
namespace {

using cbpf::Opcode;
using cbpf::Step;

// The converter's registers; where it has the length of the linear data, here is its end.
constexpr std::uint8_t kA = BPF_REG_0;
constexpr std::uint8_t kScratch = BPF_REG_2;
constexpr std::uint8_t kContext = BPF_REG_6;
constexpr std::uint8_t kX = BPF_REG_7;
constexpr std::uint8_t kData = BPF_REG_8;
constexpr std::uint8_t kEnd = BPF_REG_9;

constexpr std::uint8_t kMove64 = BPF_ALU64 | BPF_MOV;
constexpr std::uint8_t kMove32 = BPF_ALU | BPF_MOV;

class Translator {
  public:
    explicit Translator(std::span<const Step> steps) : steps_(steps) {}

    /// Or the name of an operation that is not translated.
    tl::expected<std::vector<bpf_insn>, std::string> code() && {
        put(kMove32 | BPF_K, kA); // which the JIT writes as the `xor` of the converter
        put(kMove32 | BPF_K, kX);
        put(kMove64 | BPF_X, kContext, BPF_REG_1);
        put(BPF_LDX | BPF_MEM | BPF_W, kData, kContext, offsetof(__sk_buff, data));
        put(BPF_LDX | BPF_MEM | BPF_W, kEnd, kContext, offsetof(__sk_buff, data_end));
        for (index_ = 0; index_ < steps_.size(); ++index_) {
            begins_.push_back(code_.size());
            if (!add(steps_[index_])) {
                return tl::make_unexpected(std::string(info(steps_[index_].opcode).name) + " is not translated");
            }
        }
        for (const auto& [from, to] : jumps_) {
            code_[from].off = static_cast<std::int16_t>(begins_[to] - from - 1);
        }
        return std::move(code_);
    }

  private:
    void put(int code, std::uint8_t to, std::uint8_t from = 0, std::size_t offset = 0, std::uint32_t constant = 0) {
        bpf_insn instruction{};
        instruction.code = static_cast<std::uint8_t>(code);
        instruction.dst_reg = to & 0xfU;
        instruction.src_reg = from & 0xfU;
        instruction.off = static_cast<std::int16_t>(offset);
        instruction.imm = static_cast<std::int32_t>(constant);
        code_.push_back(instruction);
    }

    bool add(const Step& step) {
        switch (step.opcode) {
        case Opcode::kLd:
            add_load(BPF_W, 4, step.k);
            return true;
        case Opcode::kLdh:
            add_load(BPF_H, 2, step.k);
            return true;
        case Opcode::kLdb:
            add_load(BPF_B, 1, step.k);
            return true;
        case Opcode::kLdInd:
            put(BPF_LD | BPF_IND | BPF_W, 0, kX, 0, step.k);
            return true;
        case Opcode::kLdhInd:
            put(BPF_LD | BPF_IND | BPF_H, 0, kX, 0, step.k);
            return true;
        case Opcode::kLdbInd:
            put(BPF_LD | BPF_IND | BPF_B, 0, kX, 0, step.k);
            return true;
        case Opcode::kLdxMsh:
            put(kMove64 | BPF_X, kX, kA);
            add_load(BPF_B, 1, step.k);
            put(BPF_ALU | BPF_AND | BPF_K, kA, 0, 0, 0xf);
            put(BPF_ALU | BPF_LSH | BPF_K, kA, 0, 0, 2);
            put(kMove64 | BPF_X, kScratch, kX);
            put(kMove64 | BPF_X, kX, kA);
            put(kMove64 | BPF_X, kA, kScratch);
            return true;
        case Opcode::kAndK:
            put(BPF_ALU | BPF_AND | BPF_K, kA, 0, 0, step.k);
            return true;
        case Opcode::kJa:
            jump(BPF_JMP | BPF_JA, step, step.k);
            return true;
        case Opcode::kRetK:
            put(kMove32 | BPF_K, kA, 0, 0, step.k);
            put(BPF_JMP | BPF_EXIT, 0);
            return true;
        default:
            return add_branch(step);
        }
    }

    /// Inside the data a read, and a jump past what the kernel does elsewhere: a call.
    void add_load(int size, std::uint32_t bytes, std::uint32_t at) {
        const bool swaps = bytes > 1;
        put(kMove64 | BPF_X, kScratch, kData);
        put(BPF_ALU64 | BPF_ADD | BPF_K, kScratch, 0, 0, at + bytes);
        put(BPF_JMP | BPF_JGT | BPF_X, kScratch, kEnd, swaps ? 3 : 2);
        put(BPF_LDX | BPF_MEM | size, kA, kData, at);
        if (swaps) {
            put(BPF_ALU | BPF_END | BPF_TO_BE, kA, 0, 0, bytes * 8);
        }
        put(BPF_JMP | BPF_JA, 0, 0, 1);
        put(BPF_LD | BPF_ABS | size, 0, 0, 0, at);
    }

    bool add_branch(const Step& step) {
        struct Row {
            Opcode opcode;
            int yes;
            int no; ///< 0: there is none
        };
        constexpr std::array<Row, 4> kRows{{{Opcode::kJeqK, BPF_JEQ, BPF_JNE},
                                            {Opcode::kJgtK, BPF_JGT, BPF_JLE},
                                            {Opcode::kJgeK, BPF_JGE, BPF_JLT},
                                            {Opcode::kJsetK, BPF_JSET, 0}}};
        for (const Row& row : kRows) {
            if (row.opcode != step.opcode) {
                continue;
            }
            int operand = BPF_K;
            if (step.k >= 0x80000000) { // a constant would be sign-extended
                put(kMove32 | BPF_K, kScratch, 0, 0, step.k);
                operand = BPF_X;
            }
            if (step.jt == 0 && row.no != 0 && step.jf != 0) {
                jump(BPF_JMP | row.no | operand, step, step.jf);
                return true;
            }
            jump(BPF_JMP | row.yes | operand, step, step.jt);
            if (step.jf != 0) {
                jump(BPF_JMP | BPF_JA, step, step.jf);
            }
            return true;
        }
        return false;
    }

    void jump(int code, const Step& step, std::size_t skipped) {
        jumps_.emplace_back(code_.size(), index_ + 1 + skipped);
        if ((code & BPF_X) != 0) {
            put(code, kA, kScratch);
        } else {
            put(code, (code & 0xf0) == BPF_JA ? 0 : kA, 0, 0, (code & 0xf0) == BPF_JA ? 0 : step.k);
        }
    }

    std::span<const Step> steps_;
    std::size_t index_ = 0; ///< of the step that is being translated
    std::vector<bpf_insn> code_;
    std::vector<std::size_t> begins_;                        ///< of each step, in code_
    std::vector<std::pair<std::size_t, std::size_t>> jumps_; ///< from an index of code_ to a step
};

/// The descriptor of the program.
tl::expected<int, std::string> loaded(std::span<const bpf_insn> code) {
    std::vector<char> log(std::size_t{1} << 16U);
    bpf_prog_load_opts options{};
    options.sz = sizeof(options);
    options.log_level = 1;
    options.log_buf = log.data();
    options.log_size = static_cast<__u32>(log.size());
    const int descriptor =
        bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "bench_filter", "GPL", code.data(), code.size(), &options);
    if (descriptor < 0) {
        return tl::make_unexpected(std::string("the kernel does not load it: ") + std::strerror(-descriptor) + '\n' +
                                   log.data());
    }
    return descriptor;
}

} // namespace

tl::expected<KernelCode, std::string> KernelCode::load(const cbpf::Program& program) {
    return Translator(program.steps())
        .code()
        .and_then([](const std::vector<bpf_insn>& code) { return loaded(code); })
        .map([](int descriptor) { return KernelCode(descriptor); });
}

tl::expected<KernelCode, std::string> KernelCode::nothing() {
    std::array<bpf_insn, 2> code{};
    code[0].code = kMove32 | BPF_K;
    code[1].code = BPF_JMP | BPF_EXIT;
    return loaded(code).map([](int descriptor) { return KernelCode(descriptor); });
}

KernelCode::KernelCode(KernelCode&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

KernelCode::~KernelCode() {
    if (descriptor_ >= 0) {
        (void)::close(descriptor_);
    }
}

std::optional<std::uint32_t> KernelCode::run(std::span<const std::uint8_t> frame, std::uint32_t times) const {
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(times);
    if (bpf_prog_test_run_opts(descriptor_, &options) != 0) {
        return std::nullopt;
    }
    return options.retval;
}

} // namespace pfild::bench
