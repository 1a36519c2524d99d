// SPDX-License-Identifier: BSD-2-Clause
// A program together with the fastest way to run it here: native code where that can be had, else the interpreter.
//
//     run(packet)            one program, one packet
//     run(packets, results)  one program, many packets: one call for all of them
//     MachineSet::run        many programs, one packet: one call for up to 64 of them
//
// The result never depends on which it is (interpret.h says what it is). Native code answers what it can from the first
// piece of a packet; a packet in several pieces of which it would have to see more is interpreted.
//
// Made off the packet path, some 20 us a program; running allocates nothing and may be done by any number of threads at
// once. Owns program and code; move-only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cbpf/interpret.h"
#include "cbpf/jit/compile.h"
#include "cbpf/packet.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// How a program is run.
enum class Engine : std::uint8_t { kInterpreter, kNative };
inline constexpr std::array<std::string_view, 2> kEngineNames{"interpreter", "native"};
static_assert(static_cast<std::size_t>(Engine::kNative) + 1 == kEngineNames.size());

[[nodiscard]] constexpr std::string_view name(Engine engine) noexcept {
    return kEngineNames[static_cast<std::size_t>(engine)];
}

class Machine {
  public:
    /// With Engine::kNative a wish, not a condition: see engine() and refusal().
    explicit Machine(Program program, Engine wanted = Engine::kNative);

    /// Bytes wanted; 0: none.
    [[nodiscard]] std::uint32_t run(const Packet& packet) const noexcept {
        if (native_) [[likely]] {
            const std::int64_t result = native_->run(packet);
            if (result >= 0) [[likely]] {
                return static_cast<std::uint32_t>(result);
            }
        }
        return interpret(program_, packet);
    }

    /// results[i] is what run(packets[i]) would return. => as many results as packets.
    void run(std::span<const Packet> packets, std::span<std::uint32_t> results) const noexcept;

    [[nodiscard]] const Program& program() const noexcept { return program_; }
    [[nodiscard]] Engine engine() const noexcept { return native_ ? Engine::kNative : Engine::kInterpreter; }

    /// Why native code was wanted and is not there; nothing if it is, or was not wanted.
    [[nodiscard]] std::optional<jit::Refusal> refusal() const noexcept { return refusal_; }

  private:
    Program program_;
    std::optional<jit::NativeProgram> native_;
    std::optional<jit::Refusal> refusal_;
};

/// The programs of everybody who listens to one interface. Programs that are the same run once.
class MachineSet {
  public:
    explicit MachineSet(std::span<const Program> programs, Engine wanted = Engine::kNative);

    /// results[i] is what program i of those given returns. => as many results as programs.
    void run(const Packet& packet, std::span<std::uint32_t> results) const noexcept;

    /// Programs that were given.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Of all of them.
    [[nodiscard]] Engine engine() const noexcept { return engine_; }

  private:
    /// Where a result goes.
    struct Slot {
        std::uint32_t program; ///< index in the chunk
        std::uint32_t result;  ///< index of the program as it was given
    };
    /// Up to jit::kSetLimit different programs; without native code they are interpreted.
    struct Chunk {
        std::vector<Program> programs;
        std::vector<Slot> slots;
        std::optional<jit::NativeSet> native;
    };

    void add(const Program& program, std::uint32_t result);
    void compile(Chunk& chunk);

    std::vector<Chunk> chunks_;
    std::size_t size_ = 0;
    Engine engine_ = Engine::kInterpreter;
};

} // namespace pfild::cbpf
