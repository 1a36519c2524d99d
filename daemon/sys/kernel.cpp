// SPDX-License-Identifier: BSD-2-Clause
// uname(2) and setrlimit(2) behind daemon/sys/kernel.h.
#include "daemon/sys/kernel.h"

#include <cerrno>
#include <charconv>

#include <sys/resource.h>
#include <sys/utsname.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

/// Takes a number off the front of `text`; nullopt if there is none or it is too large.
std::optional<unsigned> take_number(std::string_view& text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

bool take_dot(std::string_view& text) {
    if (!text.starts_with('.')) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

} // namespace

std::string kernel_release() {
    utsname names{};
    return ::uname(&names) == 0 ? std::string(static_cast<const char*>(names.release)) : std::string();
}

std::optional<KernelVersion> parse_kernel_version(std::string_view release) {
    const auto major_number = take_number(release);
    if (!major_number || !take_dot(release)) {
        return std::nullopt;
    }
    const auto minor_number = take_number(release);
    if (!minor_number) {
        return std::nullopt;
    }
    const auto patch = take_dot(release) ? take_number(release) : std::nullopt;
    return KernelVersion{*major_number, *minor_number, patch.value_or(0)};
}

core::Result<void> require_kernel() {
    const std::string release = kernel_release();
    const auto version = parse_kernel_version(release);
    if (!version || *version < kOldestKernel) {
        return core::fail({"start", "pfild", "Linux " + release + " is too old", "6.1 or newer is needed", ENOSYS});
    }
    return {};
}

void raise_memlock_limit() noexcept {
    rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) == 0 || ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_MEMLOCK, &limit);
}

} // namespace pfild::sys
