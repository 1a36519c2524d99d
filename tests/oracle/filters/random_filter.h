// SPDX-License-Identifier: BSD-2-Clause
// Random filter expressions as libpcap takes them, and packets that have to do with a program: the same for the same
// seed on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cbpf/program.h"

namespace pfild::tests {

class RandomFilter {
  public:
    RandomFilter(std::uint32_t seed, bool ethernet) : random_(seed), ethernet_(ethernet) {}

    /// An expression of some primitives, joined by and, or and not.
    std::string expression();
    /// Of the kind of which libpcap's optimiser forgets a part: the same hosts in exceptions beside each other.
    std::string exceptions();

    /// Starts from a frame that makes sense, with bytes that the program compares with; sometimes cut.
    std::vector<std::uint8_t> packet(const cbpf::Program& program);

    /// 0 to limit - 1. The distributions of the standard library differ between libraries, this does not.
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }

  private:
    std::string joined(unsigned depth);
    std::string primitive();
    std::string link_primitive();
    std::string arithmetic(unsigned depth);
    std::string comparison();
    std::string host();
    std::string port();
    template <std::size_t N>
    std::string one_of(const char* const (&words)[N]) {
        return words[below(N)];
    }

    void meet(std::vector<std::uint8_t>& packet, const cbpf::Program& program);

    std::mt19937 random_;
    bool ethernet_;
};

} // namespace pfild::tests
