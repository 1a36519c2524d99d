// SPDX-License-Identifier: BSD-2-Clause
#include "capture/device_table.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pfild::capture {
namespace {

constexpr std::uint32_t kEthernetLink = 1;  ///< DLT_EN10MB
constexpr std::size_t kEthernetHeader = 14; ///< bytes
constexpr std::uint32_t kAnyIndex = 0;
constexpr const char* kAttach = "set interface";

constexpr std::uint32_t aligned_down(std::uint32_t size) { return size & ~(PFILD_RECORD_ALIGNMENT - 1); }

std::string words(DeviceNumber number) { return "bpf" + std::to_string(number); }

BufferSizes possible(BufferSizes sizes) {
    sizes.largest = std::max(aligned_down(sizes.largest), Hold::kSmallest);
    sizes.usual = std::clamp(aligned_down(sizes.usual), Hold::kSmallest, sizes.largest);
    return sizes;
}

core::Directions joined(core::Directions a, core::Directions b) {
    return {a.has(core::Direction::kIn) || b.has(core::Direction::kIn),
            a.has(core::Direction::kOut) || b.has(core::Direction::kOut)};
}

} // namespace

DeviceTable::DeviceTable(const DeviceLimits& limits, TapPort& port)
    : limits_(limits), port_(port), entries_(limits.devices) {
    limits_.buffer_sizes = possible(limits.buffer_sizes);
    for (DeviceNumber number = limits.devices; number > 0; --number) {
        free_.push_back(number - 1);
    }
}

DeviceTable::~DeviceTable() {
    for (DeviceNumber number = 0; number < entries_.size(); ++number) {
        (void)close(number);
    }
}

// ---- devices

core::Result<DeviceNumber> DeviceTable::open(const DeviceOpener& opener, DeviceClient& client) {
    constexpr const char* kWhat = "open device";
    if (free_.empty()) {
        return core::fail({kWhat, "", "all " + std::to_string(limits_.devices) + " are in use",
                           "`bpfctl peers` lists them; close one, or raise `devices` in the configuration", ENOBUFS});
    }
    const auto of_user = std::count_if(entries_.begin(), entries_.end(), [&](const auto& entry) {
        return entry != nullptr && entry->opener.uid == opener.uid;
    });
    if (opener.uid != 0 && static_cast<std::uint64_t>(of_user) >= limits_.devices_per_user) {
        return core::fail({kWhat, "",
                           "user " + std::to_string(opener.uid) + " has " + std::to_string(of_user) + " open",
                           "close one, or raise `devices` in the configuration", ENOBUFS});
    }
    const DeviceNumber number = free_.back();
    free_.pop_back();
    entries_[number] = std::make_unique<Entry>(
        Entry{.number = number, .opener = opener, .device = Device(opener.access, limits_.buffer_sizes, client)});
    return number;
}

core::Result<void> DeviceTable::close(DeviceNumber number) {
    return entry("close device", number).map([&](Entry* entry) {
        entry->device.close();
        detach(*entry);
        closed_.add(entry->device.lifetime());
        entries_[number].reset();
        free_.push_back(number);
    });
}

Device* DeviceTable::find(DeviceNumber number) const {
    return number < entries_.size() && entries_[number] != nullptr ? &entries_[number]->device : nullptr;
}

void DeviceTable::note_use(DeviceNumber number, std::int32_t pid) {
    if (find(number) != nullptr) {
        entries_[number]->opener.pid = pid;
    }
}

core::Result<DeviceTable::Entry*> DeviceTable::entry(const char* what, DeviceNumber number) const {
    if (find(number) == nullptr) {
        return core::fail({what, words(number), "no such device", "`bpfctl peers` lists them", EBADF});
    }
    return entries_[number].get();
}

core::Result<DeviceTable::Entry*> DeviceTable::attached_entry(const char* what, DeviceNumber number) const {
    auto found = entry(what, number);
    if (found && !(*found)->ifindex) {
        return core::fail({what, words(number), "the device has no interface", "set one first", EINVAL});
    }
    return found;
}

