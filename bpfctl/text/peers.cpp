// SPDX-License-Identifier: BSD-2-Clause
// See peers.h.
#include "bpfctl/text/peers.h"

#include <array>
#include <string_view>
#include <utility>

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"

namespace pfild::bpfctl {
namespace {

constexpr std::array<std::pair<const char*, char>, 5> kFlags{
    {{"promiscuous", 'p'}, {"immediate", 'i'}, {"header_complete", 'h'}, {"nonblocking", 'n'}, {"waits", 'w'}}};

/// "-i--w": a letter for each that is set.
std::string flags_text(const Json& device) {
    std::string letters;
    for (const auto& [key, letter] : kFlags) {
        letters += flag(device, key) ? letter : '-';
    }
    return letters;
}

std::string interface_of(const Json& device) {
    const std::string name = text(device, "interface");
    if (text(device, "state") == "orphaned") {
        return name.empty() ? "(gone)" : name + " (gone)";
    }
    return name.empty() ? "-" : name;
}

} // namespace

std::string peers_text(const Json& devices, const CommandName& command_name) {
    Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight,
                 Align::kRight, Align::kLeft});
    table.add({"Pid", "Interface", "Sees", "Flags", "Received", "Captured", "Dropped", "Buffered", "Command"});
    for (const Json& device : devices) {
        const auto pid = number(device, "pid");
        table.add({digits(device, "pid"), interface_of(device), joined(texts(device, "directions"), "-"),
                   flags_text(device), digits(device, "received"), digits(device, "captured"),
                   digits(device, "dropped"), digits(device, "buffered"), pid ? command_name(*pid) : "?"});
    }
    return table.str();
}

} // namespace pfild::bpfctl
