// SPDX-License-Identifier: BSD-2-Clause
// See rights.h.
#include "devbpf/rights.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pfild::devbpf {

core::Result<void> give_up_rights(bool keep_ptrace) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    bool done = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(SYS_capget, &header, sets.data()) == 0;
    const __u32 kept = keep_ptrace ? CAP_TO_MASK(CAP_SYS_PTRACE) & sets[0].permitted : 0;
    sets = {__user_cap_data_struct{.effective = kept, .permitted = kept, .inheritable = 0}};
    done = done && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
           ::syscall(SYS_capset, &header, sets.data()) == 0;
    if (!done) {
        const int code = errno;
        return core::fail({"give up", "capabilities", std::strerror(code), "", code}); // NOLINT(concurrency-mt-unsafe)
    }
    return {};
}

} // namespace pfild::devbpf
