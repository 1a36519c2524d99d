// SPDX-License-Identifier: BSD-2-Clause
// Other programs of pfild that verbs start.
#pragma once

#include <string>
#include <string_view>

namespace pfild::bpfctl {

/// Where the program `name` is: beside this one, where a package puts all of them; in a build, its own folder; else its
/// name, for PATH.
[[nodiscard]] std::string program_beside(std::string_view name);

} // namespace pfild::bpfctl
