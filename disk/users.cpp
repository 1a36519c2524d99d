// SPDX-License-Identifier: BSD-2-Clause
// See disk/users.h.
#include "disk/users.h"

#include <array>
#include <cstdio>
#include <memory>

#include <pwd.h>

namespace pfild::disk {
namespace {

struct Close {
    void operator()(std::FILE* file) const { (void)std::fclose(file); } // NOLINT(cppcoreguidelines-owning-memory)
};

} // namespace

std::optional<std::uint32_t> user_named(const std::string& name) {
    constexpr std::size_t kLongestLine = 16384;
    const std::unique_ptr<std::FILE, Close> file(std::fopen("/etc/passwd", "re"));
    std::array<char, kLongestLine> line{};
    passwd entry{};
    passwd* found = nullptr;
    while (file && ::fgetpwent_r(file.get(), &entry, line.data(), line.size(), &found) == 0) {
        if (found->pw_name == name) {
            return found->pw_uid;
        }
    }
    return std::nullopt;
}

} // namespace pfild::disk
