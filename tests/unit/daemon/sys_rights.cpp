// SPDX-License-Identifier: BSD-2-Clause
// What is asked before the daemon touches anything: rights and kernel version.
#include <cerrno>
#include <thread>

#include <gtest/gtest.h>
#include <sys/capability.h>

#include "daemon/sys/capabilities.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/kernel.h"

namespace pfild::sys {
namespace {

TEST(Capabilities, an_error_names_every_missing_one_and_what_it_is_for) {
    EXPECT_TRUE(refuse_missing({}));
    const auto needed = needed_capabilities();
    const std::array missing{needed[1], needed[4]};
    const auto refused = refuse_missing(missing);
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().line(),
        "start pfild: missing CAP_NET_ADMIN to attach to interfaces and make port pairs, CAP_SYS_ADMIN to make and "
        "enter network namespaces (run it as root, or give it these capabilities)");
    EXPECT_EQ(refused.error().code, EPERM);
}

TEST(Capabilities, a_thread_that_has_dropped_all_misses_all_in_order) {
    std::thread([] {
        cap_t none = cap_init();
        ASSERT_EQ(cap_set_proc(none), 0);
        cap_free(none);
        const auto missing = missing_capabilities();
        ASSERT_TRUE(missing);
        ASSERT_EQ(missing->size(), needed_capabilities().size());
        EXPECT_EQ(missing->front().name, "CAP_BPF");
        EXPECT_EQ(missing->back().name, "CAP_SYS_ADMIN");
        EXPECT_FALSE(require_capabilities());
    }).join();
}

TEST(Kernel, versions_are_read_and_compared) {
    EXPECT_EQ(parse_kernel_version("6.18.0"), (KernelVersion{6, 18, 0}));
    EXPECT_EQ(parse_kernel_version("6.1.0-18-cloud-amd64"), (KernelVersion{6, 1, 0}));
    EXPECT_EQ(parse_kernel_version("7.0-rc1"), (KernelVersion{7, 0, 0}));
    EXPECT_EQ(parse_kernel_version("6.18"), (KernelVersion{6, 18, 0}));
    for (const char* bad : {"", "6", "6.", "six.one", "-6.1", "99999999999.1"}) {
        EXPECT_FALSE(parse_kernel_version(bad)) << bad;
    }
    EXPECT_LT((KernelVersion{5, 19, 17}), kOldestKernel);
    EXPECT_LT((KernelVersion{6, 0, 99}), kOldestKernel);
    EXPECT_GE((KernelVersion{6, 1, 0}), kOldestKernel);
    EXPECT_GE((KernelVersion{6, 18, 0}), kOldestKernel);
}

TEST(Kernel, the_running_one_has_a_version) { EXPECT_TRUE(parse_kernel_version(kernel_release())); }

TEST(Failure, names_and_words_of_errno) {
    EXPECT_EQ(errno_name(EINVAL), "EINVAL");
    EXPECT_EQ(errno_name(9999), "E9999");
    EXPECT_EQ(errno_text(ENOENT), "no such file or directory");
    EXPECT_EQ(errno_text(9999), "error 9999");
    EXPECT_EQ(failed("open", "x", EACCES).value().line(), "open x: permission denied");
}

} // namespace
} // namespace pfild::sys
