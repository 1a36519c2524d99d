// SPDX-License-Identifier: BSD-2-Clause
// The proof that a program answers per flow: it runs once on all packets of a flow together.
//
// Two packets of a flow that have taken the same jumps have the same values in all registers but for tainted bits
// (flow_value.h). They part only where a jump, or a condition that ends a program, depends on a tainted bit. There the
// pass gives up. If it never does, both take the same path to the same return, and have the same result unless that
// returns a tainted bit.
//
// Jumps go forward only, so one pass from the first instruction to the last sees everything that leads to an
// instruction before it comes there. Where paths meet, what holds is what holds on both. Jumps that known bits decide
// are followed to one side only.
//
// A load that falls outside the packet ends the program. So it must be inside in every packet of the flow or outside in
// all. The ports are inside if the protocol has ports; therefore a path also carries the protocols that are possible on
// it, narrowed by jumps on the protocol.
//
// Where the ports of IPv4 lie depends on the header length, which is not part of the flow. As a number it is tainted;
// but a value that is this length plus a constant is remembered as such, and can load the ports.
#include "cbpf/flow_dependence.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "cbpf/analysis/values.h"
#include "cbpf/flow_packet.h"
#include "cbpf/flow_value.h"
#include "cbpf/packet.h"

namespace pfild::cbpf {
namespace {

/// What holds before an instruction on every path that leads to it.
struct State {
    FlowValue a;
    FlowValue x;
    std::array<FlowValue, kMemoryWords> memory; ///< words that were not written mean nothing (CF-09)
    Protocols protocols;                        ///< that the packet may have; at least one
};

void join(State& state, const State& other) {
    state.a = joined(state.a, other.a);
    state.x = joined(state.x, other.x);
    for (std::size_t word = 0; word < kMemoryWords; ++word) {
        state.memory[word] = joined(state.memory[word], other.memory[word]);
    }
    state.protocols |= other.protocols;
}

/// Whether the packets that come along a path have ports.
enum class Ports : std::uint8_t { kAll, kSome, kNone };

class Pass {
  public:
    Pass(std::span<const Step> steps, const FlowPacket& packet)
        : steps_(steps), packet_(packet), before_(steps.size()) {}

    [[nodiscard]] std::optional<PerPacket> run() {
        before_[0] = State{.protocols = canonical_protocols(packet_.inet)};
        for (at_ = 0; at_ < steps_.size(); ++at_) {
            if (!before_[at_]) {
                continue; // no packet comes here
            }
            State state = *before_[at_];
            if (execute(steps_[at_], state)) {
                arrive(0, state);
            }
            if (found_) {
                return found_;
            }
        }
        return std::nullopt;
    }

  private:
    // What runs an instruction says whether the next one follows it. It does not where the program ends, where the
    // instruction jumps, and where a reason was found.

    bool execute(const Step& step, State& state) {
        switch (info(step.opcode).operand) {
        case Operand::kAbsolute:
            return load(state, FlowValue::constant(0), step);
        case Operand::kIndexed:
            return load(state, state.x, step);
        case Operand::kHeader:
            return load_header_length(state, step);
        case Operand::kLength:
            (step.opcode == Opcode::kLdLen ? state.a : state.x) = tainted_by(Taint::From::kPacketLength);
            return true;
        case Operand::kMemory:
            move_memory(state, step);
            return true;
        case Operand::kConstant:
            return execute_constant(state, step);
        case Operand::kX:
            return calculate(state, step.opcode, state.x);
        case Operand::kNone:
            execute_plain(state, step.opcode);
            return true;
        case Operand::kA:
            if (state.a.is_tainted()) {
                report(state.a);
            }
            return false;
        case Operand::kJump:
            arrive(step.k, state);
            return false;
        case Operand::kBranch:
            return branch(state, step, FlowValue::constant(step.k));
        case Operand::kBranchX:
            return branch(state, step, state.x);
        }
        return false;
    }

    bool execute_constant(State& state, const Step& step) {
        switch (step.opcode) {
        case Opcode::kRetK:
            return false;
        case Opcode::kLdImm:
            state.a = FlowValue::constant(step.k);
            return true;
        case Opcode::kLdxImm:
            state.x = FlowValue::constant(step.k);
            return true;
        default:
            return calculate(state, step.opcode, FlowValue::constant(step.k));
        }
    }

    static void execute_plain(State& state, Opcode opcode) {
        if (opcode == Opcode::kTax) {
            state.x = state.a;
        } else if (opcode == Opcode::kTxa) {
            state.a = state.x;
        } else { // neg
            state.a = calculated(Opcode::kSubX, FlowValue::constant(0), state.a);
        }
    }

