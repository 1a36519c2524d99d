// SPDX-License-Identifier: BSD-2-Clause
// One walk over the program, with what is known where each instruction is reached: the family of the packet, what A and
// what X came from. Jumps go forward, so all ways to an instruction have been walked before it.
#include "cbpf/lower/unfinished.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "cbpf/analysis/values.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kLinkHeader = 14;
constexpr std::uint32_t kTypeOffset = 12;
constexpr std::uint32_t kTypeInet = 0x0800;
constexpr std::uint32_t kTypeInet6 = 0x86dd;

enum class Family : std::uint8_t { kUnknown, kInet, kInet6 };
enum class Origin : std::uint8_t {
    kElsewhere,
    kType,            ///< the Ethernet type
    kFirstByte,       ///< of the IP header
    kVersion,         ///< its upper four bits, in place
    kTransportHeader, ///< the length of the IPv4 header: where the transport header begins
};

struct Known {
    Family family = Family::kUnknown;
    Origin a = Origin::kElsewhere;
    Origin x = Origin::kElsewhere;
};

Known common(const Known& left, const Known& right) {
    return {.family = left.family == right.family ? left.family : Family::kUnknown,
            .a = left.a == right.a ? left.a : Origin::kElsewhere,
            .x = left.x == right.x ? left.x : Origin::kElsewhere};
}

struct Finished {
    bool checksum;
    bool segments;
};
constexpr Finished kFinished{true, true};
constexpr Finished kButForSegments{true, false};
constexpr Finished kUnfinished{false, false};

bool is_one_of(std::uint32_t byte, std::initializer_list<std::uint32_t> bytes) {
    return std::find(bytes.begin(), bytes.end(), byte) != bytes.end();
}

/// Total length, identification, checksum.
Finished of_inet(std::uint32_t byte) {
    if (byte >= 20) {
        return kUnfinished; // an option, or behind the header: where the checksum is depends on the packet
    }
    return is_one_of(byte, {2, 3, 4, 5, 10, 11}) ? kButForSegments : kFinished;
}

/// Ports; then what may be a checksum of UDP (6) or SCTP (8 to 11); then the flags of TCP, whose checksum is behind
/// them (16).
Finished of_transport(std::uint32_t byte) {
    if (byte < 4) {
        return kFinished;
    }
    return byte < 6 || (byte >= 12 && byte < 16) ? kButForSegments : kUnfinished;
}

/// With an extension header, of 8 bytes and more, there may be a checksum from byte 54 on.
Finished of_inet6(std::uint32_t byte) {
    if (byte >= 40) {
        return byte >= 54 ? kUnfinished : of_transport(byte - 40);
    }
    return is_one_of(byte, {4, 5}) ? kButForSegments : kFinished;
}

class UnfinishedWalk {
  public:
    UnfinishedWalk(const Program& program, PacketForm form)
        : steps_(program.steps()), network_(form == PacketForm::kEthernet ? kLinkHeader : 0), before_(steps_.size()) {
        before_.front() = Known{.family = form == PacketForm::kInet    ? Family::kInet
                                          : form == PacketForm::kInet6 ? Family::kInet6
                                                                       : Family::kUnknown};
    }

    Unfinished run() {
        for (at_ = 0; at_ < steps_.size(); ++at_) {
            if (before_[at_]) {
                run(*before_[at_], steps_[at_]);
            }
        }
        return std::move(found_);
    }

  private:
    void run(Known known, const Step& step) {
        switch (step.opcode) {
        case Opcode::kLd:
        case Opcode::kLdh:
        case Opcode::kLdb:
            look_at(known, step.k, load_size_of(step.opcode));
            known.a = origin_of(known, step);
            break;
        case Opcode::kLdInd:
        case Opcode::kLdhInd:
        case Opcode::kLdbInd:
            look_behind_x(known, step.k, load_size_of(step.opcode));
            known.a = Origin::kElsewhere;
            break;
        case Opcode::kLdxMsh:
            look_at(known, step.k, 1);
            known.x =
                step.k == network_ && known.family == Family::kInet ? Origin::kTransportHeader : Origin::kElsewhere;
            break;
        case Opcode::kLdLen:
        case Opcode::kLdxLen:
            report(found_.segments, "uses the packet length", kOfSegments);
            (step.opcode == Opcode::kLdLen ? known.a : known.x) = Origin::kElsewhere;
            break;
        case Opcode::kLdxImm:
        case Opcode::kLdxMem:
        case Opcode::kTax:
            known.x = Origin::kElsewhere;
            break;
        case Opcode::kSt:
        case Opcode::kStx:
            break;
        case Opcode::kRetK:
        case Opcode::kRetA:
            return;
        case Opcode::kJa:
            arrive(step.k, known);
            return;
        case Opcode::kAndK:
            known.a = known.a == Origin::kFirstByte && step.k == 0xf0 ? Origin::kVersion : Origin::kElsewhere;
            break;
        default:
            if (is_branch(step.opcode)) {
                branch(known, step);
                return;
            }
            known.a = Origin::kElsewhere;
        }
        arrive(0, known);
    }

