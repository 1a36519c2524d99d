// SPDX-License-Identifier: BSD-2-Clause
// libbpf 1.1 does not know TCX, but its calls for cgroup programs make the same system calls with an ifindex for a
// target.
#include "daemon/kernel/tcx.h"

#include <array>
#include <cerrno>
#include <cstring>

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

bpf_attach_type type_of(core::Direction direction) { return direction == core::Direction::in ? kIngress : kEgress; }

/// The program called `name` in the list; none: not valid.
sys::Fd find(std::uint32_t ifindex, core::Direction direction, const char* name) {
    std::array<std::uint32_t, kMostPrograms> ids{};
    std::uint32_t count = ids.size();
    std::uint32_t flags = 0;
    if (bpf_prog_query(static_cast<int>(ifindex), type_of(direction), 0, &flags, ids.data(), &count) != 0) {
        return {};
    }
    for (std::uint32_t i = 0; i < count; i++) {
        sys::Fd program(bpf_prog_get_fd_by_id(ids[i]));
        bpf_prog_info info{};
        std::uint32_t size = sizeof(info);
        if (program && bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 &&
            std::strncmp(info.name, name, sizeof(info.name)) == 0) {
            return program;
        }
    }
    return {};
}

} // namespace

bool supported(std::uint32_t ifindex) {
    std::uint32_t count = 0;
    std::uint32_t flags = 0;
    return bpf_prog_query(static_cast<int>(ifindex), kIngress, 0, &flags, nullptr, &count) == 0;
}

core::Result<void> attach(std::uint32_t ifindex, core::Direction direction, int program_fd, const char* name) {
    const sys::Fd old = find(ifindex, direction, name);
    struct bpf_prog_attach_opts options {};
    options.sz = sizeof(options);
    options.flags = old ? static_cast<unsigned>(BPF_F_REPLACE) : kFlagBefore;
    options.replace_prog_fd = old ? old.get() : 0;
    if (bpf_prog_attach_opts(program_fd, static_cast<int>(ifindex), type_of(direction), &options) != 0) {
        return sys::failed("attach", name, errno);
    }
    return {};
}

bool present(std::uint32_t ifindex, core::Direction direction, const char* name) {
    return find(ifindex, direction, name).valid();
}

void detach(std::uint32_t ifindex, core::Direction direction, const char* name) {
    if (const sys::Fd program = find(ifindex, direction, name)) {
        (void)bpf_prog_detach2(program.get(), static_cast<int>(ifindex), type_of(direction));
    }
}

} // namespace pfild::kernel::tcx