core::Result<void> DeviceTable::attach(DeviceNumber number, std::string_view interface) {
    const auto found = entry(kAttach, number);
    if (!found) {
        return core::fail(found.error());
    }
    Entry& entry = **found;
    const std::optional<std::uint32_t> index = index_named(interface);
    if (!index && entry.device.state() == DeviceState::kUnattached) {
        return core::fail({kAttach, std::string(interface), "no such interface with a tap",
                           "`bpfctl attach --tap` gives it one", ENXIO});
    }
    if (entry.device.state() == DeviceState::kUnattached &&
        buffer_bytes() + 2ULL * entry.device.buffer_size() > limits_.buffer_memory) {
        return core::fail({kAttach, std::string(interface),
                           "the buffers would be too large for the memory of all devices", "ask for smaller ones",
                           ENOBUFS});
    }
    if (auto attached = entry.device.attach(); !attached) {
        return attached;
    }
    entry.ifindex = index;
    if (entry.device.access() != Access::kWrite) {
        listen(entry);
    }
    return {};
}

/// Bytes of all stores and holds.
std::uint64_t DeviceTable::buffer_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : entries_) {
        if (entry != nullptr && entry->device.state() != DeviceState::kUnattached) {
            bytes += 2ULL * entry->device.buffer_size();
        }
    }
    return bytes;
}

void DeviceTable::set_buffer_sizes(BufferSizes sizes) {
    limits_.buffer_sizes = possible(sizes);
    limits_.buffer_memory = 2ULL * limits_.devices * limits_.buffer_sizes.largest;
    for (const auto& entry : entries_) {
        if (entry != nullptr) {
            entry->device.set_buffer_sizes(limits_.buffer_sizes);
        }
    }
}

std::optional<std::uint32_t> DeviceTable::index_named(std::string_view name) const {
    if (name == kAnyInterface) {
        return kAnyIndex;
    }
    auto found = std::find_if(interfaces_.begin(), interfaces_.end(),
                              [&](const auto& item) { return item.second.facts.name == name; });
    if (found == interfaces_.end()) {
        found = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const auto& item) {
            const std::vector<std::string>& names = item.second.facts.altnames;
            return std::find(names.begin(), names.end(), name) != names.end();
        });
    }
    return found == interfaces_.end() ? std::nullopt : std::optional(found->first);
}

/// Puts the device last in the lists of what it is attached to.
void DeviceTable::listen(Entry& entry) {
    if (entry.ifindex != kAnyIndex) {
        interfaces_.at(*entry.ifindex).listeners.push_back(&entry);
        return;
    }
    any_.push_back(&entry);
    for (auto& [index, interface] : interfaces_) {
        if (interface.facts.data_link == kEthernetLink) {
            interface.listeners.push_back(&entry);
        }
    }
}

/// Takes a device that ends off all lists and gives back its promiscuous mode.
void DeviceTable::detach(Entry& entry) {
    std::erase(any_, &entry);
    for (auto& [index, interface] : interfaces_) {
        std::erase(interface.listeners, &entry);
    }
    if (std::exchange(entry.promiscuous, false)) {
        Interface& interface = interfaces_.at(*entry.ifindex);
        if (--interface.promiscuous == 0) {
            (void)port_.set_promiscuous(*entry.ifindex, false); // an interface that is just going may refuse
        }
    }
}

core::Result<void> DeviceTable::set_promiscuous(DeviceNumber number) {
    constexpr const char* kWhat = "set promiscuous";
    const auto found = attached_entry(kWhat, number);
    if (!found) {
        return core::fail(found.error());
    }
    Entry& entry = **found;
    if (entry.ifindex == kAnyIndex) {
        return core::fail({kWhat, std::string(kAnyInterface), "not of all interfaces at once", "name one", EINVAL});
    }
    if (entry.promiscuous) {
        return {};
    }
    Interface& interface = interfaces_.at(*entry.ifindex);
    if (interface.promiscuous == 0) {
        if (auto done = port_.set_promiscuous(*entry.ifindex, true); !done) {
            return done;
        }
    }
    ++interface.promiscuous;
    entry.promiscuous = true;
    return {};
}

