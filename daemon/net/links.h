// SPDX-License-Identifier: BSD-2-Clause
// Interfaces of one network namespace, by rtnetlink: look at them, make and change the port pairs. libnl-route does the
// messages.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "core/error.h"

namespace pfild::net {

using Mac = std::array<std::uint8_t, 6>;

/// What pfild wants to know of a device, at one moment.
struct Link {
    std::uint32_t ifindex = 0;
    std::string name;
    std::vector<std::string> altnames{}; ///< `ip link property`; those of up to 127 characters
    std::string kind;                    ///< "veth", "bridge", "tun"...; empty for hardware
    std::string alias;                   ///< the administrator's, or the one that a port carries
    std::uint32_t mtu = 0;
    std::uint32_t arp_type = 0; ///< ARPHRD_*: what kind of link header
    std::uint32_t rx_queues = 0;
    bool up = false; ///< administratively
    bool loopback = false;
    bool tunnel_keys = false; ///< beside its packets (tunnel_keys.h)
    std::optional<Mac> mac;   ///< none: the device has no Ethernet address
    /// Where the other end of a pair is, by the number that this namespace has for that one; none: it is here, there is
    /// no other end, or that namespace is ending.
    std::optional<std::uint32_t> peer_netns{};

    /// No virtual interface; one that a virtual machine is given is hardware too.
    [[nodiscard]] bool is_hardware() const { return kind.empty() && !loopback; }

    friend bool operator==(const Link&, const Link&) = default;
};

/// "02:00:00:00:00:01"; empty without an address.
[[nodiscard]] std::string to_string(const std::optional<Mac>& mac);

struct NlSocketDeleter {
    void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
using NlSocket = std::unique_ptr<nl_sock, NlSocketDeleter>;

struct RtnlLinkDeleter {
    void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
using RtnlLink = std::unique_ptr<rtnl_link, RtnlLinkDeleter>;

/// A veth pair to be made: one end here, the other in another namespace, both under the same name.
struct PairRequest {
    std::string name;
    std::string alias; ///< of the end that users see
    std::uint32_t mtu = 0;
    int peer_netns = -1; ///< descriptor
};

class Links {
  public:
    /// For the namespace that the calling thread is in.
    [[nodiscard]] static core::Result<Links> open();

    /// ENODEV: there is none of that name or alternative name, or with that index.
    [[nodiscard]] core::Result<Link> find(const std::string& name);
    [[nodiscard]] core::Result<Link> find(std::uint32_t ifindex);

    /// Every device of the namespace.
    [[nodiscard]] core::Result<std::vector<Link>> all();

    /// Packets that the device was given to send and dropped, since it was made.
    [[nodiscard]] core::Result<std::uint64_t> tx_dropped(std::uint32_t ifindex);

    /// Makes the pair, both ends down, one queue each, no ARP. EEXIST: the name is taken.
    [[nodiscard]] core::Result<void> make_pair(const PairRequest& request);
    [[nodiscard]] core::Result<void> set_mtu(std::uint32_t ifindex, std::uint32_t mtu);
    [[nodiscard]] core::Result<void> set_up(std::uint32_t ifindex);
    [[nodiscard]] core::Result<void> set_down(std::uint32_t ifindex);
    /// Moves this end of a pair to where the other one is, under that name.
    [[nodiscard]] core::Result<void> move_to_peer(const Link& end, const std::string& name);
    /// Removes a virtual interface, a pair with both ends. Waits until nobody uses it.
    [[nodiscard]] core::Result<void> remove(std::uint32_t ifindex);
    /// The same of many at once, which takes hardly longer than of one. What is gone already is no error.
    [[nodiscard]] core::Result<void> remove_all(const std::vector<std::uint32_t>& ifindexes);

  private:
    struct Found {
        Link link;
        std::uint64_t tx_dropped = 0;
        std::uint32_t group = 0;
    };

    explicit Links(NlSocket socket) : socket_(std::move(socket)) {}
    [[nodiscard]] core::Result<Found> get(std::uint32_t ifindex, const std::string& name);
    [[nodiscard]] int ask(std::uint32_t ifindex, const std::string& name, int flags, std::vector<Found>& found);
    static int on_link(nl_msg* message, void* found);
    [[nodiscard]] core::Result<std::vector<Found>> list();
    [[nodiscard]] core::Result<void> change(std::uint32_t ifindex, rtnl_link* changes, const char* what);
    [[nodiscard]] core::Result<std::uint32_t> unused_group();

    NlSocket socket_;
};

} // namespace pfild::net
