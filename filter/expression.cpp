// SPDX-License-Identifier: BSD-2-Clause
// See expression.h. The only file that calls libpcap's compiler.
#include "filter/expression.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include <pcap/pcap.h>

#include "filter/numeric_names.h"

namespace pfild::filter {
namespace {

struct CloseHandle {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, CloseHandle>;

/// libpcap's program, freed by libpcap.
class PcapProgram {
  public:
    PcapProgram() = default;
    PcapProgram(const PcapProgram&) = delete;
    PcapProgram& operator=(const PcapProgram&) = delete;
    ~PcapProgram() { pcap_freecode(&program_); }

    [[nodiscard]] bpf_program* get() noexcept { return &program_; }

    [[nodiscard]] std::vector<cbpf::Instruction> instructions() const {
        std::vector<cbpf::Instruction> copied;
        copied.reserve(program_.bf_len);
        for (u_int i = 0; i < program_.bf_len; ++i) {
            const bpf_insn& in = program_.bf_insns[i]; // NOLINT(cppcoreguidelines-pro-bounds-pointer-arithmetic)
            copied.push_back({in.code, in.jt, in.jf, in.k});
        }
        return copied;
    }

  private:
    bpf_program program_{};
};

tl::unexpected<core::Error> refuse(const std::string& expression, std::string why, std::string advice) {
    std::replace_if(
        why.begin(), why.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return core::fail({.what = "filter",
                       .object = '\'' + expression + '\'',
                       .why = std::move(why),
                       .advice = std::move(advice),
                       .code = EINVAL});
}

/// The advice that belongs to a message of libpcap, as far as there is any.
std::string advice_for(std::string_view message, Names names) {
    const auto begins = [message](std::string_view start) { return message.substr(0, start.size()) == start; };
    if (names == Names::kNumeric &&
        (begins("unknown host") || begins("unknown network") || begins("unknown ether host"))) {
        return "names are not looked up: write the address, or add --resolve";
    }
    if (begins("ethernet addresses supported only") || begins("no VLAN support") || begins("no MPLS support") ||
        begins("link-layer")) {
        return "only hooks of --type ethernet see the link header";
    }
    if (begins("netmask not known")) {
        return "write the address, as in `ip dst host 192.0.2.255`; only a capture knows the netmask of its interface";
    }
    if (begins("expression rejects all packets")) {
        return "no packet can match it";
    }
    return "see pcap-filter(7)";
}

/// The offset of a load beyond any packet, which on Linux means "ask the kernel" and here "never matches" (CF-23).
std::optional<std::uint32_t> offset_outside_packets(const std::vector<cbpf::Instruction>& program) {
    constexpr std::uint16_t kClassAndMode = 0xe7; // all of a code but the size of the load
    constexpr std::uint16_t kLoadAbsolute = 0x20;
    constexpr std::uint32_t kFirstOutside = 0x80000000;
    for (const cbpf::Instruction& in : program) {
        if ((in.code & kClassAndMode) == kLoadAbsolute && in.k >= kFirstOutside) {
            return in.k;
        }
    }
    return std::nullopt;
}

} // namespace

core::Result<std::vector<cbpf::Instruction>> compile(const std::string& expression, LinkType link_type, Names names,
                                                     int snap_length, Optimiser optimiser,
                                                     std::optional<std::uint32_t> netmask) {
    if (expression.find_first_not_of(" \t\r\n") == std::string::npos) {
        return refuse(expression, "the expression is empty", "to match every packet write 'greater 0'");
    }
    if (expression.find('\0') != std::string::npos) {
        return refuse(expression.substr(0, expression.find('\0')), "a zero byte is inside the expression",
                      "see pcap-filter(7)");
    }
    std::optional<NumericNames> numeric;
    if (names == Names::kNumeric) {
        numeric.emplace();
        if (!NumericNames::in_force()) {
            return refuse(expression, "this build cannot keep libpcap from looking names up",
                          "compile elsewhere with `tcpdump -n -ddd` and use --bytecode, or add --resolve");
        }
    }
    const Handle handle(pcap_open_dead(link_type.number, snap_length));
    if (!handle) {
        return core::fail({"filter", '\'' + expression + '\'', "out of memory", "", ENOMEM});
    }
    PcapProgram compiled;
    const int optimise = optimiser == Optimiser::kOn ? 1 : 0;
    if (pcap_compile(handle.get(), compiled.get(), expression.c_str(), optimise,
                     netmask.value_or(PCAP_NETMASK_UNKNOWN)) != 0) {
        const std::string message = pcap_geterr(handle.get());
        return refuse(expression, message, advice_for(message, names));
    }
    std::vector<cbpf::Instruction> program = compiled.instructions();
    if (const auto offset = offset_outside_packets(program)) {
        return refuse(expression,
                      "it asks for something that is not in the packet (offset " + std::to_string(*offset) + ')',
                      "`inbound`, `outbound` and `ifindex` work on capture sockets only: "
                      "link the hook to a direction and to an interface's head instead");
    }
    return program;
}

std::string advice_on(const cbpf::Rejection& rejection, std::string shorter) {
    switch (rejection.rule) {
    case cbpf::Rule::kLength:
        return shorter;
    case cbpf::Rule::kJump:
        return "libpcap makes a loop of `protochain`, and a program has none: say where the protocol is, as in `ip6[6] "
               "= 6`";
    default:
        return "`bpfctl filter show` lists it";
    }
}

} // namespace pfild::filter
