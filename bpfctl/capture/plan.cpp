// SPDX-License-Identifier: BSD-2-Clause
// See plan.h.
#include "bpfctl/capture/plan.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include "bpfctl/capture/netmask.h"
#include "cbpf/program.h"
#include "filter/proved.h"

namespace pfild::bpfctl {
namespace {

constexpr std::uint16_t kReturnConstant = 0x06; // BPF_RET | BPF_K

} // namespace

bool CapturePlan::is_pcapng() const {
    if (format) {
        return *format == "pcapng";
    }
    const auto is_called = [this](std::string_view end) {
        return file->size() >= end.size() && file->substr(file->size() - end.size()) == end;
    };
    const bool several = interfaces.size() > 1 || interfaces.front() == "any";
    return file && (is_called(".pcapng") || (several && !is_called(".pcap")));
}

core::Result<std::vector<cbpf::Instruction>> CapturePlan::program(const std::string& interface,
                                                                  filter::LinkType link_type) const {
    if (expression.empty()) {
        return snap_length == filter::kSnapLength
                   ? std::vector<cbpf::Instruction>{}
                   : std::vector{cbpf::Instruction{kReturnConstant, 0, 0, static_cast<std::uint32_t>(snap_length)}};
    }
    auto proved = filter::compile_proved(expression, link_type, names, snap_length, netmask_of(interface));
    if (!proved) {
        return core::fail(std::move(proved.error()));
    }
    if (const auto verified = cbpf::Program::verify(proved->program); !verified) {
        return core::fail({"capture", interface, "the program does not verify: " + verified.error().message(),
                           filter::advice_on(verified.error(), "use a shorter expression"), EINVAL});
    }
    return std::move(proved->program);
}

} // namespace pfild::bpfctl
