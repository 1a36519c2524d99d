// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/unfinished_dispatchers.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <bpf/bpf.h>

#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {
namespace {

namespace files = std::filesystem;

constexpr const char* kFolder = "/sys/fs/bpf/xdp";
constexpr std::string_view kPrefix = "dispatch-"; // and the device's index, "-", the dispatcher's number
constexpr std::string_view kProgram = "-prog"; // at the end of the name of a pinned program; "-link" is the other kind

std::vector<files::path> entries(const files::path& folder) {
    std::vector<files::path> found;
    std::error_code ignored; // a folder that is not there has none
    for (const auto& entry : files::directory_iterator(folder, ignored)) {
        found.push_back(entry.path());
    }
    return found;
}

/// The dispatcher's number; 0: it is no such folder.
std::uint32_t dispatcher_of(const std::string& name) {
    const std::size_t dash = name.rfind('-');
    std::uint32_t number = 0;
    if (name.starts_with(kPrefix) && dash != std::string::npos) {
        std::from_chars(name.data() + dash + 1, name.data() + name.size(), number);
    }
    return number;
}

/// Of one program there, if all have a dead one.
std::optional<Owner> dead_owner(const files::path& folder, const std::function<bool(const Owner&)>& is_dead) {
    std::optional<Owner> any;
    for (const files::path& entry : entries(folder)) {
        if (!entry.string().ends_with(kProgram)) {
            continue;
        }
        const sys::Fd program(bpf_obj_get(entry.c_str()));
        auto owner = program ? owner_of(program_id(program.get())) : std::nullopt;
        if (!owner || !is_dead(*owner)) {
            return std::nullopt;
        }
        any = std::move(owner);
    }
    return any;
}

} // namespace

std::vector<UnfinishedDispatcher> remove_unfinished_dispatchers(const std::set<std::uint32_t>& running,
                                                                const std::function<bool(const Owner&)>& is_dead) {
    std::vector<UnfinishedDispatcher> removed;
    for (const files::path& folder : entries(kFolder)) {
        const std::uint32_t dispatcher = dispatcher_of(folder.filename());
        const bool runs = dispatcher == 0 || running.contains(dispatcher);
        const auto owner = runs ? std::nullopt : dead_owner(folder, is_dead);
        std::error_code failed;
        if (owner && files::remove_all(folder, failed) > 0 && !failed) {
            removed.push_back({.folder = folder, .owner = *owner});
        }
    }
    return removed;
}

} // namespace pfild::kernel