core::Result<std::string> DeviceTable::interface_name(DeviceNumber number) const {
    return attached_entry("get interface", number).map([&](const Entry* entry) {
        return entry->ifindex == kAnyIndex ? std::string(kAnyInterface) : interfaces_.at(*entry->ifindex).facts.name;
    });
}

core::Result<std::uint32_t> DeviceTable::data_link(DeviceNumber number) const {
    return attached_entry("get data link type", number).map([&](const Entry* entry) {
        return entry->ifindex == kAnyIndex ? kEthernetLink : interfaces_.at(*entry->ifindex).facts.data_link;
    });
}

core::Result<void> DeviceTable::set_data_link(DeviceNumber number, std::uint32_t wanted) const {
    return data_link(number).and_then([&](std::uint32_t now) -> core::Result<void> {
        if (wanted != now) {
            return core::fail({"set data link type", words(number), "the interface has another",
                               "it is " + std::to_string(now), EINVAL});
        }
        return {};
    });
}

core::Result<void> DeviceTable::write(DeviceNumber number, std::span<const std::uint8_t> frame) {
    constexpr const char* kWhat = "write";
    const auto found = entry(kWhat, number);
    if (!found) {
        return core::fail(found.error());
    }
    const Entry& entry = **found;
    if (auto admitted = entry.device.admit_write(frame); !admitted || frame.empty()) {
        return admitted;
    }
    if (entry.ifindex == kAnyIndex) {
        return core::fail({kWhat, std::string(kAnyInterface), "not to all interfaces at once", "name one", EINVAL});
    }
    const TapInterface& facts = interfaces_.at(*entry.ifindex).facts;
    if (facts.data_link == kEthernetLink && frame.size() < kEthernetHeader) {
        return core::fail({kWhat, facts.name, "shorter than an Ethernet header", "write whole frames", EMSGSIZE});
    }
    const DeviceSettings& settings = entry.device.settings();
    if (settings.feedback && entry.opener.uid != 0) {
        return core::fail({kWhat, facts.name, "what comes in as well is asked of no rule, so only root may write it",
                           "set no feedback", EPERM});
    }
    return port_.write(*entry.ifindex, {.bytes = frame,
                                        .data_link = facts.data_link,
                                        .source_too = settings.header_complete,
                                        .feedback = settings.feedback});
}

// ---- interfaces

void DeviceTable::put_interface(const TapInterface& interface) {
    const auto [at, is_new] = interfaces_.try_emplace(interface.index, Interface{.facts = interface});
    at->second.facts = interface;
    if (is_new && interface.data_link == kEthernetLink) {
        at->second.listeners = any_;
    }
}

void DeviceTable::remove_interface(std::uint32_t index) {
    if (interfaces_.erase(index) == 0) {
        return;
    }
    for (const auto& entry : entries_) {
        if (entry != nullptr && entry->ifindex == index) {
            entry->ifindex.reset();
            entry->promiscuous = false; // went with the interface
            entry->device.orphan();
        }
    }
}

// ---- packets and time

void DeviceTable::dispatch(const TappedPacket& packet) noexcept {
    const auto found = interfaces_.find(packet.facts().ifindex);
    if (found == interfaces_.end()) {
        ++strays_;
        return;
    }
    const core::Direction direction = packet.facts().direction;
    if (bool& up = found->second.facts.up; direction == core::Direction::kOut && !up) {
        up = port_.is_up_by_now(found->first);
        if (!up) {
            return; // nothing leaves an interface that is down (BD-62)
        }
    }
    for (Entry* entry : found->second.listeners) {
        if (entry->device.wants(direction)) {
            entry->device.offer(packet);
        }
    }
}

void DeviceTable::charge(std::uint32_t ifindex, core::Direction direction, std::uint64_t count,
                         void (Device::*how)(std::uint64_t) noexcept) noexcept {
    const auto found = interfaces_.find(ifindex);
    if (found == interfaces_.end()) {
        strays_ += count;
        return;
    }
    for (Entry* entry : found->second.listeners) {
        if (entry->device.wants(direction)) {
            (entry->device.*how)(count);
        }
    }
}