    static void move_memory(State& state, const Step& step) {
        FlowValue& word = state.memory[step.k];
        switch (step.opcode) {
        case Opcode::kSt:
            word = state.a;
            break;
        case Opcode::kStx:
            word = state.x;
            break;
        case Opcode::kLdMem:
            state.a = word;
            break;
        default:
            state.x = word;
        }
    }

    /// A = A op b, which may end the program (CF-24, CF-25).
    bool calculate(State& state, Opcode opcode, const FlowValue& b) {
        const bool divides = is_division(opcode);
        const bool shifts = is_shift(opcode);
        if ((divides || shifts) && b.is_tainted()) {
            report(b);
            return false;
        }
        if ((divides && b.largest() == 0) || (shifts && b.smallest() >= kShiftLimit)) {
            return false;
        }
        state.a = calculated(opcode, state.a, b);
        return true;
    }

    bool branch(const State& state, const Step& step, const FlowValue& b) {
        const Answer taken = answer(step.opcode, state.a, b);
        if (taken == Answer::kByValue) {
            report(asked(step.opcode, state.a, b));
            return false;
        }
        State yes = state;
        State no = state;
        if (state.a.meaning == FlowValue::Meaning::kProtocol && b.is_constant()) {
            for (std::uint32_t protocol = 0; protocol < state.protocols.size(); ++protocol) {
                const bool jumps = answer(step.opcode, FlowValue::constant(protocol), b) == Answer::kYes;
                (jumps ? no : yes).protocols.reset(protocol);
            }
        }
        if (taken != Answer::kNo && yes.protocols.any()) {
            arrive(step.jt, yes);
        }
        if (taken != Answer::kYes && no.protocols.any()) {
            arrive(step.jf, no);
        }
        return false;
    }

    bool load(State& state, const FlowValue& base, const Step& step) {
        const std::uint32_t size = load_size_of(step.opcode);
        const std::optional<FlowValue> loaded = loaded_from(state, base, step.k, size);
        if (loaded) {
            state.a = *loaded;
        }
        return loaded.has_value();
    }

    bool load_header_length(State& state, const Step& step) {
        const std::optional<FlowValue> byte = loaded_from(state, FlowValue::constant(0), step.k, 1);
        if (!byte) {
            return false;
        }
        const FlowValue words = calculated(Opcode::kAndK, *byte, FlowValue::constant(0x0f));
        state.x = calculated(Opcode::kLshK, words, FlowValue::constant(2));
        if (packet_.inet && step.k == packet_.network) {
            state.x.meaning = FlowValue::Meaning::kTransport;
            state.x.taint = tainted_by(Taint::From::kHeaderLength).taint;
        }
        return true;
    }

    /// The `size` bytes at base + k, or nothing if the program ends here.
    std::optional<FlowValue> loaded_from(const State& state, const FlowValue& base, std::uint32_t k,
                                         std::uint32_t size) {
        const std::uint64_t first = std::uint64_t{base.smallest()} + k; // CF-22: sums do not wrap
        const std::uint64_t last = std::uint64_t{base.largest()} + k;
        if (first + size > Packet::kOffsetLimit) { // CF-23: no packet is as long
            return std::nullopt;
        }
        const Ports ports = ports_of(state.protocols);
        if (const std::optional<std::int64_t> behind = position_behind_header(base, k)) {
            return loaded_behind_header(*behind, size, ports);
        }
        if (last + size > packet_.certain + (ports == Ports::kAll ? kPortsLength : 0)) {
            return not_in_all(base, last, size, ports);
        }
        if (!base.is_constant()) {
            return tainted_by(Taint::From::kSomeByte);
        }
        FlowValue value = bytes_at(static_cast<std::uint32_t>(first), size);
        if (first == packet_.protocol_at && size == 1) {
            value.meaning = FlowValue::Meaning::kProtocol;
        }
        return value;
    }

    /// How far behind the IPv4 header base + k is, if it moves with the header's end. At least 0.
    [[nodiscard]] std::optional<std::int64_t> position_behind_header(const FlowValue& base, std::uint32_t k) const {
        const std::int64_t delta = static_cast<std::int32_t>(base.delta);
        const std::int64_t behind = delta + k - packet_.network;
        const bool wraps = delta < -std::int64_t{kInetLength}; // of a header without options, below 0
        return base.meaning == FlowValue::Meaning::kTransport && !wraps && behind >= 0 ? std::optional(behind)
                                                                                       : std::nullopt;
    }

    [[nodiscard]] Ports ports_of(const Protocols& protocols) const {
        if ((protocols & with_ports_).none()) {
            return Ports::kNone;
        }
        return (protocols & ~with_ports_).none() ? Ports::kAll : Ports::kSome;
    }

