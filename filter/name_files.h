// SPDX-License-Identifier: BSD-2-Clause
// The two local tables of numbers: services(5) and protocols(5), read as plain files.
//
//     telnet   23/tcp   alias...   # comment            tcp   6   TCP   # comment
//
// The look-ups are pure functions over the text of the file; lines that are not understood are skipped, as every reader
// of these files does. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pfild::filter {

/// The port, in host byte order, of the service that has this name or alias and this protocol ("tcp"). An empty
/// protocol takes the first line with the name.
[[nodiscard]] std::optional<std::uint16_t> service_port(std::string_view services, std::string_view name,
                                                        std::string_view protocol);

/// The number of the protocol that has this name or alias.
[[nodiscard]] std::optional<int> protocol_number(std::string_view protocols, std::string_view name);

/// The whole file, at most 4 MiB of it; empty if it cannot be read.
[[nodiscard]] std::string read_name_file(const char* path);

} // namespace pfild::filter
