// SPDX-License-Identifier: BSD-2-Clause
// A port pair: the two veth pairs beside an attached interface, over which packets reach the engine and come back.
//
//      instance's namespace            private namespace
//           p1  pfp<ifindex>  =====  pfp<ifindex>  p0       OUT up, IN down
//           q1  pfq<ifindex>  =====  pfq<ifindex>  q0       IN up, OUT down
//
// p1 and q1 are what an administrator sees: an alias says what they are, they have no address, no ARP and no IPv6.
// Their MTU has room for the label and two tags. A port owns its pairs: they go with it, and with the private
// namespace, so a daemon that is killed leaves none. Control thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "core/error.h"
#include "daemon/net/links.h"
#include "daemon/sys/netns.h"

namespace pfild::net {

/// Bytes that a frame may be longer on a port than on its interface: the label and a second tag.
inline constexpr std::uint32_t kPortHeadroom = 8;

/// How a port's alias begins, for whoever finds one: "pfild INSTANCE: ".
inline constexpr const char* kAliasPrefix = "pfild ";

/// Whether a device is an end of a port, of any instance; also one that has no alias yet.
[[nodiscard]] bool is_port(const Link& link);

/// Takes a pair of a daemon that was killed out of the way, without waiting: packets that it sent, and that lie in the
/// queue of an interface, hold its sockets, these its private namespace, and the pair's devices. So the end that is
/// here goes to that namespace, which the kernel takes down with all in it when the last such packet has left.
[[nodiscard]] core::Result<void> clear_away(Links& links, const Link& end);

/// One of the two pairs, by its four facts.
struct Pair {
    std::string name;
    std::uint32_t stack_ifindex = 0;  ///< of p1 or q1
    std::uint32_t engine_ifindex = 0; ///< of p0 or q0
};

class Port {
  public:
    struct Request {
        std::string instance;
        Link interface;
        const sys::NetNs* stack = nullptr;  ///< where the interface is
        const sys::NetNs* engine = nullptr; ///< the private one
    };

    /// Makes both pairs, with offloads and protocols off, still down. EEXIST: the names belong to somebody else.
    [[nodiscard]] static core::Result<Port> make(const Request& request);
    Port(Port&& other) noexcept;
    Port& operator=(Port&& other) noexcept;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;
    ~Port();

    [[nodiscard]] const Pair& p() const { return pairs_[0]; }
    [[nodiscard]] const Pair& q() const { return pairs_[1]; }
    [[nodiscard]] bool owns(std::uint32_t stack_ifindex) const;

    /// Sets all four ends up.
    [[nodiscard]] core::Result<void> set_up();
    /// Follows the interface's MTU.
    [[nodiscard]] core::Result<void> set_mtu(std::uint32_t interface_mtu);
    /// Removes the pairs; what is gone already is no error. Before the sockets on them are closed: a packet in the
    /// queue of an interface holds the socket that sent it, and a closed socket the device.
    void remove() noexcept;
    /// Somebody has removed the pairs, with those of other ports.
    void was_removed() noexcept { is_removed_ = true; }

  private:
    Port() = default;
    [[nodiscard]] core::Result<void> make_pair(const Request& request, std::size_t which);
    using Change = std::function<core::Result<void>(Links&, std::uint32_t ifindex)>;
    [[nodiscard]] core::Result<void> each_end(const Change& change);

    std::array<Pair, 2> pairs_;
    bool is_removed_ = false;
    const sys::NetNs* stack_ = nullptr;
    const sys::NetNs* engine_ = nullptr;
};

} // namespace pfild::net
