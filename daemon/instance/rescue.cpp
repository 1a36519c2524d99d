// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/instance/rescue.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "daemon/kernel/flow_maps.h"
#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/kernel/found_heads.h"
#include "daemon/kernel/identity.h"
#include "daemon/kernel/unfinished_dispatchers.h"
#include "daemon/net/ended_namespaces.h"
#include "daemon/net/links.h"
#include "daemon/net/port.h"
#include "daemon/rules/confirmed.h"
#include "daemon/sys/boot.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/instance.h"
#include "daemon/sys/netns.h"

namespace pfild {
namespace {

using kernel::Owner;
using nlohmann::json;
namespace files = std::filesystem;

constexpr const char* kPinFolder = "/sys/fs/bpf/pfild";
constexpr std::int64_t kOldBeatSeconds = 5;
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);
constexpr int kLooksForLeft = 30;
constexpr auto kForEndedNamespaces = std::chrono::minutes(1);

std::int64_t now_s() { return static_cast<std::int64_t>(sys::now_ns() / 1'000'000'000); }

std::string name_of(const Owner& owner) { return static_cast<const char*>(owner.identity.instance); }

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code ignored; // a folder that is not there has none
    for (const auto& entry : files::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename();
        if (sys::is_instance_name(name) && entry.symlink_status(ignored).type() == files::file_type::directory) {
            names.push_back(name);
        }
    }
    return names;
}

/// A network namespace, by its file.
using Place = std::pair<dev_t, ino_t>;

std::optional<Place> place_of(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? std::optional<Place>({status.st_dev, status.st_ino}) : std::nullopt;
}

/// Files that are namespaces, wherever they are mounted: that is how one has a name.
std::vector<std::string> mounted_namespaces() {
    std::vector<std::string> paths;
    std::ifstream mounts("/proc/self/mounts");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string device;
        std::string path;
        std::string kind;
        if (words >> device >> path >> kind && kind == "nsfs") {
            paths.push_back(path);
        }
    }
    return paths;
}

/// Every network namespace that a name or a process leads to, the caller's first.
std::vector<sys::NetNs> namespaces(bool all) {
    std::vector<std::string> paths{"/proc/self/ns/net"};
    if (all) {
        const auto named = mounted_namespaces();
        paths.insert(paths.end(), named.begin(), named.end());
        std::error_code ignored; // what cannot be listed leads nowhere
        for (const auto& entry : files::directory_iterator("/proc", ignored)) {
            paths.push_back(entry.path().string() + "/ns/net");
        }
    }
    std::set<Place> known;
    std::vector<sys::NetNs> found;
    for (const std::string& path : paths) {
        const auto place = place_of(path);
        if (!place || !known.insert(*place).second) {
            continue;
        }
        if (auto opened = sys::NetNs::open(path)) {
            found.push_back(std::move(*opened));
        }
    }
    return found;
}

class Rescue {
  public:
    explicit Rescue(const RescueRequest& request) : request_(request) {}

    [[nodiscard]] core::Result<std::string> run() {
        judge();
        wait_for_old_beats();
        lock();
        keep_only_waited_for();
        for (const sys::NetNs& place : namespaces(request_.interface.empty() || request_.instance)) {
            visit(place);
        }
        if (request_.interface.empty()) {
            remove_dispatchers();
            remove_folders();
            wait_until_gone();
        }
        for (auto& [name, lock] : locks_) {
            if (!folders_.contains(name)) { // made by its lock
                lock.remove();
            }
        }
        return answer();
    }

  private:
    [[nodiscard]] bool meant(const std::string& name) const { return !request_.instance || *request_.instance == name; }

    /// Whether the lock of that instance could be seen here.
    [[nodiscard]] bool at_home(const Owner& run) const {
        const auto place = place_of(request_.runtime_folder);
        return place && static_cast<std::uint32_t>(place->first) == run.identity.home;
    }

    /// Why a run that no socket speaks for is not to be touched all the same; "" if it is dead.
    [[nodiscard]] std::string kept(const Owner& run, const std::vector<Owner>& all) const {
        const auto heir = std::find_if(all.begin(), all.end(), [&run](const Owner& other) {
            return other.living && kernel::whose(run, other.identity) == kernel::Whose::kLeft;
        });
        if (heir != all.end()) {
            return fmt::format("{} takes it over", heir->words());
        }
        const auto why = held_.find(name_of(run));
        return why != held_.end() && at_home(run) ? why->second : "";
    }

