// SPDX-License-Identifier: BSD-2-Clause
// libpcap and the kernel against the interpreter, where the contract says that they agree.
#include <algorithm>

#include <pcap/pcap.h>

#include "cbpf/interpret.h"
#include "tests/oracle/kernel_judge.h"
#include "tests/oracle/proof/judge.h"

namespace pfild::tests {
namespace {

/// Follows every run; lets a subclass ask somebody else about those that are seen alike there.
class ForeignJudge : public Judge {
  public:
    [[nodiscard]] std::optional<std::string> differs(const Round& round, Tally& tally) override {
        if (!takes(round.code())) {
            ++tally.refused;
            return std::nullopt;
        }
        for (std::size_t index = 0; index < Round::kPackets; ++index) {
            const std::uint32_t wire_length = wire_length_of(round, index);
            follow(round.code(), round.bytes(index), wire_length, trace_);
            if (sees_otherwise(trace_.ending(round.code()))) {
                ++tally.apart;
                continue;
            }
            const std::uint32_t ours = interpret(round.program(), cbpf::Packet(round.bytes(index), wire_length));
            if (ours != trace_.result) {
                return "packet " + std::to_string(index) + ": the reference machine";
            }
            if (!agrees(ours, round.bytes(index), wire_length)) {
                return "packet " + std::to_string(index) + ": ours is " + std::to_string(ours);
            }
            ++tally.pairs;
            tally.nonzero += ours != 0 ? 1 : 0;
            tally.coverage.note_packet(round.bytes(index), {});
            tally.coverage.note_run(round.code(), trace_);
        }
        return std::nullopt;
    }

  private:
    [[nodiscard]] virtual bool takes(const std::vector<cbpf::Instruction>& code) = 0;
    [[nodiscard]] virtual bool sees_otherwise(Ending ending) const = 0;
    [[nodiscard]] virtual std::uint32_t wire_length_of(const Round& round, std::size_t index) const = 0;
    [[nodiscard]] virtual bool agrees(std::uint32_t ours, std::span<const std::uint8_t> bytes,
                                      std::uint32_t wire_length) = 0;

    Trace trace_;
};

class LibpcapJudge : public ForeignJudge {
  public:
    [[nodiscard]] std::vector<std::string_view> out_of_reach() const override {
        return {"end lsh x", "end rsh x", "packet several pieces", "packet an empty piece", "guard"};
    }

  private:
    bool takes(const std::vector<cbpf::Instruction>& code) override {
        code_.clear();
        for (const cbpf::Instruction& row : code) {
            code_.push_back({row.code, row.jt, row.jf, row.k});
        }
        return true;
    }
    [[nodiscard]] bool sees_otherwise(Ending ending) const override {
        return ending == Ending::kLeftShift || ending == Ending::kRightShift;
    }
    [[nodiscard]] std::uint32_t wire_length_of(const Round& round, std::size_t index) const override {
        return round.packets()[index].wire_length();
    }
    bool agrees(std::uint32_t ours, std::span<const std::uint8_t> bytes, std::uint32_t wire_length) override {
        return bpf_filter(code_.data(), bytes.data(), wire_length, static_cast<u_int>(bytes.size())) == ours;
    }

    std::vector<bpf_insn> code_;
};

/// What arrives tells min(result, length of the packet), and the filter folds A into a byte.
class LinuxJudge : public ForeignJudge {
  public:
    explicit LinuxJudge(KernelJudge kernel) : kernel_(std::move(kernel)) {}

    [[nodiscard]] Scope scope() const override { return Scope::kLinux; }
    [[nodiscard]] std::vector<std::string_view> out_of_reach() const override {
        return {"end lsh x",       "end rsh x", "end x+k beyond",
                "end beyond",      "end ret k", "opcode ret k",
                "program 1 instr", " last",     "packet several pieces",
                "/last",           "guard",     "packet an empty piece"};
    }

  private:
    bool takes(const std::vector<cbpf::Instruction>& code) override { return kernel_.accepts(code); }
    [[nodiscard]] bool sees_otherwise(Ending ending) const override {
        return ending == Ending::kLeftShift || ending == Ending::kRightShift || ending == Ending::kIndexed;
    }
    [[nodiscard]] std::uint32_t wire_length_of(const Round& round, std::size_t index) const override {
        return static_cast<std::uint32_t>(round.bytes(index).size());
    }
    bool agrees(std::uint32_t ours, std::span<const std::uint8_t> bytes, std::uint32_t /*wire_length*/) override {
        return kernel_.delivered(bytes) == static_cast<std::int64_t>(std::min<std::uint64_t>(ours, bytes.size()));
    }

    KernelJudge kernel_;
};

} // namespace

MaybeJudge libpcap_judge() { return std::make_unique<LibpcapJudge>(); }

MaybeJudge kernel_judge() {
    return KernelJudge::open().map(
        [](KernelJudge&& kernel) -> std::unique_ptr<Judge> { return std::make_unique<LinuxJudge>(std::move(kernel)); });
}

} // namespace pfild::tests
