// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/chain.h"

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/kernel/lowered_program.h"
#include "daemon/sys/failure.h"
#include "pfild/chain.h"

namespace pfild::kernel {
namespace {

constexpr const char* kChainName = "pfild_chain";

} // namespace

core::Result<std::unique_ptr<Chain>> Chain::load(const Programs& programs, std::span<const ebpf::Instruction> code,
                                                 ebpf::Place place, std::size_t hooks) {
    const auto size = static_cast<__u32>(hooks * sizeof(pfild_chain_hook));
    sys::Fd counts(bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, kChainName, sizeof(__u32), size, 1, nullptr));
    if (!counts) {
        return sys::failed("make", "the counters of hooks for the kernel", errno);
    }
    auto program = kernel::load({.name = kChainName, .code = code, .place = place, .map = counts.get()},
                                [&](int program_fd) { return programs.takes_chain(place, program_fd); });
    if (!program) {
        core::Error& error = program.error();
        return core::fail({"load", "hooks for the kernel", std::move(error.why), "they run in the engine", error.code});
    }
    return std::unique_ptr<Chain>(new Chain(*std::move(program), std::move(counts), hooks));
}

std::vector<core::HookTally> Chain::tallies() const {
    std::vector<core::HookTally> sums(hooks_);
    const auto processors = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::vector<pfild_chain_hook> all(hooks_ * processors);
    const __u32 zero = 0;
    if (bpf_map_lookup_elem(counts_.get(), &zero, all.data()) != 0) {
        return sums;
    }
    for (std::size_t at = 0; at < all.size(); at++) {
        const pfild_chain_hook& one = all[at];
        sums[at % hooks_] += {.seen_packets = one.seen_packets,
                              .seen_bytes = one.seen_bytes,
                              .matched_packets = one.matched_packets,
                              .matched_bytes = one.matched_bytes,
                              .dropped_packets = one.dropped_packets,
                              .dropped_bytes = one.dropped_bytes};
    }
    return sums;
}

std::optional<std::vector<std::uint32_t>> Chain::ns_of(std::span<const std::vector<std::uint8_t>> frames) const {
    constexpr int kTimes = 500;
    std::vector<std::uint32_t> all;
    for (const std::vector<std::uint8_t>& frame : frames) {
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<__u32>(frame.size()), .repeat = kTimes);
        if (bpf_prog_test_run_opts(program_.get(), &options) != 0) {
            return std::nullopt;
        }
        all.push_back(options.duration); // of one
    }
    return all;
}

// The kernel waits for an RCU grace period, which no program of XDP or TC reaches over.
void await_programs() noexcept {
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) {
        return;
    }
    // Refused where processors run without a tick (nohz_full). No packet takes as long as this.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

} // namespace pfild::kernel