    void keep(const Owner& run, const std::string& why) {
        kept_.emplace(name_of(run), why);
        if (at_home(run)) {
            kept_here_.insert(name_of(run));
        }
    }

    void judge() {
        dead_.clear();
        kept_.clear();
        kept_here_.clear();
        const std::vector<Owner> all = kernel::runs_in_kernel();
        for (const Owner& run : all) {
            if (!meant(name_of(run))) {
                continue;
            }
            const std::string why = run.living ? fmt::format("{} lives", run.words()) : kept(run, all);
            if (why.empty() && !beating_.contains(run.identity.run[0])) {
                dead_.push_back(run);
            } else {
                keep(run, why.empty() ? "its beat goes on" : why);
            }
        }
    }

    [[nodiscard]] std::int64_t youngest_s() const {
        std::int64_t youngest = kOldBeatSeconds + 1;
        for (const Owner& run : dead_) {
            youngest = run.beat_s == 0 ? youngest : std::min(youngest, now_s() - run.beat_s);
        }
        return youngest;
    }

    /// A beat that was young all the time, and is another one than at first, goes on. A clock of another time
    /// namespace can make an old one look young.
    void wait_for_old_beats() {
        if (request_.force) {
            if (const std::int64_t age = youngest_s(); age <= kOldBeatSeconds) {
                warnings_.push_back(fmt::format("--force: the last beat is {} s old and was not waited for", age));
            }
            return;
        }
        const std::vector<Owner> before = dead_;
        const std::int64_t until = now_s() + kOldBeatSeconds + 1;
        while (youngest_s() <= kOldBeatSeconds && now_s() <= until) {
            std::this_thread::sleep_for(kBetweenLooks);
            judge();
        }
        for (const Owner& run : dead_) {
            const bool went_on = std::any_of(before.begin(), before.end(), [&run](const Owner& old) {
                return kernel::same_run(old.identity, run.identity) && old.beat_s != run.beat_s;
            });
            if (went_on && now_s() - run.beat_s <= kOldBeatSeconds) {
                beating_.insert(run.identity.run[0]);
            }
        }
    }

    /// Looks once more, now that no daemon can start: who has died meanwhile is not meant.
    void keep_only_waited_for() {
        const std::vector<Owner> waited_for = std::exchange(dead_, {});
        judge();
        std::erase_if(dead_, [&](const Owner& run) {
            const bool known = std::any_of(waited_for.begin(), waited_for.end(), [&run](const Owner& old) {
                return kernel::same_run(old.identity, run.identity);
            });
            if (!known) {
                keep(run, "its daemon was killed just now");
            }
            return !known;
        });
    }

    /// Until the end of this no daemon of these names can start.
    void lock() {
        std::set<std::string> names;
        for (const Owner& run : dead_) {
            if (at_home(run)) {
                names.insert(name_of(run));
            }
        }
        for (const std::string& name : names_in(request_.runtime_folder)) {
            names.insert(name);
            folders_.insert(name);
        }
        for (const std::string& name : names_in(kPinFolder)) {
            names.insert(name);
        }
        for (const std::string& name : names) {
            if (!meant(name)) {
                continue;
            }
            if (auto taken = sys::Instance::take(request_.runtime_folder, name)) {
                locks_.emplace(name, std::move(*taken));
            } else {
                held_.emplace(name, taken.error().why);
            }
        }
    }

    [[nodiscard]] const Owner* dead(const Owner& owner) const {
        const auto found = std::find_if(dead_.begin(), dead_.end(), [&owner](const Owner& run) {
            return kernel::same_run(run.identity, owner.identity);
        });
        return found == dead_.end() ? nullptr : &*found;
    }

    /// A daemon that was starting, elsewhere, had nothing yet that says that it lives. It has before it has heads.
    [[nodiscard]] static bool lives_now(const Owner& owner) {
        const std::vector<Owner> all = kernel::runs_in_kernel();
        return std::any_of(all.begin(), all.end(), [&owner](const Owner& run) {
            return run.living && kernel::same_run(run.identity, owner.identity);
        });
    }

