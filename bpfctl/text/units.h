// SPDX-License-Identifier: BSD-2-Clause
// Quantities as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pfild::bpfctl {

/// "512 B", "4 KiB", "1.5 MiB": whole where it is whole, else rounded down to one decimal.
[[nodiscard]] std::string bytes(std::uint64_t count);

/// "42 s", "2 min 5 s", "3 h 4 min", "2 d 3 h": the two largest units.
[[nodiscard]] std::string duration(std::uint64_t seconds);

/// "1 packet", "2 packets".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

} // namespace pfild::bpfctl
