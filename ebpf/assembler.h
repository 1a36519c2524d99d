// SPDX-License-Identifier: BSD-2-Clause
// Writes eBPF instructions one behind the other, with labels for what they jump to. All jumps go forward, as the kernel
// can prove of such programs that they end.
//
// A jump reaches over 32,767 instructions. What gets longer than that is not assembled: see finish(). Plain value; one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ebpf/instruction.h"

namespace pfild::ebpf {

inline constexpr std::size_t kMaxInstructions = 32767;

class Assembler {
  public:
    /// A place to jump to, here or further on.
    class Label {
        friend class Assembler;
        explicit Label(std::size_t index) : index_(index) {}
        std::size_t index_;
    };

    [[nodiscard]] Label label();
    /// The label is here. => it was nowhere before.
    void bind(Label label);

    void calculate(Width width, Arithmetic what, Register to, Register operand);
    void calculate(Width width, Arithmetic what, Register to, std::int32_t operand);
    void move(Register to, Register from) { calculate(Width::k64, Arithmetic::kMove, to, from); }
    void set(Register to, std::int32_t value) { calculate(Width::k64, Arithmetic::kMove, to, value); }
    void set_wide(Register to, std::uint64_t value);
    /// The map whose descriptor is put in where `number` is, when the program is loaded (Code::maps).
    void set_map(Register to, std::int32_t number);
    /// 2 or 4 bytes as they lie in a packet become a number; the rest of the register is 0.
    void from_network_order(Register of, std::uint32_t bytes);

    void load(std::uint32_t bytes, Register to, Register from, std::int32_t offset);
    void store(std::uint32_t bytes, Register to, std::int32_t offset, Register value);
    void store(std::uint32_t bytes, Register to, std::int32_t offset, std::int32_t value);

    void jump(Label to);
    void jump_if(Width width, Register left, Condition condition, Register right, Label to);
    void jump_if(Width width, Register left, Condition condition, std::int32_t right, Label to);
    void call(Helper helper);
    void exit();

    /// So far.
    [[nodiscard]] std::size_t size() const { return instructions_.size(); }

    /// All of it that can be reached, jumps filled in; nothing if that is too long. => every label that is jumped to
    /// has been bound.
    [[nodiscard]] std::optional<std::vector<Instruction>> finish() const;

  private:
    struct Jump {
        std::size_t at;
        std::size_t label;
    };
    void put(Fields fields, Register destination = Register::k0, Register source = Register::k0);
    [[nodiscard]] std::vector<bool> reachable() const;
    void put_wide(std::uint8_t kind, Register to, std::uint64_t value);

    std::vector<Instruction> instructions_;
    std::vector<Jump> jumps_;
    std::vector<std::size_t> labels_; ///< where each is bound
};

} // namespace pfild::ebpf
