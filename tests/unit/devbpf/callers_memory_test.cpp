// SPDX-License-Identifier: BSD-2-Clause
// Memory of a program, which is this one: what is there is copied, everything else is EFAULT.
#include "devbpf/callers_memory.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pfild::devbpf {
namespace {

Caller self() { return {.pid = ::gettid(), .uid = ::geteuid(), .gid = ::getegid()}; }

std::uint64_t address_of(const void* place) { return reinterpret_cast<std::uint64_t>(place); }

/// A page, and behind it one that is not there.
class Page {
  public:
    Page() {
        EXPECT_NE(place_, MAP_FAILED);
        EXPECT_EQ(::munmap(bytes() + kSize, kSize), 0);
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    ~Page() { ::munmap(place_, kSize); }
    [[nodiscard]] std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(place_); }
    void make_read_only() const { EXPECT_EQ(::mprotect(place_, kSize, PROT_READ), 0); }

    static constexpr std::size_t kSize = 4096;

  private:
    void* place_ = ::mmap(nullptr, 2 * kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
};

TEST(CallersMemory, is_read_and_written_where_the_pointer_leads) {
    const Page page;
    page.bytes()[7] = 42;
    std::array<std::uint8_t, 8> read{};
    ASSERT_TRUE(read_memory(self(), address_of(page.bytes()), read));
    EXPECT_EQ(read[7], 42);
    ASSERT_TRUE(write_memory(self(), address_of(page.bytes() + Page::kSize - 8), read));
    EXPECT_EQ(page.bytes()[Page::kSize - 1], 42);
}

TEST(CallersMemory, a_wrong_pointer_is_EFAULT) {
    const Page page;
    std::array<std::uint8_t, 8> some{};
    for (const std::uint64_t address :
         {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, std::uint64_t{1} << 63U,
          address_of(page.bytes() + Page::kSize), address_of(page.bytes() + Page::kSize - 7)}) {
        const auto read = read_memory(self(), address, some);
        EXPECT_EQ(read ? 0 : read.error().code, EFAULT) << address;
        const auto written = write_memory(self(), address, some);
        EXPECT_EQ(written ? 0 : written.error().code, EFAULT) << address;
    }
}

TEST(CallersMemory, what_the_program_cannot_write_is_not_written) {
    const Page page;
    page.make_read_only();
    const std::array<std::uint8_t, 4> some{1, 2, 3, 4};
    const auto written = write_memory(self(), address_of(page.bytes()), some);
    EXPECT_EQ(written ? 0 : written.error().code, EFAULT);
    EXPECT_EQ(page.bytes()[0], 0);
}

TEST(CallersMemory, of_who_is_not_seen_or_is_somebody_else_is_EFAULT) {
    const Page page;
    std::array<std::uint8_t, 4> some{};
    Caller none = self();
    none.pid = 0;
    Caller other_user = self();
    other_user.uid += 1;
    Caller other_group = self();
    other_group.gid += 1;
    Caller nobody = self();
    nobody.pid = 0x7fffffff;
    for (const Caller& caller : {none, other_user, other_group, nobody}) {
        const auto read = read_memory(caller, address_of(page.bytes()), some);
        EXPECT_EQ(read ? 0 : read.error().code, EFAULT);
    }
    EXPECT_NE(read_memory(none, 0, some).error().line().find("namespace"), std::string::npos);
}

} // namespace
} // namespace pfild::devbpf
