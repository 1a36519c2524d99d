// SPDX-License-Identifier: BSD-2-Clause
#include "ebpf/assembler.h"

namespace pfild::ebpf {
namespace {

// linux/bpf.h: instruction classes, and what is added to them.
constexpr std::uint8_t kLoadWide = 0x18;
constexpr std::uint8_t kLoad = 0x61;
constexpr std::uint8_t kStoreNumber = 0x62;
constexpr std::uint8_t kStoreRegister = 0x63;
constexpr std::uint8_t kArithmetic32 = 0x04;
constexpr std::uint8_t kArithmetic64 = 0x07;
constexpr std::uint8_t kJump64 = 0x05;
constexpr std::uint8_t kJump32 = 0x06;
constexpr std::uint8_t kWithRegister = 0x08;
constexpr std::uint8_t kToBigEndian = 0xdc; // which is its own opposite
constexpr std::uint8_t kCall = 0x85;
constexpr std::uint8_t kExit = 0x95;
constexpr std::uint8_t kAlways = 0x05;     // a jump without a condition
constexpr std::uint8_t kMapDescriptor = 1; // in the place of the source register of kLoadWide

template <typename Enum>
constexpr std::uint8_t bits(Enum value) {
    return static_cast<std::uint8_t>(value);
}

constexpr std::uint8_t sized(std::uint8_t code, std::uint32_t bytes) {
    return static_cast<std::uint8_t>(code | bits(size_of(bytes)));
}

constexpr std::uint8_t code_of(Width width, Arithmetic what) {
    return static_cast<std::uint8_t>(bits(what) | (width == Width::k32 ? kArithmetic32 : kArithmetic64));
}

constexpr std::uint8_t code_of(Width width, Condition condition) {
    return static_cast<std::uint8_t>(bits(condition) | (width == Width::k32 ? kJump32 : kJump64));
}

constexpr std::int16_t short_of(std::int32_t offset) { return static_cast<std::int16_t>(offset); }

} // namespace

void Assembler::put(Fields fields, Register destination, Register source) {
    instructions_.push_back(make(fields, destination, source));
}

Assembler::Label Assembler::label() {
    labels_.push_back(0);
    return Label(labels_.size() - 1);
}

void Assembler::bind(Label label) { labels_[label.index_] = instructions_.size(); }

void Assembler::calculate(Width width, Arithmetic what, Register to, Register operand) {
    put({.code = static_cast<std::uint8_t>(code_of(width, what) | kWithRegister)}, to, operand);
}

void Assembler::calculate(Width width, Arithmetic what, Register to, std::int32_t operand) {
    put({.code = code_of(width, what), .number = operand}, to);
}

void Assembler::put_wide(std::uint8_t kind, Register to, std::uint64_t value) {
    const auto low = static_cast<std::uint32_t>(value);
    const auto high = static_cast<std::uint32_t>(value >> 32U);
    put({.code = kLoadWide, .number = static_cast<std::int32_t>(low)}, to, static_cast<Register>(kind));
    put({.code = 0, .number = static_cast<std::int32_t>(high)});
}

void Assembler::set_wide(Register to, std::uint64_t value) { put_wide(0, to, value); }

void Assembler::set_map(Register to, std::int32_t number) {
    put_wide(kMapDescriptor, to, static_cast<std::uint32_t>(number));
}

void Assembler::from_network_order(Register of, std::uint32_t bytes) {
    put({.code = kToBigEndian, .number = static_cast<std::int32_t>(8 * bytes)}, of);
}

void Assembler::load(std::uint32_t bytes, Register to, Register from, std::int32_t offset) {
    put({.code = sized(kLoad, bytes), .offset = short_of(offset)}, to, from);
}

void Assembler::store(std::uint32_t bytes, Register to, std::int32_t offset, Register value) {
    put({.code = sized(kStoreRegister, bytes), .offset = short_of(offset)}, to, value);
}

void Assembler::store(std::uint32_t bytes, Register to, std::int32_t offset, std::int32_t value) {
    put({.code = sized(kStoreNumber, bytes), .offset = short_of(offset), .number = value}, to);
}

void Assembler::jump(Label to) {
    jumps_.push_back({instructions_.size(), to.index_});
    put({.code = code_of(Width::k64, Condition::kAlways)});
}

void Assembler::jump_if(Width width, Register left, Condition condition, Register right, Label to) {
    jumps_.push_back({instructions_.size(), to.index_});
    put({.code = static_cast<std::uint8_t>(code_of(width, condition) | kWithRegister)}, left, right);
}

void Assembler::jump_if(Width width, Register left, Condition condition, std::int32_t right, Label to) {
    jumps_.push_back({instructions_.size(), to.index_});
    put({.code = code_of(width, condition), .number = right}, left);
}

void Assembler::call(Helper helper) { put({.code = kCall, .number = static_cast<std::int32_t>(helper)}); }

void Assembler::exit() { put({.code = kExit}); }

// The kernel refuses programs with instructions that nothing leads to.
std::vector<bool> Assembler::reachable() const {
    std::vector<bool> reached(instructions_.size() + 1);
    std::size_t jump = 0; // jumps are in the order of the instructions
    reached.front() = true;
    for (std::size_t at = 0; at < instructions_.size(); ++at) {
        const std::uint8_t code = instructions_[at].code;
        const bool jumps = jump < jumps_.size() && jumps_[jump].at == at;
        if (reached[at]) {
            if (jumps) {
                reached[labels_[jumps_[jump].label]] = true;
            }
            if (code != kAlways && code != kExit) {
                reached[at + 1] = true;
            }
        }
        jump += jumps ? 1 : 0;
    }
    return reached;
}

std::optional<std::vector<Instruction>> Assembler::finish() const {
    const std::vector<bool> reached = reachable();
    std::vector<Instruction> finished;
    std::vector<std::size_t> moved(reached.size()); // where each instruction is now, or the next that is still there
    for (std::size_t at = 0; at < instructions_.size(); ++at) {
        moved[at] = finished.size();
        if (reached[at]) {
            finished.push_back(instructions_[at]);
        }
    }
    if (finished.size() > kMaxInstructions) {
        return std::nullopt;
    }
    for (const Jump& jump : jumps_) {
        if (reached[jump.at]) {
            finished[moved[jump.at]].offset =
                static_cast<std::int16_t>(moved[labels_[jump.label]] - moved[jump.at] - 1);
        }
    }
    return finished;
}

} // namespace pfild::ebpf
