// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/tap_filters.h"

#include <cerrno>
#include <numeric>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/capture/tap_program.h"
#include "daemon/kernel/lowered_program.h"

namespace pfild::kernel {

core::Result<void> TapFilters::set(std::uint32_t lane, cbpf::Place place,
                                   std::span<const cbpf::Program* const> filters) {
    constexpr const char* kName = "pfild_filters";
    const auto code = core::tap_program(filters, place);
    if (!code) {
        clear(lane, place);
        return core::fail({"load", kName, "the filters of all captures are too long together", "", E2BIG});
    }
    const auto program = load({.name = kName, .code = *code, .place = place}, [&](int fd) { // the map keeps it
        return bpf_map_update_elem(programs_.tap_filters_fd(place), &lane, &fd, BPF_ANY) == 0;
    });
    if (!program) {
        clear(lane, place);
        return core::fail(program.error());
    }
    return {};
}

void TapFilters::clear(std::uint32_t lane, cbpf::Place place) {
    (void)bpf_map_delete_elem(programs_.tap_filters_fd(place), &lane); // there may be none
}

std::uint64_t TapFilters::skipped(std::uint32_t lane) const {
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(programs_.tap_skipped_fd(), &lane, counts.data()) != 0) {
        return 0;
    }
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

} // namespace pfild::kernel
