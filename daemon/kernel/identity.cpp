// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/identity.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "pfild/flow.h"

namespace pfild::kernel {
namespace {

constexpr std::uint32_t kOnlyEntry = 0;
constexpr std::uint32_t kMostMaps = 64; ///< of one program; the kernel's own limit

std::uint64_t own_pid_namespace() {
    struct stat status {};
    return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

std::vector<std::uint32_t> maps_of(int program_fd) {
    std::vector<std::uint32_t> maps(kMostMaps);
    bpf_prog_info info{};
    info.nr_map_ids = kMostMaps;
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps.data());
    std::uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0) {
        return {};
    }
    maps.resize(std::min(info.nr_map_ids, kMostMaps));
    return maps;
}

std::optional<pfild_identity> read_identity(int map_fd, const bpf_map_info& info) {
    pfild_identity identity{};
    const bool alike = info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1 &&
                       info.value_size == sizeof(identity) && (info.map_flags & BPF_F_RDONLY_PROG) != 0;
    if (!alike || bpf_map_lookup_elem(map_fd, &kOnlyEntry, &identity) != 0 || identity.magic != PFILD_IDENTITY_MAGIC) {
        return std::nullopt;
    }
    identity.instance[sizeof(identity.instance) - 1] = '\0';
    return identity;
}

bool holds_a_socket(int map_fd) {
    std::uint64_t cookie = 0;
    return bpf_map_lookup_elem(map_fd, &kOnlyEntry, &cookie) == 0;
}

// 0: it is none of the flow table's state, or has no beat yet.
std::uint32_t read_beat(int map_fd, const bpf_map_info& info) {
    pfild_flow_state state{};
    const bool alike = info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1 && info.value_size == sizeof(state);
    const bool read = alike && bpf_map_lookup_elem(map_fd, &kOnlyEntry, &state) == 0;
    return read && std::string_view(static_cast<const char*>(info.name)) == "flow_state" ? state.beat_s : 0;
}

std::optional<bpf_prog_info> describe(int program_fd) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof(info);
    return bpf_obj_get_info_by_fd(program_fd, &info, &size) == 0 ? std::optional(info) : std::nullopt;
}

} // namespace

core::Result<pfild_identity> identity_of_run(const std::string& instance, const sys::NetNs& netns,
                                             const std::string& runtime_folder) {
    pfild_identity self{};
    struct stat status {};
    if (::fstat(netns.fd(), &status) != 0) {
        return sys::failed("look at", "the network namespace", errno);
    }
    if (::getrandom(self.run, sizeof(self.run), 0) != static_cast<ssize_t>(sizeof(self.run))) {
        return sys::failed("get", "random bytes", errno);
    }
    self.magic = PFILD_IDENTITY_MAGIC;
    self.netns_device = status.st_dev;
    self.netns_inode = status.st_ino;
    if (::stat(runtime_folder.c_str(), &status) != 0) {
        return sys::failed("look at", runtime_folder, errno);
    }
    self.home = static_cast<std::uint32_t>(status.st_dev);
    self.pidns_inode = own_pid_namespace();
    self.pid = static_cast<std::uint32_t>(::getpid());
    std::copy_n(instance.begin(), std::min(instance.size(), sizeof(self.instance) - 1), self.instance);
    return self;
}

core::Result<void> give_identity(bpf_object* object, const pfild_identity& identity) {
    bpf_map* map = bpf_object__find_map_by_name(object, PFILD_IDENTITY_SECTION);
    if (const int error = bpf_map__set_initial_value(map, &identity, sizeof(identity)); error != 0) {
        return sys::failed("write", "the identity of a program", -error);
    }
    return {};
}

