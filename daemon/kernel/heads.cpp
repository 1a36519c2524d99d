// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/heads.h"

#include <algorithm>
#include <cerrno>

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include "daemon/kernel/clsact.h"
#include "daemon/kernel/tcx.h"
#include "daemon/sys/failure.h"

namespace pfild::kernel {
namespace {

// The names of the programs in bpf/: by them a list of TCX programs is searched.
constexpr std::array<const char*, core::kDirections> kHeadNames{"pfild_in", "pfild_out"};
constexpr std::array<const char*, core::kDirections> kReentryNames{"reentry_in", "reentry_out"};

bool use_tcx(std::uint32_t ifindex, bool wanted) { return wanted && tcx::supported(ifindex); }

} // namespace

core::Result<Heads> Heads::attach(std::uint32_t ifindex, const Programs& programs, bool tcx_wanted) {
    Heads heads(ifindex, use_tcx(ifindex, tcx_wanted));
    for (const core::Direction direction : core::kEachDirection) {
        if (auto attached = heads.attach_one(direction, programs); !attached) {
            heads.detach();
            return core::fail(std::move(attached.error()));
        }
    }
    // A daemon that is no more may have attached the other way; ours are in place, so its heads can go.
    if (heads.tcx_) {
        clsact::detach(ifindex);
    } else {
        for (const core::Direction direction : core::kEachDirection) {
            tcx::detach(ifindex, direction, kHeadNames[core::index(direction)]);
        }
    }
    return heads;
}

core::Result<void> Heads::attach_one(core::Direction direction, const Programs& programs) {
    const std::size_t which = core::index(direction);
    if (tcx_) {
        return tcx::attach(ifindex_, direction, programs.head_fd(direction), kHeadNames[which]);
    }
    return clsact::attach(ifindex_, direction, programs.head_fd(direction)).map([&](std::uint32_t preference) {
        preference_[which] = preference;
    });
}

void Heads::detach() const noexcept {
    if (!tcx_) {
        clsact::detach(ifindex_);
        return;
    }
    for (const core::Direction direction : core::kEachDirection) {
        tcx::detach(ifindex_, direction, kHeadNames[core::index(direction)]);
    }
}

bool Heads::intact() const {
    return std::all_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](core::Direction direction) {
        return tcx_ ? tcx::present(ifindex_, direction, kHeadNames[core::index(direction)])
                    : clsact::present(ifindex_, direction);
    });
}

std::string Heads::place(core::Direction direction) const {
    const std::string_view side = direction == core::Direction::in ? "ingress" : "egress";
    return tcx_ ? fmt::format("tcx {}", side) : fmt::format("tc {} pref {}", side, preference_[core::index(direction)]);
}

core::Result<void> attach_reentry(std::uint32_t ifindex, core::Direction direction, const Programs& programs,
                                  bool tcx_wanted) {
    if (use_tcx(ifindex, tcx_wanted)) {
        return tcx::attach(ifindex, core::Direction::in, programs.reentry_fd(direction),
                           kReentryNames[core::index(direction)]);
    }
    return clsact::attach(ifindex, core::Direction::in, programs.reentry_fd(direction)).map([](std::uint32_t) {});
}

bool reentry_intact(std::uint32_t ifindex, core::Direction direction) {
    return tcx::present(ifindex, core::Direction::in, kReentryNames[core::index(direction)]) ||
           clsact::present(ifindex, core::Direction::in);
}

core::Result<void> attach_port_up(std::uint32_t ifindex, int program_fd) {
    if (const int error = bpf_xdp_attach(static_cast<int>(ifindex), program_fd, XDP_FLAGS_DRV_MODE, nullptr);
        error != 0) {
        return sys::failed("attach native XDP to", "a port", -error);
    }
    return {};
}

} // namespace pfild::kernel
