// SPDX-License-Identifier: BSD-2-Clause
// See netmask.h.
#include "bpfctl/capture/netmask.h"

#include <cstring>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "client/descriptor.h"

namespace pfild::bpfctl {

std::optional<std::uint32_t> netmask_of(const std::string& interface) {
    ifreq asked{};
    if (interface.size() >= sizeof asked.ifr_name) {
        return std::nullopt; // an alternative name, which these calls do not know
    }
    interface.copy(static_cast<char*>(asked.ifr_name), interface.size());
    const client::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid() || ioctl(socket.get(), SIOCGIFNETMASK, &asked) != 0) {
        return std::nullopt;
    }
    sockaddr_in mask{};
    std::memcpy(&mask, &asked.ifr_netmask, sizeof mask);
    return ntohl(mask.sin_addr.s_addr);
}

} // namespace pfild::bpfctl
