// SPDX-License-Identifier: BSD-2-Clause
// See program_beside.h.
#include "bpfctl/program_beside.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace pfild::bpfctl {

std::string program_beside(std::string_view name) {
    std::error_code ignored; // then by PATH
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    std::vector<std::filesystem::path> places{folder};
    if (folder.filename() == "bpfctl") { // a build, where each program has a folder of its own
        places.push_back(folder.parent_path() / "daemon");
        places.push_back(folder.parent_path() / "devbpf");
    }
    for (const auto& place : places) {
        if (std::string path = place / name; ::access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return std::string(name);
}

} // namespace pfild::bpfctl
