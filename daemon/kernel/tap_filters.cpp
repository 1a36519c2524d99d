// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/tap_filters.h"

#include <cerrno>
#include <numeric>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/tap_program.h"
#include "daemon/kernel/lowered_program.h"
#include "daemon/sys/clock.h"

namespace pfild::kernel {

namespace {

constexpr const char* kFiltersName = "pfild_filters";

} // namespace

core::Result<void> TapFilters::set(std::uint32_t lane, ebpf::Place place,
                                   std::span<const cbpf::Program* const> filters) {
    const std::uint64_t begun_ns = sys::now_ns();
    core::Result<void> set;
    if (loading_.allows(begun_ns)) {
        set = load(lane, place, filters);
        loading_.pay(sys::now_ns() - begun_ns);
    } else {
        set = core::fail({"load", kFiltersName, "filters change too often", "", EAGAIN});
    }
    if (!set) {
        clear(lane, place);
    }
    return set;
}

core::Result<void> TapFilters::load(std::uint32_t lane, ebpf::Place place,
                                    std::span<const cbpf::Program* const> filters) {
    const auto code = capture::tap_program(filters, place);
    if (!code) {
        return core::fail({"load", kFiltersName, "the filters of all captures are too long together", "", E2BIG});
    }
    return kernel::load({.name = kFiltersName, .code = *code, .place = place, .in_words = false},
                        [&](int fd) { // the map keeps it
                            return bpf_map_update_elem(programs_.tap_filters_fd(place), &lane, &fd, BPF_ANY) == 0;
                        })
        .map([](const sys::Fd&) {});
}

void TapFilters::clear(std::uint32_t lane, ebpf::Place place) {
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