    std::optional<FlowValue> loaded_behind_header(std::int64_t behind, std::uint32_t size, Ports ports) {
        if (ports == Ports::kAll && behind + size <= kPortsLength) {
            return size == 4 ? FlowValue{.known = 0} : FlowValue{.known = kAllBits << (8 * size)};
        }
        const std::int64_t byte = ports == Ports::kAll ? std::max<std::int64_t>(behind, kPortsLength) : behind;
        const bool perhaps_port = ports == Ports::kSome && byte < kPortsLength;
        report(at_, "reads byte " + std::to_string(byte) + " behind the IPv4 header" +
                        (perhaps_port ? kPerhapsNoPort : kNotOfFlow));
        return std::nullopt;
    }

    /// Reports a load that is inside of some packets of a flow only. => `last` is where it may start at most.
    std::optional<FlowValue> not_in_all(const FlowValue& base, std::uint64_t last, std::uint32_t size, Ports ports) {
        if (base.is_tainted()) {
            report(base);
        } else if (!base.is_constant()) {
            report(at_, "reads at an offset that it computes, perhaps outside of the packet");
        } else {
            const std::uint32_t ports_end = packet_.certain + kPortsLength;
            const std::uint64_t byte =
                std::max<std::uint64_t>(last, ports == Ports::kAll ? ports_end : packet_.certain);
            const bool perhaps_port = !packet_.inet && ports == Ports::kSome && last + size <= ports_end;
            report(at_, "reads byte " + std::to_string(byte) + (perhaps_port ? kPerhapsNoPort : kNotInAll));
        }
        return std::nullopt;
    }

    /// => they are in `packet_.bytes`.
    [[nodiscard]] FlowValue bytes_at(std::uint32_t offset, std::uint32_t size) const {
        FlowValue value{.known = 0};
        for (std::uint32_t byte = 0; byte < size; ++byte) {
            const FlowByte& next = packet_.bytes[offset + byte];
            value.known = value.known << 8U | next.known;
            value.bits = value.bits << 8U | next.bits;
            value.tainted = value.tainted << 8U | next.tainted;
        }
        if (size < 4) {
            value.known |= kAllBits << (8 * size);
        }
        value.taint = {Taint::From::kByte, true, static_cast<std::uint16_t>(at_), offset + size - 1};
        return value;
    }

    [[nodiscard]] FlowValue tainted_by(Taint::From from) const {
        return {
            .known = 0, .tainted = kAllBits, .taint = {.from = from, .instruction = static_cast<std::uint16_t>(at_)}};
    }

    /// Hands the state on to the instruction that is `skipped` behind the next one.
    void arrive(std::uint32_t skipped, const State& state) {
        std::optional<State>& target = before_[at_ + 1 + skipped];
        if (target) {
            join(*target, state);
        } else {
            target = state;
        }
    }

    /// The result depends on `value`, which is tainted.
    void report(const FlowValue& value) {
        const Taint taint = value.exact_taint();
        switch (taint.from) {
        case Taint::From::kByte:
            report(taint.instruction, "reads byte " + std::to_string(taint.byte) + " (" +
                                          packet_.bytes[taint.byte].name + ")" + kNotOfFlow);
            break;
        case Taint::From::kSomeByte:
            report(taint.instruction, "reads at an offset that it computes");
            break;
        case Taint::From::kPacketLength:
            report(taint.instruction, "uses the packet length");
            break;
        case Taint::From::kHeaderLength:
            report(taint.instruction, "uses the length of the IPv4 header as a number");
            break;
        }
    }

    void report(std::size_t instruction, std::string why) {
        if (*packet_.name != '\0') {
            why.append(", in ").append(packet_.name);
        }
        found_ = PerPacket{instruction, std::move(why)};
    }

    static constexpr const char* kNotOfFlow = ", which is not part of the flow";
    static constexpr const char* kNotInAll = ", which not every packet of the flow has";
    static constexpr const char* kPerhapsNoPort = " without knowing that it is of a port";

    std::span<const Step> steps_;
    const FlowPacket& packet_;
    Protocols with_ports_ = protocols_with_ports();
    std::vector<std::optional<State>> before_; ///< by instruction; empty where no path leads
    std::size_t at_ = 0;                       ///< the instruction that is run
    std::optional<PerPacket> found_;
};

} // namespace

std::optional<PerPacket> why_per_packet(const Program& program, PacketForm form) {
    for (const FlowPacket& packet : flow_packets_of(form)) {
        if (std::optional<PerPacket> found = Pass(program.steps(), packet).run()) {
            return found;
        }
    }
    return std::nullopt;
}

} // namespace pfild::cbpf
