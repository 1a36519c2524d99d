// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/features.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::net {
namespace {

// One ethtool request: a command structure with a tail of varying length.
class Request {
  public:
    explicit Request(std::size_t bytes) : bytes_(bytes / sizeof(std::uint64_t) + 1) {}

    template <typename Command>
    [[nodiscard]] Command* as() {
        return reinterpret_cast<Command*>(bytes_.data()); // NOLINT: the kernel's structures, in aligned memory
    }

    [[nodiscard]] bool send(int socket, const std::string& device) {
        ifreq request{};
        device.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_data = reinterpret_cast<char*>(bytes_.data()); // NOLINT: as ioctl(2) wants it
        return ::ioctl(socket, SIOCETHTOOL, &request) >= 0;        // above 0: what was refused because it is fixed
    }

  private:
    std::vector<std::uint64_t> bytes_;
};

core::Result<std::vector<std::string>> feature_names(int socket, const std::string& device) {
    Request count(sizeof(ethtool_sset_info) + sizeof(std::uint32_t));
    count.as<ethtool_sset_info>()->cmd = ETHTOOL_GSSET_INFO;
    count.as<ethtool_sset_info>()->sset_mask = 1ULL << ETH_SS_FEATURES;
    if (!count.send(socket, device)) {
        return sys::failed("list the offloads of", device, errno);
    }
    const std::uint32_t features = count.as<ethtool_sset_info>()->data[0];
    Request strings(sizeof(ethtool_gstrings) + std::size_t{features} * ETH_GSTRING_LEN);
    strings.as<ethtool_gstrings>()->cmd = ETHTOOL_GSTRINGS;
    strings.as<ethtool_gstrings>()->string_set = ETH_SS_FEATURES;
    strings.as<ethtool_gstrings>()->len = features;
    if (!strings.send(socket, device)) {
        return sys::failed("list the offloads of", device, errno);
    }
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < features; i++) {
        const auto* name = reinterpret_cast<const char*>( // NOLINT: bytes that hold text
            &strings.as<ethtool_gstrings>()->data[std::size_t{i} * ETH_GSTRING_LEN]);
        names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
    }
    return names;
}

} // namespace

bool spoils_frames(std::string_view feature) {
    return feature.starts_with("tx-checksum-") || (feature.starts_with("tx-") && feature.ends_with("-segmentation")) ||
           feature == "tx-gso-list" || feature == "tx-gso-partial" || feature == "tx-vlan-hw-insert" ||
           feature == "tx-vlan-stag-hw-insert";
}

core::Result<void> turn_off_spoiling_offloads(const std::string& device) {
    const sys::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) {
        return sys::failed("open", "an ethtool socket", errno);
    }
    const auto names = feature_names(socket.get(), device);
    if (!names) {
        return core::fail(names.error());
    }
    const std::size_t blocks = (names->size() + 31) / 32;
    Request set(sizeof(ethtool_sfeatures) + blocks * sizeof(ethtool_set_features_block));
    auto* features = set.as<ethtool_sfeatures>();
    features->cmd = ETHTOOL_SFEATURES;
    features->size = static_cast<std::uint32_t>(blocks);
    for (std::size_t i = 0; i < names->size(); i++) {
        if (spoils_frames((*names)[i])) {
            features->features[i / 32].valid |= 1U << (i % 32); // requested stays 0: off
        }
    }
    if (!set.send(socket.get(), device)) {
        return sys::failed("turn off offloads of", device, errno);
    }
    return {};
}

} // namespace pfild::net
