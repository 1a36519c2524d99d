// SPDX-License-Identifier: BSD-2-Clause
// See bpfctl/text/monitor.h.
#include "bpfctl/text/monitor.h"

#include <array>
#include <ctime>

#include "bpfctl/fields.h"
#include "bpfctl/text/units.h"

namespace pfild::bpfctl {
namespace {

std::string local_time(const Json& change) {
    const auto seconds = static_cast<std::time_t>(decimal(change, "at_s").value_or(0));
    std::tm parts{};
    std::array<char, 32> written{};
    if (::localtime_r(&seconds, &parts) == nullptr) {
        return "?";
    }
    const std::size_t length = std::strftime(written.data(), written.size(), "%F %T", &parts);
    return {written.data(), length};
}

} // namespace

std::string change_line(const Json& change) {
    const std::uint64_t missed = number(change, "missed").value_or(0);
    std::string lines = missed == 0 ? "" : counted(missed, "change") + " missed: read faster\n";
    if (text(change, "verb").empty()) {
        return lines;
    }
    lines += local_time(change) + ' ' + printable(text(change, "did")) + ": by user " + digits(change, "uid") +
             ", process " + digits(change, "pid");
    if (member(change, "unrecorded").is_string()) {
        lines += ", in force, not recorded: " + printable(text(change, "unrecorded"));
    }
    return lines + '\n';
}

} // namespace pfild::bpfctl
