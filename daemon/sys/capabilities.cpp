// SPDX-License-Identifier: BSD-2-Clause
// libcap behind daemon/sys/capabilities.h.
#include "daemon/sys/capabilities.h"

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include <sys/capability.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

constexpr std::array kNeeded{
    NeededCapability{"CAP_BPF", CAP_BPF, "to load programs and maps"},
    NeededCapability{"CAP_NET_ADMIN", CAP_NET_ADMIN, "to attach to interfaces and make port pairs"},
    NeededCapability{"CAP_NET_RAW", CAP_NET_RAW, "to open AF_XDP sockets"},
    NeededCapability{"CAP_IPC_LOCK", CAP_IPC_LOCK, "to lock packet buffers in memory"},
    NeededCapability{"CAP_SYS_ADMIN", CAP_SYS_ADMIN, "to make and enter network namespaces"},
};

struct CapFree {
    void operator()(cap_t capabilities) const noexcept { cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, CapFree>;

void set_ptrace_right(cap_flag_value_t value) noexcept {
    const Capabilities own(cap_get_proc());
    constexpr cap_value_t kPtrace = CAP_SYS_PTRACE;
    if (own && cap_set_flag(own.get(), CAP_EFFECTIVE, 1, &kPtrace, value) == 0) {
        (void)cap_set_proc(own.get()); // whoever may not have it goes without
    }
}

} // namespace

std::span<const NeededCapability> needed_capabilities() noexcept { return kNeeded; }

core::Result<std::vector<NeededCapability>> missing_capabilities() {
    const Capabilities own(cap_get_proc());
    if (!own) {
        return failed("read capabilities", "", errno);
    }
    std::vector<NeededCapability> missing;
    for (const NeededCapability& needed : kNeeded) {
        cap_flag_value_t value = CAP_CLEAR;
        if (cap_get_flag(own.get(), needed.number, CAP_EFFECTIVE, &value) != 0) {
            return failed("read capability", std::string(needed.name), errno);
        }
        if (value != CAP_SET) {
            missing.push_back(needed);
        }
    }
    return missing;
}

PtraceRight::PtraceRight() noexcept { set_ptrace_right(CAP_SET); }
PtraceRight::~PtraceRight() { set_ptrace_right(CAP_CLEAR); }
void lay_down_ptrace_right() noexcept { set_ptrace_right(CAP_CLEAR); }

core::Result<void> refuse_missing(std::span<const NeededCapability> missing) {
    if (missing.empty()) {
        return {};
    }
    std::string list;
    for (const NeededCapability& one : missing) {
        list += (list.empty() ? "" : ", ") + std::string(one.name) + ' ' + std::string(one.purpose);
    }
    return core::fail({"start", "pfild", "missing " + list, "run it as root, or give it these capabilities", EPERM});
}

core::Result<void> require_capabilities() {
    return missing_capabilities().and_then(
        [](const std::vector<NeededCapability>& missing) { return refuse_missing(missing); });
}

} // namespace pfild::sys
