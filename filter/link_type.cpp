// SPDX-License-Identifier: BSD-2-Clause
// See link_type.h.
#include "filter/link_type.h"

#include <pcap/pcap.h>

namespace pfild::filter {

std::optional<LinkType> link_type_named(const std::string& name) {
    const int number = pcap_datalink_name_to_val(name.c_str());
    const char* const known = number < 0 ? nullptr : pcap_datalink_val_to_name(number);
    return known == nullptr ? std::nullopt : std::optional(LinkType{number, known}); // of a table of libpcap's
}

NamedLinkType link_type_numbered(int number) {
    const char* const name = pcap_datalink_val_to_name(number);
    const char* const description = pcap_datalink_val_to_description(number);
    NamedLinkType named{number, name == nullptr ? "DLT " + std::to_string(number) : name, ""};
    named.description = description == nullptr ? named.name : description;
    return named;
}

} // namespace pfild::filter
