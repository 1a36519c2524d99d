// SPDX-License-Identifier: BSD-2-Clause
// The native code against the interpreter, in every form in which it can be run.
#include "cbpf/machine.h"
#include "tests/oracle/proof/judge.h"

namespace pfild::tests {
namespace {

using cbpf::Machine;
using cbpf::MachineSet;
using cbpf::Packet;
using cbpf::Program;
using cbpf::jit::NativeProgram;

constexpr std::size_t kProgramsOfASet = 20;

/// The program with every `jeq k` a `jge k`: what a fault of the compiler might look like.
Program broken(const Program& program) {
    std::vector<cbpf::Instruction> code(program.instructions().begin(), program.instructions().end());
    for (cbpf::Instruction& row : code) {
        row.code = row.code == 0x15 ? 0x35 : row.code;
    }
    return *Program::verify(code);
}

class NativeJudge : public Judge {
  public:
    explicit NativeJudge(Fault fault) : fault_(fault) {}

    [[nodiscard]] std::optional<std::string> differs(const Round& round, Tally& tally) override {
        const Machine machine(fault_ == Fault::kNone ? round.program() : broken(round.program()));
        const auto literal = NativeProgram::compile(cbpf::jit::decode(round.program())); // without any pass
        if (machine.refusal() || !literal) {
            return "does not compile";
        }
        note_guard(round, tally.coverage);
        std::array<std::uint32_t, Round::kPackets> batch{};
        machine.run(round.packets(), batch);
        const std::size_t followed = round.seed() % Round::kPackets;
        for (std::size_t index = 0; index < Round::kPackets; ++index) {
            const Packet& packet = round.packets()[index];
            const std::uint32_t expected = interpret(round.program(), packet);
            if (const auto how = differs_from(expected, machine, *literal, packet, batch[index])) {
                return "packet " + std::to_string(index) + ": " + *how;
            }
            tally.nonzero += expected != 0 ? 1 : 0;
            tally.undecided += literal->run(packet) < 0 ? 1 : 0;
            tally.coverage.note_packet(round.bytes(index), round.pieces(index));
            if (index == followed) {
                follow(round.code(), round.bytes(index), packet.wire_length(), trace_);
                tally.coverage.note_run(round.code(), trace_);
                if (trace_.result != expected) {
                    return "packet " + std::to_string(index) + ": the reference machine";
                }
            }
        }
        tally.pairs += Round::kPackets;
        return differs_in_a_set(round);
    }

  private:
    /// Of every fourth program: it has to be compiled for that once more.
    static void note_guard(const Round& round, Coverage& coverage) {
        if (round.seed() % 4 == 0) {
            cbpf::jit::Graph graph = cbpf::jit::optimised(round.program());
            const cbpf::jit::Guard guard = take_guard(graph);
            for (const Packet& packet : round.packets()) {
                coverage.note_guard(guard, packet);
            }
        }
    }

    static std::optional<std::string> differs_from(std::uint32_t expected, const Machine& machine,
                                                   const NativeProgram& literal, const Packet& packet,
                                                   std::uint32_t in_batch) {
        if (machine.run(packet) != expected) {
            return "one call";
        }
        if (in_batch != expected) {
            return "batch";
        }
        const std::int64_t by_literal = literal.run(packet);
        if (by_literal >= 0 && by_literal != expected) {
            return "without passes";
        }
        return std::nullopt;
    }

    /// When there are enough programs, all of them over the packets of the last one.
    std::optional<std::string> differs_in_a_set(const Round& round) {
        programs_.push_back(round.program());
        if (programs_.size() < kProgramsOfASet) {
            return std::nullopt;
        }
        const MachineSet set(programs_);
        std::array<std::uint32_t, kProgramsOfASet> results{};
        for (const Packet& packet : round.packets()) {
            set.run(packet, results);
            for (std::size_t index = 0; index < programs_.size(); ++index) {
                if (results[index] != interpret(programs_[index], packet)) {
                    return "set: program " + std::to_string(index) + " of the 20 that end here";
                }
            }
        }
        programs_.clear();
        return std::nullopt;
    }

    Fault fault_;
    std::vector<Program> programs_; ///< of the set that is being collected
    Trace trace_;
};

} // namespace

MaybeJudge native_judge(Fault fault) {
    const std::array<cbpf::Instruction, 1> nothing{{{0x06, 0, 0, 0}}};
    if (const auto refusal = Machine(*Program::verify(nothing)).refusal()) {
        return tl::make_unexpected(std::string(cbpf::jit::text(*refusal)));
    }
    return std::make_unique<NativeJudge>(fault);
}

} // namespace pfild::tests
