// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/xdp_head.h"

#include <array>
#include <cerrno>
#include <cstdarg>
#include <string_view>
#include <utility>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>
#include <xdp/libxdp.h>

#include "daemon/kernel/library_log.h"
#include "daemon/sys/failure.h"
#include "pfild/pfild_xdp.skel.h"

namespace pfild::kernel {
namespace {

constexpr std::string_view kName = "pfild_in_xdp";
constexpr const char* kSection = "xdp.frags";

int log_libxdp(libxdp_print_level level, const char* format, va_list arguments) {
    return log_library(level == LIBXDP_DEBUG, format, arguments);
}

// A driver's number, in words of its own where the system's would mislead.
std::string refusal(int error) {
    switch (error) {
    case EOPNOTSUPP:
        return "the driver has no native XDP";
    case ENOSPC:
        return "the driver wants more queues for it (of a veth: as many receive queues as its peer has transmit "
               "queues)";
    default:
        return sys::errno_text(error);
    }
}

struct MultiprogDeleter {
    void operator()(xdp_multiprog* programs) const { xdp_multiprog__close(programs); }
};
using Multiprog = std::unique_ptr<xdp_multiprog, MultiprogDeleter>;

// What XDP runs on the device; empty: nothing.
Multiprog on_device(std::uint32_t ifindex) {
    xdp_multiprog* found = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
    return Multiprog(libxdp_get_error(found) == 0 ? found : nullptr);
}

bool is_ours(const xdp_program* program) {
    const char* name = program != nullptr ? xdp_program__name(program) : nullptr;
    return name != nullptr && kName == name;
}

// The programs that run there, without the dispatcher itself.
std::vector<xdp_program*> programs_of(const Multiprog& programs) {
    std::vector<xdp_program*> all;
    if (programs && xdp_multiprog__is_legacy(programs.get())) {
        all.push_back(xdp_multiprog__main_prog(programs.get()));
    } else if (programs) {
        xdp_program* program = nullptr;
        while ((program = xdp_multiprog__next_prog(program, programs.get())) != nullptr) {
            all.push_back(program);
        }
    }
    return all;
}

void take_out(std::uint32_t ifindex, const Multiprog& programs, xdp_program* program) noexcept {
    const int device = static_cast<int>(ifindex);
    if (xdp_multiprog__is_legacy(programs.get())) {
        LIBBPF_OPTS(bpf_xdp_attach_opts, only_if, .old_prog_fd = xdp_program__fd(program));
        (void)bpf_xdp_detach(device, XDP_FLAGS_DRV_MODE, &only_if);
    } else {
        (void)xdp_program__detach(program, device, XDP_MODE_NATIVE, 0);
    }
}

} // namespace

void XdpHead::SkeletonDeleter::operator()(pfild_xdp* skeleton) const { pfild_xdp__destroy(skeleton); }
void XdpHead::ProgramDeleter::operator()(xdp_program* program) const { xdp_program__close(program); }

XdpHead::XdpHead(XdpHead&&) noexcept = default;
XdpHead& XdpHead::operator=(XdpHead&&) noexcept = default;
XdpHead::~XdpHead() = default;

core::Result<XdpHead> XdpHead::attach(std::uint32_t ifindex, const Programs& programs) {
    libxdp_set_print(log_libxdp);
    XdpHead head(ifindex);
    if (auto loaded = head.open(programs); !loaded) {
        return core::fail(std::move(loaded.error()));
    }
    const Multiprog before = on_device(ifindex);
    const std::vector<xdp_program*> others = programs_of(before);
    const bool alone = before && xdp_multiprog__is_legacy(before.get());
    auto attached = alone && is_ours(others.front()) ? head.replace(xdp_program__fd(others.front())) : head.chain();
    if (!attached) {
        return core::fail(std::move(attached.error()));
    }
    for (xdp_program* other : others) {
        if (!alone && is_ours(other)) {
            take_out(ifindex, on_device(ifindex), other);
        }
    }
    return head;
}

void XdpHead::remove_stranded(std::uint32_t ifindex) noexcept {
    const Multiprog programs = on_device(ifindex);
    for (xdp_program* program : programs_of(programs)) {
        if (is_ours(program)) {
            take_out(ifindex, programs, program);
            return;
        }
    }
}

core::Result<void> XdpHead::open(const Programs& programs) {
    skeleton_.reset(pfild_xdp__open());
    if (!skeleton_) {
        return sys::failed("open", "the XDP program", errno);
    }
    if (auto lent = programs.lend_maps(skeleton_->obj); !lent) {
        return lent;
    }
    xdp_program* program = xdp_program__from_bpf_obj(skeleton_->obj, kSection);
    if (const long error = libxdp_get_error(program); error != 0) {
        return sys::failed("open", "the XDP program", static_cast<int>(-error));
    }
    program_.reset(program);
    return {};
}

// One that nobody serves any more, in a place without a dispatcher: no packet comes between the two.
core::Result<void> XdpHead::replace(int stranded_fd) {
    if (const int error = bpf_object__load(skeleton_->obj); error != 0) {
        return sys::failed("load", "the XDP program", -error);
    }
    const int program_fd = bpf_program__fd(skeleton_->progs.pfild_in_xdp);
    LIBBPF_OPTS(bpf_xdp_attach_opts, only_if, .old_prog_fd = stranded_fd);
    const int error =
        bpf_xdp_attach(static_cast<int>(ifindex_), program_fd, XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE, &only_if);
    if (error != 0) {
        return sys::failed("attach", "the XDP program", -error);
    }
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    id_ = bpf_obj_get_info_by_fd(program_fd, &info, &size) == 0 ? info.id : 0;
    return {};
}

core::Result<void> XdpHead::chain() {
    if (const int error = xdp_program__attach(program_.get(), static_cast<int>(ifindex_), XDP_MODE_NATIVE, 0);
        error != 0) {
        if (error == -EBUSY || error == -EEXIST) {
            return core::fail({"attach native XDP", "",
                               "an XDP program of somebody else is there, and cannot be chained", "`ip link` names it",
                               EBUSY});
        }
        return core::fail({"attach native XDP", "", refusal(-error), "mode tc needs none of it", -error});
    }
    id_ = xdp_program__id(program_.get());
    const Multiprog now = on_device(ifindex_);
    chained_ = now && !xdp_multiprog__is_legacy(now.get());
    return {};
}

void XdpHead::detach() const noexcept {
    const Multiprog programs = on_device(ifindex_);
    for (xdp_program* program : programs_of(programs)) {
        if (xdp_program__id(program) == id_) {
            take_out(ifindex_, programs, program);
            return;
        }
    }
}

bool XdpHead::intact() const {
    const Multiprog programs = on_device(ifindex_);
    const std::vector<xdp_program*> all = programs_of(programs);
    return std::any_of(all.begin(), all.end(),
                       [&](const xdp_program* program) { return xdp_program__id(program) == id_; });
}

std::string XdpHead::place() const { return chained_ ? "xdp native, in a dispatcher" : "xdp native, alone"; }

} // namespace pfild::kernel
