// SPDX-License-Identifier: BSD-2-Clause
// Canonical packets of random flows: what is part of the key is the flow's, everything else differs from packet to
// packet. The same for the same seed on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "cbpf/flow_dependence.h"
#include "pfild/flow_key.h"

namespace pfild::tests {

/// The choices of the standard library's distributions differ between libraries, these do not.
class Dice {
  public:
    explicit Dice(std::uint32_t seed) : random_(seed) {}

    /// 0 to limit - 1.
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }
    std::uint32_t any() { return static_cast<std::uint32_t>(random_()); }
    bool one_in(std::uint32_t count) { return below(count) == 0; }

    template <std::size_t Count>
    std::uint32_t of(const std::uint32_t (&choices)[Count]) {
        return choices[below(Count)];
    }

  private:
    std::mt19937 random_;
};

/// What programs compare with, so that their jumps go both ways.
inline constexpr std::uint32_t kSomeProtocols[] = {6, 6, 6, 17, 17, 1, 47, 58, 132, 33, 136, 50, 255};
inline constexpr std::uint32_t kSomePorts[] = {22, 53, 80, 443, 1000, 1500, 1007, 0x600};
inline constexpr std::uint32_t kSomeWords[] = {0xc0000201, 0xc000020c, 0x0a000001, 0x20010db8, 0, 1, 0xe0000001};
inline constexpr std::uint32_t kSomeTags[] = {7, 0x2007, 0xe800, 0x0806};

struct RandomFlow {
    bool inet;
    std::uint32_t protocol;
    std::vector<std::uint32_t> tags; ///< type and tci, 16 bits each
    std::array<std::uint32_t, 8> addresses;
    std::uint32_t ports;
};

class CanonicalPackets {
  public:
    explicit CanonicalPackets(std::uint32_t seed) : dice_(seed) {}

    RandomFlow flow(cbpf::PacketForm form) {
        RandomFlow flow{};
        const bool ethernet = form == cbpf::PacketForm::kEthernet;
        flow.inet = ethernet ? dice_.one_in(2) : form == cbpf::PacketForm::kInet;
        do {
            flow.protocol = dice_.one_in(5) ? dice_.below(256) : dice_.of(kSomeProtocols);
        } while (!flow.inet && pfild_is_extension(static_cast<std::uint8_t>(flow.protocol)) != 0);
        for (std::uint32_t tags = ethernet ? dice_.below(PFILD_MAX_TAGS + 1) : 0; tags > 0; --tags) {
            const std::uint32_t type = dice_.one_in(2) ? 0x8100 : 0x88a8;
            flow.tags.push_back(type << 16U | (dice_.one_in(3) ? dice_.below(0x10000) : dice_.of(kSomeTags)));
        }
        for (std::uint32_t& word : flow.addresses) {
            word = dice_.one_in(3) ? dice_.any() : dice_.of(kSomeWords);
        }
        flow.ports = dice_.of(kSomePorts) << 16U | dice_.of(kSomePorts);
        return flow;
    }

    /// An Ethernet frame of the flow.
    std::vector<std::uint8_t> frame(const RandomFlow& flow) {
        frame_.clear();
        put_noise(12);
        for (const std::uint32_t tag : flow.tags) {
            put(tag, 4);
        }
        put(flow.inet ? 0x0800 : 0x86dd, 2);
        flow.inet ? put_inet(flow) : put_inet6(flow);
        return frame_;
    }

  private:
    void put(std::uint32_t value, std::uint32_t size) {
        while (size > 0) {
            frame_.push_back(static_cast<std::uint8_t>(value >> (8 * --size)));
        }
    }

    void put_noise(std::uint32_t size) {
        for (; size > 0; --size) {
            frame_.push_back(static_cast<std::uint8_t>(dice_.any()));
        }
    }

    /// A length of a canonical packet: right, left for the kernel to set, or anything.
    std::uint32_t length(std::uint32_t right, std::uint32_t least) {
        if (right >= least && !dice_.one_in(3)) {
            return right;
        }
        return dice_.one_in(2) ? 0 : least + dice_.below(0x10000 - least);
    }

    void put_inet(const RandomFlow& flow) {
        const std::uint32_t words = dice_.one_in(3) ? 5 : 5 + dice_.below(11);
        const bool ports = pfild_has_ports(static_cast<std::uint8_t>(flow.protocol)) != 0;
        const std::uint32_t payload = (ports ? 4 : 0) + (dice_.one_in(3) ? 0 : dice_.below(30));
        put(4U << 4U | words, 1);
        put_noise(1);
        put(length(4 * words + payload, 4 * words + 4), 2);
        put_noise(2);
        put(dice_.below(4) << 14U, 2); // reserved, DF
        put_noise(1);
        put(flow.protocol, 1);
        put_noise(2);
        put(flow.addresses[0], 4);
        put(flow.addresses[4], 4);
        if (!ports && dice_.one_in(4)) { // nobody looks whether the options are there
            put_noise(dice_.below(4 * words - 20 + 1));
            return;
        }
        put_noise(4 * words - 20);
        put_payload(flow, ports, payload);
    }

    void put_inet6(const RandomFlow& flow) {
        const bool ports = pfild_has_ports(static_cast<std::uint8_t>(flow.protocol)) != 0;
        constexpr std::uint32_t kIcmp6 = 58;
        const std::uint32_t least = ports ? 4 : flow.protocol == kIcmp6 ? 1 : 0;
        const std::uint32_t payload = least + (dice_.one_in(3) ? 0 : dice_.below(30));
        put(6U << 28U | dice_.below(1U << 28U), 4);
        put(length(payload, 4), 2);
        put(flow.protocol, 1);
        put(dice_.below(255), 1); // not 255: neighbour discovery is of no flow
        for (const std::uint32_t word : flow.addresses) {
            put(word, 4);
        }
        put_payload(flow, ports, payload);
    }

    void put_payload(const RandomFlow& flow, bool ports, std::uint32_t payload) {
        if (ports) {
            put(flow.ports, 4);
        }
        put_noise(payload - (ports ? 4 : 0));
    }

    Dice dice_;
    std::vector<std::uint8_t> frame_;
};

/// The key as bytes; nothing if the frame is not canonical.
inline std::optional<std::string> key_of(std::span<const std::uint8_t> frame) {
    std::vector<std::uint8_t> copy(frame.size() + 2); // at 2 modulo 4
    std::copy(frame.begin(), frame.end(), copy.begin() + 2);
    pfild_flow_key key{};
    if (pfild_read_flow_key(&key, copy.data() + 2, copy.data() + copy.size(), 0) == 0) {
        return std::nullopt;
    }
    std::string bytes(sizeof key, '\0');
    std::memcpy(bytes.data(), &key, sizeof key);
    return bytes;
}

} // namespace pfild::tests
