// SPDX-License-Identifier: BSD-2-Clause
// See command_name.h.
#include "bpfctl/command_name.h"

#include <fstream>

#include "bpfctl/fields.h"

namespace pfild::bpfctl {

std::string command_name(std::uint64_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    return std::getline(file, name) && !name.empty() ? printable(name) : "?";
}

} // namespace pfild::bpfctl
