// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/flow_maps.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/flow/flow_slot.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {
namespace {

constexpr const char* kBpfFileSystem = "/sys/fs/bpf";
constexpr std::array<const char*, 3> kMapNames{"flow_index", "flow_slots", "flow_state"};
constexpr std::size_t kState = 2; ///< of them

std::size_t page_round(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

core::Result<void*> map_memory(int fd, std::size_t bytes, const char* name) {
    void* memory = ::mmap(nullptr, page_round(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return sys::failed("map the kernel's table", name, errno);
    }
    return memory;
}

/// Whether a pinned map has the shape that the programs of today want; the first two have `flows` entries.
bool fits(const std::string& path, std::size_t which, std::uint32_t flows) {
    struct Shape {
        std::uint32_t type;
        std::uint32_t key;
        std::uint32_t value;
        std::uint32_t entries;
    };
    const std::array<Shape, kMapNames.size()> shapes{
        {{BPF_MAP_TYPE_HASH, sizeof(pfild_flow_key), sizeof(std::uint32_t), flows},
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
    self->index_ = programs.flow_index_fd();
    auto slots = map_memory(programs.flow_slots_fd(), std::size_t{flows} * sizeof(pfild_flow), kMapNames[1]);
    if (!slots) {
        return core::fail(std::move(slots.error()));
    }
    self->slots_ = std::span(static_cast<pfild_flow*>(*slots), flows);
    auto state = map_memory(programs.flow_state_fd(), sizeof(pfild_flow_state), kMapNames[2]);
    if (!state) {
        return core::fail(std::move(state.error()));
    }
    self->state_ = static_cast<pfild_flow_state*>(*state);
    self->state_->layout = PFILD_FLOW_LAYOUT;
    self->forget_strangers();
    return self;
}

FlowMaps::~FlowMaps() {
    if (!slots_.empty()) {
        ::munmap(slots_.data(), page_round(slots_.size_bytes()));
    }
    if (state_ != nullptr) {
        ::munmap(state_, page_round(sizeof(pfild_flow_state)));
    }
}

std::uint64_t FlowMaps::bytes() const {
    constexpr std::uint64_t kHashOverhead = 56; // a bucket and an element of the kernel's hash map
    return slots_.size() * (sizeof(pfild_flow) + sizeof(pfild_flow_key) + sizeof(std::uint32_t) + kHashOverhead);
}

bool FlowMaps::insert(const core::FlowKey& key, std::uint32_t slot) noexcept {
    return bpf_map_update_elem(index_, &key, &slot, BPF_ANY) == 0;
}

void FlowMaps::erase(const core::FlowKey& key) noexcept {
    (void)bpf_map_delete_elem(index_, &key); // absent is what is wanted
}

// Collected first: a hash must not be changed while it is walked.
void FlowMaps::forget_strangers() {
    std::vector<core::FlowKey> strangers;
    core::FlowKey key{};
    const void* previous = nullptr;
    core::FlowKey last{};
    while (bpf_map_get_next_key(index_, previous, &key) == 0) {
        std::uint32_t slot = 0;
        if (bpf_map_lookup_elem(index_, &key, &slot) != 0 || slot >= slots_.size() ||
            !core::same(core::read_key(slots_[slot]), key)) {
            strangers.push_back(key);
        }
        last = key;
        previous = &last;
    }
    for (const core::FlowKey& stranger : strangers) {
        erase(stranger);
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

void FlowPins::remove() const {
    if (folder_.empty()) {
        return;
    }
    remove_maps(folder_);
    std::error_code ignored; // absent is what is wanted
    std::filesystem::remove(folder_, ignored);
    std::filesystem::remove(std::filesystem::path(folder_).parent_path(), ignored); // if it was the last instance
}

} // namespace pfild::kernel
