// SPDX-License-Identifier: BSD-2-Clause
// See flows.h.
#include "bpfctl/text/flows.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"

namespace pfild::bpfctl {
namespace {

/// What tcpdump calls them; others are shown by number.
constexpr std::array<std::pair<std::uint64_t, std::string_view>, 5> kProtocols{
    {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {132, "sctp"}}};

std::string protocol_text(const Json& flow) {
    const auto value = number(flow, "protocol");
    const auto* const known =
        std::find_if(kProtocols.begin(), kProtocols.end(), [&](const auto& row) { return row.first == value; });
    return known == kProtocols.end() ? digits(flow, "protocol") : std::string(known->second);
}

/// "192.0.2.1:80", "[2001:db8::1]:80"; without a port the address alone.
std::string end_text(const Json& flow, std::string_view address_key, std::string_view port_key) {
    std::string address = text(flow, address_key);
    if (member(flow, port_key).is_null()) {
        return address;
    }
    const bool in_brackets = text(flow, "family") == "inet6";
    return (in_brackets ? '[' + address + ']' : address) + ':' + digits(flow, port_key);
}

/// "5", "5 priority 3", "802.1ad 100 5": outermost first, as in the frame.
std::string vlans_text(const Json& flow) {
    std::string all;
    for (const Json& tag : member(flow, "tags")) {
        const std::string type = text(tag, "type");
        all += all.empty() ? "" : " ";
        all += type == "802.1Q" ? "" : type + ' ';
        all += digits(tag, "vlan");
        if (number(tag, "priority").value_or(0) != 0) {
            all += " priority " + digits(tag, "priority");
        }
    }
    return all;
}

std::string seconds_text(const Json& flow, std::string_view key) {
    const auto seconds = decimal(flow, key);
    return seconds ? std::to_string(static_cast<std::uint64_t>(*seconds)) : "?";
}

std::vector<std::string> row_of(const Json& flow, bool with_vlans) {
    std::vector<std::string> row{text(flow, "interface"), protocol_text(flow), end_text(flow, "remote", "remote_port"),
                                 end_text(flow, "local", "local_port")};
    if (with_vlans) {
        row.push_back(vlans_text(flow));
    }
    for (const char* direction : {"in", "out"}) {
        const Json& lane = member(flow, direction);
        const auto count = number(lane, "bytes");
        row.insert(row.end(), {text(lane, "answer"), digits(lane, "packets"), count ? bytes(*count) : "?"});
    }
    row.push_back(seconds_text(flow, "idle_s") + " of " + seconds_text(flow, "limit_s") + " s");
    return row;
}

} // namespace

std::string flows_text(const Json& flows) {
    const bool with_vlans =
        std::any_of(flows.begin(), flows.end(), [](const Json& flow) { return !member(flow, "tags").empty(); });
    std::vector<std::string> titles{"Interface", "Protocol", "Remote", "Local"};
    std::vector<Align> columns(titles.size(), Align::kLeft);
    if (with_vlans) {
        titles.emplace_back("VLAN");
        columns.push_back(Align::kLeft);
    }
    for (const char* direction : {"In", "Out"}) {
        for (const char* title : {direction, "Packets", "Bytes"}) {
            titles.emplace_back(title);
        }
        columns.insert(columns.end(), {Align::kLeft, Align::kRight, Align::kRight});
    }
    titles.emplace_back("Idle");
    columns.push_back(Align::kRight);
    Table table(std::move(columns));
    table.add(std::move(titles));
    for (const Json& flow : flows) {
        table.add(row_of(flow, with_vlans));
    }
    return table.str();
}

} // namespace pfild::bpfctl