void DeviceTable::charge_lost(std::uint32_t ifindex, core::Direction direction, std::uint64_t count) noexcept {
    charge(ifindex, direction, count, &Device::charge_lost);
}

void DeviceTable::announce() {
    for (const auto& entry : entries_) {
        if (entry != nullptr) {
            entry->device.announce();
        }
    }
    for (auto& [index, interface] : interfaces_) {
        for (const core::Direction direction :
             core::kEachDirection) { // before the lengths: nothing that is wanted is left out
            announce_filters(index, interface, direction);
        }
        const TapWish wish = wish_of(interface);
        if (wish != interface.told) {
            interface.told = wish;
            port_.set_tap(index, wish);
        }
    }
}

void DeviceTable::charge_filtered(std::uint32_t ifindex, core::Direction direction, std::uint64_t count) noexcept {
    charge(ifindex, direction, count, &Device::charge_filtered);
}

/// The filters of who listens there, unless one has none.
void DeviceTable::announce_filters(std::uint32_t index, Interface& interface, core::Direction direction) {
    names_.clear();
    for (const Entry* entry : interface.listeners) {
        if (!entry->device.tap_wish().directions.has(direction)) {
            continue;
        }
        if (entry->device.filter() == nullptr) {
            names_.clear();
            break;
        }
        names_.emplace_back(entry->number, entry->device.filter_version());
    }
    FilterNames& told = interface.told_filters[core::index(direction)];
    if (names_ == told) {
        return;
    }
    told = names_;
    std::vector<const cbpf::Program*> filters;
    for (const auto& [number, version] : told) {
        filters.push_back(entries_[number]->device.filter());
    }
    port_.set_filters(index, direction, filters);
}

/// Enough for each of its listeners.
TapWish DeviceTable::wish_of(const Interface& interface) {
    TapWish all;
    for (const Entry* entry : interface.listeners) {
        const TapWish wish = entry->device.tap_wish();
        all.directions = joined(all.directions, wish.directions);
        all.length = std::max(all.length, wish.length);
    }
    return all;
}

bool DeviceTable::pause() noexcept {
    bool pauses = false;
    for (const auto& entry : entries_) { // each of them: moments in which several readers are late are counted once
        pauses |= entry != nullptr && entry->device.pause();
    }
    return pauses;
}

bool DeviceTable::is_urgent() const {
    return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
        return entry != nullptr && entry->device.settings().immediate &&
               entry->device.state() == DeviceState::kAttached;
    });
}

std::optional<std::uint64_t> DeviceTable::deadline_ns(std::uint64_t now_ns) {
    std::optional<std::uint64_t> first;
    for (const auto& entry : entries_) {
        const auto deadline = entry != nullptr ? entry->device.deadline_ns(now_ns) : std::nullopt;
        if (deadline && (!first || *deadline < *first)) {
            first = deadline;
        }
    }
    return first;
}

void DeviceTable::expire(std::uint64_t now_ns) {
    for (const auto& entry : entries_) {
        if (entry != nullptr) {
            entry->device.expire(now_ns);
        }
    }
}

// ---- listings

std::vector<DeviceInfo> DeviceTable::devices() const {
    std::vector<DeviceInfo> list;
    for (const auto& entry : entries_) {
        if (entry == nullptr) {
            continue;
        }
        const Device& device = entry->device;
        list.push_back({.number = entry->number,
                        .opener = entry->opener,
                        .interface = interface_name(entry->number).value_or(""),
                        .state = device.state(),
                        .buffer_size = device.buffer_size(),
                        .promiscuous = entry->promiscuous,
                        .waits = device.waits(),
                        .directions = device.directions(),
                        .settings = device.settings(),
                        .stats = device.stats(),
                        .buffered = device.buffered()});
    }
    return list;
}

DeviceCounts DeviceTable::totals() const {
    DeviceCounts totals = closed_;
    for (const auto& entry : entries_) {
        if (entry != nullptr) {
            totals.add(entry->device.lifetime());
        }
    }
    return totals;
}

} // namespace pfild::capture
