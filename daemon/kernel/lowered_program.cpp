// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/lowered_program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bpf/bpf.h>

#include "daemon/sys/failure.h"

namespace pfild::kernel {
namespace {

constexpr const char* kLicense = "Dual BSD/GPL"; // as of the heads
constexpr std::size_t kLogBytes = 1U << 20U;

static_assert(sizeof(bpf_insn) == sizeof(ebpf::Instruction));

/// Instructions that load the address of a map say which in their number.
std::vector<bpf_insn> with_map(const LoweredProgram& program) {
    const auto* first = reinterpret_cast<const bpf_insn*>(program.code.data());
    std::vector<bpf_insn> code(first, first + program.code.size());
    for (bpf_insn& instruction : code) {
        if (instruction.code == (BPF_LD | BPF_IMM | BPF_DW) && instruction.src_reg == BPF_PSEUDO_MAP_FD) {
            instruction.imm = program.map.value_or(-1);
        }
    }
    return code;
}

/// Its last words before the statistics.
std::string reason_in(std::string_view log) {
    std::string reason;
    while (!log.empty()) {
        const std::size_t end = std::min(log.find('\n'), log.size());
        const std::string_view line = log.substr(0, end);
        if (!line.empty() && !line.starts_with("processed ")) {
            reason = line;
        }
        log.remove_prefix(std::min(end + 1, log.size()));
    }
    return reason;
}

struct Manner {
    std::uint32_t flags;
    bpf_attach_type attach_type;
};
constexpr auto kNoAttachType = static_cast<bpf_attach_type>(0);
constexpr std::array<Manner, 1> kTcManners{{{0, kNoAttachType}}};
constexpr std::array<Manner, 4> kXdpManners{
    {{BPF_F_XDP_HAS_FRAGS, BPF_XDP}, {0, BPF_XDP}, {BPF_F_XDP_HAS_FRAGS, kNoAttachType}, {0, kNoAttachType}}};

std::span<const Manner> manners_of(ebpf::Place place) {
    return place == ebpf::Place::kXdp ? std::span<const Manner>(kXdpManners) : kTcManners;
}

core::Result<sys::Fd> load_in(const Manner& manner, const LoweredProgram& program, const std::vector<bpf_insn>& code) {
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.prog_flags = manner.flags;
    options.expected_attach_type = manner.attach_type;
    const auto attempt = [&] {
        const bpf_prog_type type = program.place == ebpf::Place::kXdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
        return sys::Fd(bpf_prog_load(type, program.name, kLicense, code.data(), code.size(), &options));
    };
    sys::Fd loaded = attempt();
    if (loaded) {
        return loaded;
    }
    const int error = errno;
    const auto refused = [&](const std::string& reason) {
        return core::fail({"load", program.name,
                           "the kernel's verifier refuses it: " + (reason.empty() ? sys::errno_text(error) : reason),
                           "", error});
    };
    if (!program.in_words) {
        return refused({});
    }
    std::vector<char> log(kLogBytes);
    options.log_buf = log.data();
    options.log_size = static_cast<__u32>(log.size());
    options.log_level = 1;
    if (sys::Fd again = attempt(); again) { // there was no memory, for a moment
        return again;
    }
    return refused(errno == ENOSPC ? std::string() : reason_in(log.data()));
}

} // namespace

core::Result<sys::Fd> load(const LoweredProgram& program, const std::function<bool(int fd)>& is_taken) {
    const std::vector<bpf_insn> code = with_map(program);
    for (const Manner& manner : manners_of(program.place)) {
        auto loaded = load_in(manner, program, code);
        if (!loaded || is_taken(loaded->get())) {
            return loaded;
        }
    }
    return core::fail({"load", program.name,
                       "this kernel lets the " + std::string(ebpf::name(program.place)) + " head call no other program",
                       "", EOPNOTSUPP});
}

} // namespace pfild::kernel
