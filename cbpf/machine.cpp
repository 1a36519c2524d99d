// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/machine.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace pfild::cbpf {

Machine::Machine(Program program, Engine wanted) : program_(std::move(program)) {
    if (wanted == Engine::kInterpreter) {
        return;
    }
    auto native = jit::NativeProgram::compile(program_);
    if (native) {
        native_.emplace(std::move(*native));
    } else {
        refusal_ = native.error();
    }
}

void Machine::run(std::span<const Packet> packets, std::span<std::uint32_t> results) const noexcept {
    for (std::size_t index = 0; index < packets.size(); ++index) {
        if (native_) {
            index += native_->run(packets.subspan(index), results.subspan(index));
            if (index == packets.size()) {
                return;
            }
        }
        results[index] = interpret(program_, packets[index]);
    }
}

MachineSet::MachineSet(std::span<const Program> programs, Engine wanted) : size_(programs.size()), engine_(wanted) {
    for (std::size_t index = 0; index < programs.size(); ++index) {
        add(programs[index], static_cast<std::uint32_t>(index));
    }
    if (wanted == Engine::kNative) {
        for (Chunk& chunk : chunks_) {
            compile(chunk);
        }
    }
}

void MachineSet::add(const Program& program, std::uint32_t result) {
    const auto same = [&program](const Program& other) {
        return std::ranges::equal(program.instructions(), other.instructions());
    };
    for (Chunk& chunk : chunks_) {
        const auto found = std::ranges::find_if(chunk.programs, same);
        if (found != chunk.programs.end()) {
            chunk.slots.push_back({static_cast<std::uint32_t>(found - chunk.programs.begin()), result});
            return;
        }
    }
    if (chunks_.empty() || chunks_.back().programs.size() == jit::kSetLimit) {
        chunks_.emplace_back();
    }
    Chunk& chunk = chunks_.back();
    chunk.slots.push_back({static_cast<std::uint32_t>(chunk.programs.size()), result});
    chunk.programs.push_back(program);
}

void MachineSet::compile(Chunk& chunk) {
    std::vector<const Program*> programs;
    for (const Program& program : chunk.programs) {
        programs.push_back(&program);
    }
    auto native = jit::NativeSet::compile(programs);
    if (native) {
        chunk.native.emplace(std::move(*native));
    } else {
        engine_ = Engine::kInterpreter;
    }
}

void MachineSet::run(const Packet& packet, std::span<std::uint32_t> results) const noexcept {
    for (const Chunk& chunk : chunks_) {
        std::array<std::uint32_t, jit::kSetLimit> answers; // NOLINT(*-member-init): written before it is read
        if (chunk.native) {
            std::uint64_t undecided = chunk.native->run(packet, answers.data());
            for (; undecided != 0; undecided &= undecided - 1) {
                const auto index = static_cast<std::size_t>(std::countr_zero(undecided));
                answers[index] = interpret(chunk.programs[index], packet);
            }
        } else {
            for (std::size_t index = 0; index < chunk.programs.size(); ++index) {
                answers[index] = interpret(chunk.programs[index], packet);
            }
        }
        for (const Slot& slot : chunk.slots) {
            results[slot.result] = answers[slot.program];
        }
    }
}

} // namespace pfild::cbpf
