// SPDX-License-Identifier: BSD-2-Clause
// libbpf 1.1 does not know TCX, but its calls for cgroup programs make the same system calls with an ifindex for a
// target.
#include "daemon/kernel/tcx.h"

#include <cerrno>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel::tcx {
namespace {

// linux/bpf.h, kernel 6.6
constexpr auto kIngress = static_cast<bpf_attach_type>(46);
constexpr auto kEgress = static_cast<bpf_attach_type>(47);
constexpr unsigned kFlagBefore = 1U << 3U; // without another program named: before all

constexpr std::uint32_t kMostPrograms = 64; // the kernel's own limit for a list

bpf_attach_type type_of(core::Direction direction) { return direction == core::Direction::kIn ? kIngress : kEgress; }

core::Result<void> attach(std::uint32_t ifindex, core::Direction direction, int program_fd, unsigned flags,
                          int old_fd) {
    struct bpf_prog_attach_opts options {};
    options.sz = sizeof(options);
    options.flags = flags;
    options.replace_prog_fd = old_fd;
    if (bpf_prog_attach_opts(program_fd, static_cast<int>(ifindex), type_of(direction), &options) != 0) {
        return sys::failed("attach", "a program by TCX", errno);
    }
    return {};
}

} // namespace

bool supported(std::uint32_t ifindex) {
    std::uint32_t count = 0;
    std::uint32_t flags = 0;
    return bpf_prog_query(static_cast<int>(ifindex), kIngress, 0, &flags, nullptr, &count) == 0 || errno == ENODEV;
}

std::vector<std::uint32_t> list(std::uint32_t ifindex, core::Direction direction) {
    std::vector<std::uint32_t> programs(kMostPrograms);
    std::uint32_t count = kMostPrograms;
    std::uint32_t flags = 0;
    if (bpf_prog_query(static_cast<int>(ifindex), type_of(direction), 0, &flags, programs.data(), &count) != 0) {
        return {};
    }
    programs.resize(count);
    return programs;
}

core::Result<void> attach_first(std::uint32_t ifindex, core::Direction direction, int program_fd) {
    return attach(ifindex, direction, program_fd, kFlagBefore, 0);
}

core::Result<void> replace(std::uint32_t ifindex, core::Direction direction, int program_fd, int old_fd) {
    return attach(ifindex, direction, program_fd, BPF_F_REPLACE, old_fd);
}

void detach(std::uint32_t ifindex, core::Direction direction, std::uint32_t program) {
    if (const sys::Fd fd(bpf_prog_get_fd_by_id(program)); fd) {
        (void)bpf_prog_detach2(fd.get(), static_cast<int>(ifindex), type_of(direction));
    }
}

} // namespace pfild::kernel::tcx
