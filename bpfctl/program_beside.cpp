// SPDX-License-Identifier: BSD-2-Clause
// See program_beside.h.
#include "bpfctl/program_beside.h"

#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace pfild::bpfctl {

std::string program_beside(std::string_view name) {
    std::error_code ignored; // then by PATH
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const std::string beside = self.parent_path() / name;
    return ::access(beside.c_str(), X_OK) == 0 ? beside : std::string(name);
}

} // namespace pfild::bpfctl
