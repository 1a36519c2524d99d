// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/xdp_head.h"

#include <algorithm>
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

#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/kernel/identity.h"
#include "daemon/kernel/library_log.h"
#include "daemon/sys/failure.h"
#include "pfild/pfild_in_xdp.skel.h"

namespace pfild::kernel {
namespace {

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

Multiprog look_at(std::uint32_t ifindex) {
    xdp_multiprog* found = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
    return Multiprog(libxdp_get_error(found) == 0 ? found : nullptr);
}

// What XDP runs on the device. While it lives, libxdp may be called for the device.
class OnDevice {
  public:
    explicit OnDevice(std::uint32_t ifindex) : forgotten_(ifindex), programs_(look_at(ifindex)) {}
    [[nodiscard]] bool anything() const { return programs_ != nullptr; }
    [[nodiscard]] bool is_dispatcher() const { return anything() && !xdp_multiprog__is_legacy(programs_.get()); }
    /// The programs that run there, without the dispatcher itself.
    [[nodiscard]] std::vector<xdp_program*> programs() const;

  private:
    ForgottenDescriptors forgotten_; ///< ends last
    Multiprog programs_;
};

std::uint32_t id_of(const xdp_program* program) { return program != nullptr ? xdp_program__id(program) : 0; }

// Of this run or of nobody that lives.
bool is_ours(std::uint32_t program, const pfild_identity& self) {
    const auto owner = owner_of(program);
    return owner && whose(*owner, self) != Whose::kOther;
}

std::vector<xdp_program*> OnDevice::programs() const {
    std::vector<xdp_program*> all;
    if (is_dispatcher()) {
        xdp_program* program = nullptr;
        while ((program = xdp_multiprog__next_prog(program, programs_.get())) != nullptr) {
            all.push_back(program);
        }
    } else if (anything()) {
        all.push_back(xdp_multiprog__main_prog(programs_.get()));
    }
    return all;
}

void take_out(std::uint32_t ifindex, const OnDevice& there, xdp_program* program) noexcept {
    const int device = static_cast<int>(ifindex);
    if (!there.is_dispatcher()) {
        LIBBPF_OPTS(bpf_xdp_attach_opts, only_if, .old_prog_fd = xdp_program__fd(program));
        (void)bpf_xdp_detach(device, XDP_FLAGS_DRV_MODE, &only_if);
    } else {
        (void)xdp_program__detach(program, device, XDP_MODE_NATIVE, 0);
    }
}

} // namespace

void XdpHead::SkeletonDeleter::operator()(pfild_in_xdp* skeleton) const { pfild_in_xdp__destroy(skeleton); }
void XdpHead::ProgramDeleter::operator()(xdp_program* program) const { xdp_program__close(program); }

XdpHead::XdpHead(XdpHead&&) noexcept = default;
XdpHead& XdpHead::operator=(XdpHead&&) noexcept = default;
XdpHead::~XdpHead() = default;

core::Result<XdpHead> XdpHead::attach(std::uint32_t ifindex, const Programs& programs, std::uint8_t slot,
                                      std::uint32_t attachment) {
    libxdp_set_print(log_libxdp);
    XdpHead head(ifindex);
    if (auto loaded = head.open(programs, programs.identity(slot, attachment)); !loaded) {
        return core::fail(std::move(loaded.error()));
    }
    const OnDevice before(ifindex);
    const std::vector<xdp_program*> others = before.programs();
    const bool alone = before.anything() && !before.is_dispatcher();
    const pfild_identity& self = programs.identity();
    const bool replaces = alone && is_ours(id_of(others.front()), self);
    auto attached =
        replaces ? head.replace(programs, xdp_program__fd(others.front())) : head.stand_beside_others(programs);
    if (!attached) {
        return core::fail(std::move(attached.error()));
    }
    for (xdp_program* other : others) {
        if (!alone && is_ours(id_of(other), self)) {
            take_out(ifindex, OnDevice(ifindex), other);
        }
    }
    return head;
}

void XdpHead::remove_stranded(std::uint32_t ifindex, const pfild_identity& self) noexcept {
    for (const std::uint32_t program : programs_at(ifindex)) {
        if (is_ours(program, self)) {
            remove(ifindex, program);
        }
    }
}

std::vector<std::uint32_t> XdpHead::programs_at(std::uint32_t ifindex) {
    std::vector<std::uint32_t> ids;
    if (native_program(ifindex) == 0) {
        return ids;
    }
    const OnDevice there(ifindex);
    for (const xdp_program* program : there.programs()) {
        ids.push_back(id_of(program));
    }
    return ids;
}

void XdpHead::remove(std::uint32_t ifindex, std::uint32_t program) noexcept {
    if (native_program(ifindex) == 0) {
        return;
    }
    const OnDevice there(ifindex);
    for (xdp_program* one : there.programs()) {
        if (id_of(one) == program) {
            take_out(ifindex, there, one);
            return;
        }
    }
}

std::vector<std::string> XdpHead::in_front(std::uint32_t ifindex, std::uint32_t own) {
    std::vector<std::string> others;
    for (const std::uint32_t program : programs_at(ifindex)) {
        if (program == own) {
            break;
        }
        others.push_back("xdp: " + program_name(program) + " (" + std::to_string(program) + ')');
    }
    return others;
}

core::Result<void> XdpHead::open(const Programs& programs, const pfild_identity& identity) {
    skeleton_.reset(pfild_in_xdp__open());
    if (!skeleton_) {
        return sys::failed("open", "the XDP program", errno);
    }
    auto ready = programs.lend_maps(skeleton_->obj).and_then([&] { return give_identity(skeleton_->obj, identity); });
    if (!ready) {
        return ready;
    }
    xdp_program* program = xdp_program__from_bpf_obj(skeleton_->obj, kSection);
    if (const long error = libxdp_get_error(program); error != 0) {
        return sys::failed("open", "the XDP program", static_cast<int>(-error));
    }
    program_.reset(program);
    return {};
}

// One that nobody serves any more, in a place without a dispatcher: no packet comes between the two.
core::Result<void> XdpHead::replace(const Programs& programs, int stranded_fd) {
    if (const int error = bpf_object__load(skeleton_->obj); error != 0) {
        return sys::failed("load", "the XDP program", -error);
    }
    const int program_fd = bpf_program__fd(skeleton_->progs.pfild_in_xdp);
    if (auto given = programs.sign_of_life().give_to(program_fd); !given) {
        return given;
    }
    LIBBPF_OPTS(bpf_xdp_attach_opts, only_if, .old_prog_fd = stranded_fd);
    const int error =
        bpf_xdp_attach(static_cast<int>(ifindex_), program_fd, XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE, &only_if);
    if (error != 0) {
        return sys::failed("attach", "the XDP program", -error);
    }
    id_ = program_id(program_fd);
    return {};
}

core::Result<void> XdpHead::stand_beside_others(const Programs& programs) {
    ForgottenDescriptors forgotten(ifindex_);
    const int error = xdp_program__attach(program_.get(), static_cast<int>(ifindex_), XDP_MODE_NATIVE, 0);
    const int program_fd = bpf_program__fd(skeleton_->progs.pfild_in_xdp);
    forgotten.search_also(program_id(program_fd), program_fd);
    forgotten.keep(xdp_program__fd(program_.get()));
    if (error != 0) {
        if (error == -EBUSY || error == -EEXIST) {
            return core::fail({"attach native XDP", "",
                               "an XDP program of somebody else is there, and takes none beside it",
                               "`ip link` names it", EBUSY});
        }
        return core::fail({"attach native XDP", "", refusal(-error), "mode tc needs none of it", -error});
    }
    id_ = program_id(program_fd);
    in_dispatcher_ = OnDevice(ifindex_).is_dispatcher();
    auto given = programs.sign_of_life().give_to(program_fd);
    if (!given) {
        detach();
    }
    return given;
}

void XdpHead::detach() const noexcept { remove(ifindex_, id_); }

// The kernel's word is enough where it runs ours itself. What a dispatcher runs can change below it.
bool XdpHead::intact() const {
    const std::uint32_t runs = native_program(ifindex_);
    if (runs == 0 || runs == id_) {
        return runs != 0;
    }
    const std::vector<std::uint32_t> all = programs_at(ifindex_);
    return std::find(all.begin(), all.end(), id_) != all.end();
}

std::string XdpHead::place() const { return in_dispatcher_ ? "xdp native, in a dispatcher" : "xdp native, alone"; }

} // namespace pfild::kernel