    void visit(const sys::NetNs& place) {
        auto visit = sys::NetNsVisit::begin(place);
        auto links = visit ? net::Links::open() : core::fail(std::move(visit.error()));
        const auto meant_links = links ? meant_of(*links) : core::fail(std::move(links.error()));
        if (!meant_links) {
            warnings_.push_back(meant_links.error().line());
            return;
        }
        for (const net::Link& link : *meant_links) {
            if (request_.interface.empty()) {
                remove_port(*links, link);
            }
            seen_ = true;
            remove_heads(link, place);
            running_.insert(kernel::native_program(link.ifindex));
        }
    }

    /// By its name, or one of its alternative names, as the kernel knows them.
    [[nodiscard]] core::Result<std::vector<net::Link>> meant_of(net::Links& links) const {
        if (request_.interface.empty()) {
            return links.all();
        }
        auto link = links.find(request_.interface);
        if (!link && link.error().code != ENODEV) {
            return core::fail(std::move(link.error()));
        }
        return link ? std::vector{*std::move(link)} : std::vector<net::Link>();
    }

    /// Mostly it is gone already, with the namespace of the daemon.
    void remove_port(net::Links& links, const net::Link& link) {
        if (link.kind != "veth" || !link.alias.starts_with(net::kAliasPrefix)) {
            return;
        }
        const std::vector<Owner> owners = kernel::port_owners(link.ifindex);
        const bool theirs = std::any_of(owners.begin(), owners.end(), [this](const Owner& owner) {
            return dead(owner) != nullptr && !lives_now(owner);
        });
        if (theirs && net::clear_away(links, link)) {
            removed_.push_back({{"what", "port"}, {"object", link.name}, {"instance", name_of(owners.front())}});
        }
    }

    void remove_heads(const net::Link& link, const sys::NetNs& place) {
        for (const kernel::FoundHead& head : kernel::find_heads(link.ifindex)) {
            if (dead(head.owner) != nullptr && !lives_now(head.owner)) {
                kernel::remove_head(link.ifindex, head);
                removed_.push_back({{"what", "head"},
                                    {"object", link.name},
                                    {"where", head.where()},
                                    {"netns", place.inode()},
                                    {"instance", name_of(head.owner)}});
            } else if (meant(name_of(head.owner))) {
                others_.push_back(fmt::format("{} has a head there ({})", head.owner.words(), head.where()));
            }
        }
        for (const kernel::FoundHead& head : kernel::find_heads(link.ifindex)) {
            if (dead(head.owner) != nullptr && !lives_now(head.owner)) {
                stuck_.push_back(fmt::format("{} {}", link.name, head.where()));
            }
        }
    }

    void remove_dispatchers() {
        const auto is_dead = [this](const Owner& owner) { return dead(owner) != nullptr; };
        for (const auto& one : kernel::remove_unfinished_dispatchers(running_, is_dead)) {
            removed_.push_back({{"what", "pins"}, {"object", one.folder}, {"instance", name_of(one.owner)}});
        }
    }

    /// Pins and what the daemon had in its folder. Not of an instance of which anything is kept here. Pins that another
    /// one of that name uses have its lock.
    void remove_folders() {
        for (auto& [name, lock] : locks_) {
            if (kept_here_.contains(name)) {
                continue;
            }
            remove_pins(name);
            if (stuck_.empty() && folders_.contains(name)) { // else the running model is for the next start
                end(name);
                std::error_code ignored; // absent is what is wanted
                files::remove_all(lock.folder(), ignored);
                removed_.push_back({{"what", "folder"}, {"object", lock.folder()}, {"instance", name}});
            }
        }
    }

    void remove_pins(const std::string& name) {
        const std::string pins = std::string(kPinFolder) + '/' + name;
        std::error_code ignored; // absent is what is wanted
        if (!files::is_directory(pins, ignored)) {
            return;
        }
        if (const auto taken = kernel::FlowPins::take(name); !taken.folder().empty()) {
            taken.remove();
            removed_.push_back({{"what", "pins"}, {"object", pins}, {"instance", name}});
        } else {
            warnings_.push_back(fmt::format("{} is in use and stays", pins));
        }
    }

