// SPDX-License-Identifier: BSD-2-Clause
// See lists.h.
#include "lists.h"

#include <functional>
#include <random>

namespace pfild::tests {
namespace {

constexpr std::uint32_t kLength = 250;

std::string dotted(std::uint32_t address) {
    return std::to_string(address >> 24U) + '.' + std::to_string(address >> 16U & 0xffU) + '.' +
           std::to_string(address >> 8U & 0xffU) + '.' + std::to_string(address & 0xffU);
}

std::string listed(const std::string& primitive, const std::function<std::string(std::uint32_t)>& member) {
    std::string all;
    for (std::uint32_t i = 0; i < kLength; ++i) {
        all += (i == 0 ? "" : " or ") + primitive + ' ' + member(i);
    }
    return all;
}

} // namespace

std::vector<List> lists(std::uint32_t seed, bool ethernet) {
    std::mt19937 random(seed);
    const auto in_a_row = [](std::uint32_t i) { return dotted(0x0a000000 + i); };
    const auto anywhere = [&](std::uint32_t) {
        return dotted(0x01000000 + static_cast<std::uint32_t>(random()) % 0xdf000000);
    };
    const auto net = [&](std::uint32_t bits) {
        return dotted(static_cast<std::uint32_t>(random()) >> (32 - bits) << (32 - bits)) + '/' + std::to_string(bits);
    };
    const auto nets = [&](std::uint32_t) { return net(24); };
    const auto nets_of_all_sizes = [&](std::uint32_t i) { return net(8 + i % 6 * 4); };
    const auto ports_in_a_row = [](std::uint32_t i) { return std::to_string(1000 + i); };
    const auto ports_anywhere = [&](std::uint32_t) {
        return std::to_string(1 + static_cast<std::uint32_t>(random()) % 65000);
    };
    const bool inet = !ethernet;
    return {
        {"host, in a row", listed("host", in_a_row), true, true},
        {"host, anywhere", listed("host", anywhere), inet, true},
        {"src host, in a row", listed("src host", in_a_row), true, true},
        {"src host, anywhere", listed("src host", anywhere), true, true},
        {"ip host, anywhere", listed("ip host", anywhere), true, true},
        {"net, of one size", listed("net", nets), false, true},
        {"src net, of one size", listed("src net", nets), true, true},
        {"src net, of all sizes", listed("src net", nets_of_all_sizes), true, true},
        {"tcp dst port, anywhere", listed("tcp dst port", ports_anywhere), true, true},
        {"udp port, in a row", listed("udp port", ports_in_a_row), true, true},
        {"host, in a row, and a port", "tcp dst port 22 and (" + listed("host", in_a_row) + ')', true, true},
        {"not host, in a row", "not (" + listed("host", in_a_row) + ')', true, true},
    };
}

} // namespace pfild::tests
