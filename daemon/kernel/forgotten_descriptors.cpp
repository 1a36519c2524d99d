// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/forgotten_descriptors.h"

#include <charconv>
#include <filesystem>
#include <string>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <unistd.h>

namespace pfild::kernel {
namespace {

constexpr const char* kOpenDescriptors = "/proc/self/fd";

std::set<int> open_descriptors() {
    std::set<int> open;
    std::error_code error;
    for (std::filesystem::directory_iterator at(kOpenDescriptors, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename();
        int descriptor = -1;
        if (std::from_chars(name.data(), name.data() + name.size(), descriptor).ec == std::errc()) {
            open.insert(descriptor);
        }
    }
    std::erase_if(open, [](int descriptor) { return ::fcntl(descriptor, F_GETFD) < 0; }); // by which they were read
    return open;
}

bool is_program(int descriptor) {
    std::error_code error;
    const auto what = std::filesystem::read_symlink(kOpenDescriptors + ("/" + std::to_string(descriptor)), error);
    return !error && what == "anon_inode:bpf-prog";
}

} // namespace

ForgottenDescriptors::ForgottenDescriptors(std::uint32_t ifindex)
    : programs_{native_program(ifindex)}, known_(open_descriptors()) {}

ForgottenDescriptors::~ForgottenDescriptors() {
    if (known_.empty()) {
        return; // they could not be listed, so nothing is known to be new
    }
    for (const int descriptor : open_descriptors()) {
        if (!known_.contains(descriptor) && is_program(descriptor) && programs_.contains(program_id(descriptor))) {
            ::close(descriptor);
        }
    }
}

void ForgottenDescriptors::search_also(std::uint32_t program, int kept) {
    programs_.insert(program);
    keep(kept);
}

std::uint32_t program_id(int descriptor) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    return bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0 ? info.id : 0;
}

std::uint32_t native_program(std::uint32_t ifindex) {
    __u32 id = 0;
    return bpf_xdp_query_id(static_cast<int>(ifindex), XDP_FLAGS_DRV_MODE, &id) == 0 ? id : 0;
}

} // namespace pfild::kernel
