// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/port.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "daemon/net/features.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::net {
namespace {

constexpr std::array<const char*, 2> kPairNames{"pfp", "pfq"};
constexpr std::array<const char*, 2> kPairTasks{"outgoing packets to the engine, incoming ones back",
                                                "incoming packets to the engine, outgoing ones back"};

// The kernel must not say a word on a port by itself: no addresses, no neighbour discovery, no multicast listener
// reports.
core::Result<void> silence(const std::string& device) {
    const std::string path = "/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6";
    const sys::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) {
        return {}; // a kernel without IPv6 has nothing to silence
    }
    if (!file || ::write(file.get(), "1\n", 2) != 2) {
        return sys::failed("write", path, errno);
    }
    return {};
}

core::Result<void> quieten(const std::string& device) {
    if (auto silent = silence(device); !silent) {
        return silent;
    }
    return turn_off_spoiling_offloads(device);
}

/// => who has had this instance's ports is dead.
core::Result<void> clear_name(Links& links, const std::string& name, const std::string& instance) {
    const auto taken = links.find(name);
    if (!taken) {
        return {};
    }
    if (!taken->alias.starts_with(kAliasPrefix + instance + ":")) {
        return core::fail({"make port pair", name,
                           "an interface of that name is there and is not ours: " + taken->alias,
                           "another instance of pfild has this interface, or rename that device", EEXIST});
    }
    return clear_away(links, *taken);
}

} // namespace

// A namespace that something holds has a number here. One without is being taken down: nothing holds its devices.
core::Result<void> clear_away(Links& links, const Link& end) {
    if (end.peer_netns && links.move_to_peer(end, fmt::format("pfold{}", end.ifindex))) {
        return {};
    }
    return links.remove(end.ifindex);
}

bool is_port(const Link& link) {
    const bool is_called_so = std::any_of(kPairNames.begin(), kPairNames.end(), [&](const std::string& prefix) {
        return link.name.size() > prefix.size() && link.name.starts_with(prefix) &&
               link.name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
    });
    return link.alias.starts_with(kAliasPrefix) || (is_called_so && link.kind == "veth");
}

core::Result<Port> Port::make(const Request& request) {
    Port port;
    port.stack_ = request.stack;
    port.engine_ = request.engine;
    for (std::size_t which = 0; which < kPairNames.size(); which++) {
        if (auto made = port.make_pair(request, which); !made) {
            return core::fail(std::move(made.error()));
        }
    }
    return port;
}

core::Result<void> Port::make_pair(const Request& request, std::size_t which) {
    Pair pair{.name = fmt::format("{}{}", kPairNames[which], request.interface.ifindex)};
    {
        auto visit = sys::NetNsVisit::begin(*request.stack);
        auto links = Links::open();
        if (!visit || !links) {
            return core::fail(visit ? links.error() : visit.error());
        }
        if (auto clear = clear_name(*links, pair.name, request.instance); !clear) {
            return clear;
        }
        const PairRequest wanted{
            .name = pair.name,
            .alias = fmt::format("{}{}: port of {}, {}", kAliasPrefix, request.instance, request.interface.name,
                                 kPairTasks[which]),
            .mtu = request.interface.mtu + kPortHeadroom,
            .peer_netns = request.engine->fd(),
        };
        if (auto made = links->make_pair(wanted); !made) {
            return made;
        }
        auto end = links->find(pair.name);
        if (!end) {
            return core::fail(std::move(end.error()));
        }
        pair.stack_ifindex = end->ifindex;
        pairs_[which] = pair; // from here on it is ours to remove
        if (auto quiet = quieten(pair.name); !quiet) {
            return quiet;
        }
    }
    auto visit = sys::NetNsVisit::begin(*request.engine);
    auto links = Links::open();
    if (!visit || !links) {
        return core::fail(visit ? links.error() : visit.error());
    }
    auto end = links->find(pair.name);
    if (!end) {
        return core::fail(std::move(end.error()));
    }
    pairs_[which].engine_ifindex = end->ifindex;
    return quieten(pair.name);
}

Port::Port(Port&& other) noexcept
    : pairs_(std::exchange(other.pairs_, {})), is_removed_(std::exchange(other.is_removed_, false)),
      stack_(other.stack_), engine_(other.engine_) {}

Port& Port::operator=(Port&& other) noexcept {
    if (this != &other) {
        remove();
        pairs_ = std::exchange(other.pairs_, {});
        is_removed_ = std::exchange(other.is_removed_, false);
        stack_ = other.stack_;
        engine_ = other.engine_;
    }
    return *this;
}

Port::~Port() { remove(); }

bool Port::owns(std::uint32_t stack_ifindex) const {
    return pairs_[0].stack_ifindex == stack_ifindex || pairs_[1].stack_ifindex == stack_ifindex;
}

core::Result<void> Port::each_end(const Change& change) {
    for (const bool in_stack : {false, true}) { // the engine's ends first: nothing comes up that nobody takes
        auto visit = sys::NetNsVisit::begin(in_stack ? *stack_ : *engine_);
        auto links = Links::open();
        if (!visit || !links) {
            return core::fail(visit ? links.error() : visit.error());
        }
        for (const Pair& pair : pairs_) {
            if (auto done = change(*links, in_stack ? pair.stack_ifindex : pair.engine_ifindex); !done) {
                return done;
            }
        }
    }
    return {};
}

core::Result<void> Port::set_up() {
    return each_end([](Links& links, std::uint32_t ifindex) { return links.set_up(ifindex); });
}

core::Result<void> Port::set_mtu(std::uint32_t interface_mtu) {
    const std::uint32_t mtu = interface_mtu + kPortHeadroom;
    return each_end([mtu](Links& links, std::uint32_t ifindex) { return links.set_mtu(ifindex, mtu); });
}

void Port::remove() noexcept {
    for (Pair& pair : pairs_) {
        if (pair.stack_ifindex == 0) {
            continue;
        }
        if (is_removed_) {
            pair = {};
            continue;
        }
        if (auto visit = sys::NetNsVisit::begin(*stack_); visit) {
            if (auto links = Links::open(); links) {
                (void)links->remove(pair.stack_ifindex); // gone already is what is wanted
            }
        }
        pair = {};
    }
}

} // namespace pfild::net
