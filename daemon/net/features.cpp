// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/features.h"

#include <algorithm>
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

// Which offloads there are and which of them are on; changes what `wanted` has an opinion of.
class Offloads {
  public:
    [[nodiscard]] static core::Result<Offloads> of(const std::string& device) {
        Offloads offloads(device);
        offloads.socket_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!offloads.socket_) {
            return sys::failed("open", "an ethtool socket", errno);
        }
        auto names = feature_names(offloads.socket_.get(), device);
        if (!names) {
            return core::fail(std::move(names.error()));
        }
        offloads.names_ = std::move(*names);
        return offloads;
    }

    /// Those of `candidates(name)` that are on.
    [[nodiscard]] core::Result<std::vector<std::string>> on(const auto& candidates) {
        Request get(sizeof(ethtool_gfeatures) + blocks() * sizeof(ethtool_get_features_block));
        auto* features = get.as<ethtool_gfeatures>();
        features->cmd = ETHTOOL_GFEATURES;
        features->size = static_cast<std::uint32_t>(blocks());
        if (!get.send(socket_.get(), device_)) {
            return sys::failed("read the offloads of", device_, errno);
        }
        std::vector<std::string> found;
        for (std::size_t i = 0; i < names_.size(); i++) {
            if (candidates(names_[i]) && (features->features[i / 32].active >> (i % 32) & 1U) != 0) {
                found.push_back(names_[i]);
            }
        }
        return found;
    }

    [[nodiscard]] core::Result<void> turn(bool on, const auto& chosen) {
        Request set(sizeof(ethtool_sfeatures) + blocks() * sizeof(ethtool_set_features_block));
        auto* features = set.as<ethtool_sfeatures>();
        features->cmd = ETHTOOL_SFEATURES;
        features->size = static_cast<std::uint32_t>(blocks());
        for (std::size_t i = 0; i < names_.size(); i++) {
            if (chosen(names_[i])) {
                features->features[i / 32].valid |= 1U << (i % 32);
                features->features[i / 32].requested |= on ? 1U << (i % 32) : 0U;
            }
        }
        if (!set.send(socket_.get(), device_)) {
            return sys::failed(on ? "turn on offloads of" : "turn off offloads of", device_, errno);
        }
        return {};
    }

  private:
    explicit Offloads(std::string device) : device_(std::move(device)) {}
    [[nodiscard]] std::size_t blocks() const { return (names_.size() + 31) / 32; }

    std::string device_;
    sys::Fd socket_;
    std::vector<std::string> names_;
};

bool takes_tags_out(std::string_view feature) {
    return feature == "rx-vlan-hw-parse" || feature == "rx-vlan-stag-hw-parse";
}

} // namespace

bool spoils_frames(std::string_view feature) {
    return feature.starts_with("tx-checksum-") || (feature.starts_with("tx-") && feature.ends_with("-segmentation")) ||
           feature == "tx-gso-list" || feature == "tx-gso-partial" || feature == "tx-vlan-hw-insert" ||
           feature == "tx-vlan-stag-hw-insert";
}

core::Result<void> turn_off_spoiling_offloads(const std::string& device) {
    auto offloads = Offloads::of(device);
    return offloads ? offloads->turn(false, spoils_frames) : core::fail(std::move(offloads.error()));
}

core::Result<std::vector<std::string>> leave_tags_in_packets(const std::string& device) {
    auto offloads = Offloads::of(device);
    auto were_on = offloads ? offloads->on(takes_tags_out) : core::fail(std::move(offloads.error()));
    if (!were_on || were_on->empty()) {
        return were_on;
    }
    if (auto off = offloads->turn(false, takes_tags_out); !off) {
        return core::fail(std::move(off.error()));
    }
    const auto still_on = offloads->on(takes_tags_out);
    if (still_on && !still_on->empty()) {
        (void)turn_on(device, *were_on);
        return core::fail({"turn off", still_on->front() + " of " + device,
                           "the driver cannot, and would hide VLAN tags from XDP", "use --mode tc", EOPNOTSUPP});
    }
    return were_on;
}

core::Result<void> turn_on(const std::string& device, const std::vector<std::string>& offloads) {
    auto all = Offloads::of(device);
    return all ? all->turn(true,
                           [&](const std::string& name) {
                               return std::find(offloads.begin(), offloads.end(), name) != offloads.end();
                           })
               : core::fail(std::move(all.error()));
}

std::optional<std::uint32_t> receive_queues(const std::string& device) {
    const sys::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    Request get(sizeof(ethtool_channels));
    get.as<ethtool_channels>()->cmd = ETHTOOL_GCHANNELS;
    if (!socket || !get.send(socket.get(), device)) {
        return std::nullopt;
    }
    const std::uint32_t queues = get.as<ethtool_channels>()->rx_count + get.as<ethtool_channels>()->combined_count;
    return queues != 0 ? std::optional(queues) : std::nullopt;
}

} // namespace pfild::net
