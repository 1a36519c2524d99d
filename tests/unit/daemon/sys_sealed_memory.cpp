// SPDX-License-Identifier: BSD-2-Clause
// Which memory of a peer is read, and which is not touched.
#include "daemon/sys/sealed_memory.h"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pfild::sys {
namespace {

constexpr int kAll = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

Fd memory(const std::string& content, int seals) {
    Fd fd(::memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    return fd;
}

TEST(SealedMemory, is_read_from_its_beginning_wherever_the_peer_has_left_the_offset) {
    const std::string content(100'000, 'x');
    const Fd fd = memory(content, kAll);
    EXPECT_EQ(read_sealed(fd, content.size()).value(), content);
    EXPECT_EQ(read_sealed(fd, content.size()).value(), content) << "and its offset is not moved";
    EXPECT_EQ(read_sealed(memory("", kAll), 0).value(), "");
}

TEST(SealedMemory, is_refused_without_one_of_the_four_seals) {
    for (const int missing : {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL, kAll}) {
        EXPECT_EQ(read_sealed(memory("{}", kAll & ~missing), 100).error().code, EINVAL) << missing;
    }
    EXPECT_EQ(
        read_sealed(memory("{}", F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 100).error().code,
        EINVAL)
        << "who has it mapped could still write";
}

TEST(SealedMemory, is_refused_when_it_has_a_byte_more_than_the_verb_takes) {
    const auto refused = read_sealed(memory("12345", kAll), 4);
    EXPECT_EQ(refused.error().code, EMSGSIZE);
    EXPECT_EQ(refused.error().why, "it has 5 bytes, the verb takes 4");
}

TEST(SealedMemory, is_no_pipe_no_file_and_nothing) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const Fd reads(ends[0]);
    const Fd writes(ends[1]);
    EXPECT_EQ(read_sealed(reads, 100).error().code, EINVAL);
    EXPECT_EQ(read_sealed(Fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), 100).error().code, EINVAL);
    EXPECT_EQ(read_sealed(Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC)), 100).error().code, EINVAL);
    EXPECT_EQ(read_sealed(Fd(), 100).error().code, EINVAL);
}

} // namespace
} // namespace pfild::sys