    static bool is_branch(Opcode opcode) {
        const Operand operand = info(opcode).operand;
        return operand == Operand::kBranch || operand == Operand::kBranchX;
    }
    [[nodiscard]] Origin origin_of(const Known& known, const Step& step) const {
        if (network_ == kLinkHeader && step.opcode == Opcode::kLdh && step.k == kTypeOffset) {
            return Origin::kType;
        }
        const bool first = known.family != Family::kUnknown && step.opcode == Opcode::kLdb && step.k == network_;
        return first ? Origin::kFirstByte : Origin::kElsewhere;
    }

    /// What libpcap makes of "port 53" without a link header asks for the version first, and a head knows it.
    void branch(const Known& known, const Step& step) {
        if (known.a == Origin::kVersion && step.opcode == Opcode::kJeqK) {
            const std::uint32_t version = known.family == Family::kInet ? 0x40 : 0x60;
            arrive(step.k == version ? step.jt : step.jf, known);
            return;
        }
        Known yes = known;
        if (known.a == Origin::kType && step.opcode == Opcode::kJeqK) {
            yes.family = step.k == kTypeInet ? Family::kInet : step.k == kTypeInet6 ? Family::kInet6 : Family::kUnknown;
        }
        arrive(step.jt, yes);
        arrive(step.jf, known);
    }

    void arrive(std::uint32_t skipped, const Known& known) {
        std::optional<Known>& target = before_[at_ + 1 + skipped];
        target = target ? common(*target, known) : known;
    }

    void look_at(const Known& known, std::uint32_t offset, std::uint32_t size) {
        for (std::uint32_t byte = offset; byte - offset < size; ++byte) {
            Finished finished = kUnfinished;
            if (byte < network_) {
                finished = kFinished;
            } else if (known.family == Family::kInet) {
                finished = of_inet(byte - network_);
            } else if (known.family == Family::kInet6) {
                finished = of_inet6(byte - network_);
            }
            note(finished, "reads byte " + std::to_string(byte));
        }
    }

    void look_behind_x(const Known& known, std::uint32_t offset, std::uint32_t size) {
        const bool of_header = known.x == Origin::kTransportHeader && offset >= network_;
        for (std::uint32_t byte = offset; byte - offset < size; ++byte) {
            note(of_header ? of_transport(byte - network_) : kUnfinished,
                 of_header ? "reads byte " + std::to_string(byte - network_) + " behind the IPv4 header"
                           : "reads at an offset that it computes");
        }
    }

    void note(Finished finished, const std::string& what) {
        if (!finished.checksum) {
            report(found_.checksum, what, ", where a checksum may be unfinished");
        }
        if (!finished.segments) {
            report(found_.segments, what, kOfSegments);
        }
    }

    void report(std::optional<UnfinishedRead>& where, const std::string& what, const char* which) const {
        if (!where) {
            where = UnfinishedRead{at_, what + which};
        }
    }

    static constexpr const char* kOfSegments = ", in which the segments of a packet differ that is not cut yet";

    std::span<const Step> steps_;
    std::uint32_t network_;                    ///< where the IP header is
    std::vector<std::optional<Known>> before_; ///< by instruction; empty where no path leads
    std::size_t at_ = 0;                       ///< the instruction that is run
    Unfinished found_;
};

} // namespace

Unfinished unfinished_of(const Program& program, PacketForm form) { return UnfinishedWalk(program, form).run(); }

} // namespace pfild::cbpf