core::Result<SignOfLife> SignOfLife::make() {
    SignOfLife sign;
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return sys::failed("make", "a pair of sockets", errno);
    }
    std::transform(ends.begin(), ends.end(), sign.sockets_.begin(), [](int end) { return sys::Fd(end); });
    sign.map_.reset(
        bpf_map_create(BPF_MAP_TYPE_SOCKMAP, "pfild_alive", sizeof(kOnlyEntry), sizeof(std::uint64_t), 1, nullptr));
    const auto socket = static_cast<std::uint64_t>(ends[0]);
    if (!sign.map_ || bpf_map_update_elem(sign.map_.get(), &kOnlyEntry, &socket, BPF_ANY) != 0) {
        return sys::failed("make", "the map that tells that the daemon lives", errno);
    }
    return sign;
}

core::Result<void> SignOfLife::give_to(int program_fd) const {
    if (bpf_prog_bind_map(program_fd, map_.get(), nullptr) != 0 && errno != EEXIST) {
        return sys::failed("bind to a program", "the map that tells that the daemon lives", errno);
    }
    return {};
}

std::string Owner::words() const {
    const char* const where = identity.pidns_inode == own_pid_namespace() ? "" : " of another PID namespace";
    return living ? fmt::format("instance '{}' (process {}{})", identity.instance, identity.pid, where)
                  : fmt::format("instance '{}', whose daemon is dead", identity.instance);
}

std::optional<Owner> owner_of(std::uint32_t program) {
    const sys::Fd program_fd(bpf_prog_get_fd_by_id(program));
    if (!program_fd) {
        return std::nullopt;
    }
    std::optional<Owner> owner;
    bool living = false;
    std::uint32_t beat_s = 0;
    for (const std::uint32_t id : maps_of(program_fd.get())) {
        const sys::Fd map(bpf_map_get_fd_by_id(id));
        bpf_map_info info{};
        std::uint32_t size = sizeof(info);
        if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) {
            continue;
        }
        if (const auto identity = read_identity(map.get(), info)) {
            owner = Owner{.identity = *identity};
        }
        beat_s = std::max(beat_s, read_beat(map.get(), info));
        living = living || (info.type == BPF_MAP_TYPE_SOCKMAP && holds_a_socket(map.get()));
    }
    if (owner) {
        owner->living = living;
        owner->beat_s = beat_s;
    }
    return owner;
}

bool same_run(const pfild_identity& one, const pfild_identity& other) {
    return std::equal(std::begin(one.run), std::end(one.run), std::begin(other.run));
}

std::vector<Owner> runs_in_kernel() {
    std::vector<Owner> runs;
    for (std::uint32_t program = 0; bpf_prog_get_next_id(program, &program) == 0;) {
        const auto owner = owner_of(program);
        if (!owner) {
            continue;
        }
        const auto known = std::find_if(runs.begin(), runs.end(),
                                        [&owner](const Owner& run) { return same_run(run.identity, owner->identity); });
        if (known == runs.end()) {
            runs.push_back(*owner);
        } else {
            known->living = known->living || owner->living;
            known->beat_s = std::max(known->beat_s, owner->beat_s);
        }
    }
    return runs;
}

Whose whose(const Owner& owner, const pfild_identity& self) {
    const pfild_identity& theirs = owner.identity;
    if (same_run(theirs, self)) {
        return Whose::kOurs;
    }
    if (theirs.netns_device != self.netns_device || theirs.netns_inode != self.netns_inode) {
        return Whose::kStrayed;
    }
    if (owner.living) {
        return Whose::kOther;
    }
    const bool same_name = std::strncmp(theirs.instance, self.instance, sizeof(self.instance)) == 0;
    return same_name && theirs.home == self.home ? Whose::kLeft : Whose::kAbandoned;
}

std::string program_name(std::uint32_t program) {
    const sys::Fd fd(bpf_prog_get_fd_by_id(program));
    const auto info = fd ? describe(fd.get()) : std::nullopt;
    return info ? std::string(static_cast<const char*>(info->name)) : std::string();
}

} // namespace pfild::kernel
