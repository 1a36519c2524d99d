// SPDX-License-Identifier: BSD-2-Clause
// A captured packet as a line, for people where tcpdump(8) is not installed, and as JSON.
//
//     09:05:01.000000123 in  tcp 192.0.2.1:443 > 198.51.100.7:51034, length 60
#pragma once

#include <string>

#include "bpfctl/json.h"
#include "client/record_reader.h"
#include "filter/link_type.h"

namespace pfild::bpfctl {

/// Local time, direction, protocol, addresses, ports, bytes on the wire; with a newline. What is no complete IPv4 or
/// IPv6 header is shown by its Ethernet addresses, if it has them. `interface`: its name, for captures of
/// several; empty: it is not said. `with_link`: Ethernet addresses, too.
[[nodiscard]] std::string packet_line(const client::Record& packet, filter::LinkType link_type,
                                      const std::string& interface, bool with_link = false);

/// {"seconds", "nanoseconds", "interface" (null if it is ""), "ifindex", "direction", "caplen", "length", "data": hex}.
[[nodiscard]] Json packet_json(const client::Record& packet, const std::string& interface);

} // namespace pfild::bpfctl