    /// As at a stop in order, what bpfctl did ends: the next start is from the files.
    void end(const std::string& name) const {
        std::error_code ignored; // no such folder: nothing is kept
        if (files::is_directory(request_.state_folder + '/' + name, ignored)) {
            rules::Confirmed(request_.state_folder, name).set_stopped_in(sys::boot_id());
        }
    }

    /// Names of dead instances that have programs in the kernel.
    [[nodiscard]] std::set<std::string> names_left() const {
        std::set<std::string> left;
        for (const Owner& run : kernel::runs_in_kernel()) {
            if (dead(run) != nullptr) {
                left.insert(name_of(run));
            }
        }
        return left;
    }

    /// The kernel lets a program go a moment after its last use.
    [[nodiscard]] std::set<std::string> left_after_a_moment() const {
        std::set<std::string> left = names_left();
        for (int look = 0; look < kLooksForLeft && !left.empty(); look++) {
            std::this_thread::sleep_for(kBetweenLooks);
            left = names_left();
        }
        return left;
    }

    /// The namespace of a dead daemon has ended, but its devices have programs until the kernel takes it down.
    void wait_until_gone() {
        if (left_after_a_moment().empty()) {
            return;
        }
        const auto taken_down = net::await_ended_namespaces(kForEndedNamespaces);
        const char* const who = taken_down && !*taken_down
                                    ? "the kernel has not yet taken down the network namespaces that have ended; "
                                      "look again in a minute"
                                    : "a network namespace that no process and no name leads to has them, or another "
                                      "BPF file system";
        for (const std::string& name : left_after_a_moment()) {
            warnings_.push_back(fmt::format("programs of instance '{}' are in the kernel still: {}", name, who));
        }
    }

    [[nodiscard]] core::Result<std::string> answer() const {
        if (!stuck_.empty()) {
            return core::fail({"rescue", stuck_.front(), "the head of a dead instance could not be removed",
                               "`ip link` and `tc filter show` list what is in the way", EAGAIN});
        }
        if (!request_.interface.empty() && !seen_) {
            return core::fail({"rescue", request_.interface, "no such interface in this network namespace",
                               "with -N NAME those of that instance are looked for in all", ENODEV});
        }
        if (!request_.interface.empty() && removed_.empty() && !others_.empty()) {
            return core::fail(
                {"rescue", request_.interface, others_.front(), "`bpfctl -N NAME detach` takes off what lives", EBUSY});
        }
        json kept = json::array();
        for (const auto& [name, why] : kept_) {
            kept.push_back({{"instance", name}, {"why", why}});
        }
        const json answer{{"removed", removed_}, {"kept", kept}, {"warnings", warnings_}};
        return answer.dump(-1, ' ', false, json::error_handler_t::replace);
    }

    const RescueRequest& request_;
    std::vector<Owner> dead_;
    std::set<std::uint64_t> beating_;              ///< runs whose beat goes on, by their first number
    std::multimap<std::string, std::string> kept_; ///< instances, and why
    std::map<std::string, std::string> held_;      ///< locks that somebody has, and who
    std::set<std::string> kept_here_;              ///< of them those whose folder is here
    std::map<std::string, sys::Instance> locks_;
    std::set<std::string> folders_;   ///< names that had a folder before
    bool seen_ = false;               ///< an interface that was meant
    std::set<std::uint32_t> running_; ///< what XDP runs on the devices that were looked at
    json removed_ = json::array();
    json warnings_ = json::array();
    std::vector<std::string> others_; ///< heads there that are not to be touched
    std::vector<std::string> stuck_;
};

} // namespace

core::Result<std::string> rescue(const RescueRequest& request) { return Rescue(request).run(); }

std::string rescue_error(const core::Error& error) {
    const char* const name = ::strerrorname_np(error.code);
    const json answer{{"error",
                       {{"errno", name != nullptr ? name : ""},
                        {"what", error.what},
                        {"object", error.object},
                        {"why", error.why},
                        {"advice", error.advice}}}};
    return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace pfild
