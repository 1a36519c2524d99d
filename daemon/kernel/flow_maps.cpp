// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/flow_maps.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {
namespace {

constexpr const char* kBpfFileSystem = "/sys/fs/bpf";
constexpr std::array<const char*, 3> kMapNames{"flow_index", "flow_entries", "flow_state"};
constexpr std::size_t kState = 2; ///< of them
struct PinnedChains {
    const char* name;
    const char* next; ///< of a daemon that is just starting
    ebpf::Place place;
};
constexpr std::array<PinnedChains, 2> kChains{
    {{"tc_chains", "next_tc_chains", ebpf::Place::kTc}, {"xdp_chains", "next_xdp_chains", ebpf::Place::kXdp}}};

std::size_t page_round(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

template <typename Entry>
core::Result<std::span<Entry>> map_memory(int fd, std::size_t entries, const char* name) {
    const std::size_t bytes = page_round(entries * sizeof(Entry));
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return sys::failed("map the kernel's table", name, errno);
    }
    return std::span(static_cast<Entry*>(memory), entries);
}

template <typename Entry>
void unmap_memory(std::span<Entry> entries) {
    if (!entries.empty()) {
        ::munmap(entries.data(), page_round(entries.size_bytes()));
    }
}

/// Whether a pinned map has the shape that the programs of today want for so many flows.
bool fits(const std::string& path, std::size_t which, std::uint32_t flows) {
    struct Shape {
        std::uint32_t type;
        std::uint32_t key;
        std::uint32_t value;
        std::uint32_t entries;
    };
    const std::array<Shape, kMapNames.size()> shapes{
        {{BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(pfild_flow_bucket),
          static_cast<std::uint32_t>(core::flow_buckets(flows))},
         {BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(pfild_flow), flows},
         {BPF_MAP_TYPE_ARRAY, sizeof(std::uint32_t), sizeof(pfild_flow_state), 1}}};
    const sys::Fd fd(bpf_obj_get(path.c_str()));
    bpf_map_info info{};
    std::uint32_t size = sizeof(info);
    if (fd.get() < 0 || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) {
        return false;
    }
    const Shape& shape = shapes[which];
    if (info.type != shape.type || info.key_size != shape.key || info.value_size != shape.value ||
        info.max_entries != shape.entries) {
        return false;
    }
    const std::uint32_t first = 0;
    pfild_flow_state state{};
    return which != kState || (bpf_map_lookup_elem(fd.get(), &first, &state) == 0 && state.layout == PFILD_FLOW_LAYOUT);
}

void remove_maps(const std::string& folder) {
    std::error_code ignored; // absent is what is wanted
    for (const char* name : kMapNames) {
        std::filesystem::remove(folder + '/' + name, ignored);
    }
}

} // namespace

core::Result<std::unique_ptr<FlowMaps>> FlowMaps::map(const Programs& programs, std::uint32_t flows) {
    std::unique_ptr<FlowMaps> self(new FlowMaps);
    core::FlowMemory& memory = self->memory_;
    auto entries = map_memory<pfild_flow>(programs.flow_entries_fd(), flows, "flow_entries");
    if (!entries) {
        return core::fail(std::move(entries.error()));
    }
    memory.entries = *entries;
    auto buckets = map_memory<pfild_flow_bucket>(programs.flow_index_fd(), core::flow_buckets(flows), "flow_index");
    if (!buckets) {
        return core::fail(std::move(buckets.error()));
    }
    memory.buckets = *buckets;
    auto state = map_memory<pfild_flow_state>(programs.flow_state_fd(), 1, "flow_state");
    if (!state) {
        return core::fail(std::move(state.error()));
    }
    memory.state = state->data();
    timespec tick{};
    if (::clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0) {
        return sys::failed("read", "the resolution of the coarse clock", errno);
    }
    memory.state->tick_ns = static_cast<__u64>(tick.tv_nsec); // of what has been taken over it is the same
    self->set_clock_ = programs.set_clock_fd();
    return self->set_clock().map([&] { return std::move(self); });
}

core::Result<void> FlowMaps::set_clock() const {
    const std::array<std::uint8_t, 14> frame{}; // the shortest that the kernel takes
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = frame.size());
    if (const int error = bpf_prog_test_run_opts(set_clock_, &options); error != 0) {
        return sys::failed("set", "the flow table's clock", -error);
    }
    return {};
}

FlowMaps::~FlowMaps() {
    unmap_memory(memory_.entries);
    unmap_memory(memory_.buckets);
    if (memory_.state != nullptr) {
        unmap_memory(std::span(memory_.state, 1));
    }
}

FlowPins FlowPins::take(const std::string& instance) {
    constexpr const char* kConsequence = "known flows do not outlive a killed daemon";
    struct statfs file_system {};
    if (::statfs(kBpfFileSystem, &file_system) != 0 || file_system.f_type != BPF_FS_MAGIC) {
        spdlog::warn("{} is not a BPF file system: {}", kBpfFileSystem, kConsequence);
        return {};
    }
    const std::string folder = std::string(kBpfFileSystem) + "/pfild/" + instance;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        spdlog::warn("cannot make {}: {}: {}", folder, error.message(), kConsequence);
        return {};
    }
    FlowPins pins;
    pins.lock_.reset(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!pins.lock_ || ::flock(pins.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        spdlog::warn("{} belongs to another daemon of this name: {}", folder, kConsequence);
        return {};
    }
    pins.folder_ = folder;
    return pins;
}

void FlowPins::keep_only(std::uint32_t flows) const {
    bool fit = !folder_.empty();
    for (std::size_t which = 0; which < kMapNames.size(); which++) {
        fit = fit && fits(folder_ + '/' + kMapNames[which], which, flows);
    }
    if (!fit && !folder_.empty()) {
        remove_maps(folder_);
    }
}

// The kernel takes all programs out of such a map when nobody holds it any more but other programs.
void FlowPins::take_over_chains(const Programs& programs) {
    if (folder_.empty()) {
        return;
    }
    for (const PinnedChains& chains : kChains) {
        const std::string next = folder_ + '/' + chains.next;
        for (const std::string& path : {folder_ + '/' + chains.name, next}) { // the latter: killed while it started
            if (sys::Fd old(bpf_obj_get(path.c_str())); old) {
                old_chains_.push_back(std::move(old));
            }
        }
        std::error_code ignored; // absent is what is wanted
        std::filesystem::remove(next, ignored);
        if (bpf_obj_pin(programs.chains_fd(chains.place), next.c_str()) != 0) {
            spdlog::warn("cannot pin {}: {}: hooks in the kernel do not outlive a killed daemon", next,
                         sys::errno_text(errno));
        }
    }
}

void FlowPins::release_old_chains() {
    for (const PinnedChains& chains : kChains) {
        std::error_code ignored; // nothing is to be pinned, or it was done before
        std::filesystem::rename(folder_ + '/' + chains.next, folder_ + '/' + chains.name, ignored);
    }
    old_chains_.clear();
}

void FlowPins::remove() const {
    if (folder_.empty()) {
        return;
    }
    remove_maps(folder_);
    std::error_code ignored; // absent is what is wanted
    for (const PinnedChains& chains : kChains) {
        std::filesystem::remove(folder_ + '/' + chains.name, ignored);
        std::filesystem::remove(folder_ + '/' + chains.next, ignored);
    }
    std::filesystem::remove(folder_, ignored);
    std::filesystem::remove(std::filesystem::path(folder_).parent_path(), ignored); // if it was the last instance
}

} // namespace pfild::kernel
