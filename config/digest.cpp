// SPDX-License-Identifier: BSD-2-Clause
// See config/digest.h. Names of functions and variables are those of FIPS 180-4.
#include "config/digest.h"

#include <bit>
#include <cstddef>

namespace pfild::config {
namespace {

constexpr std::size_t kBlock = 64;       // bytes
constexpr std::size_t kLengthPlace = 56; // of the message's length in its last block

constexpr std::array<std::uint32_t, kBlock> kK{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

} // namespace

void Digest::add(std::string_view bytes) {
    for (const char byte : bytes) {
        block_.at(length_++ % kBlock) = static_cast<std::uint8_t>(byte);
        if (length_ % kBlock == 0) {
            take_block();
        }
    }
}

void Digest::take_block() {
    std::array<std::uint32_t, kBlock> w{};
    for (std::size_t i = 0; i < kBlock; ++i) {
        w.at(i / 4) = (w.at(i / 4) << 8U) | block_.at(i);
    }
    for (std::size_t t = 16; t < kBlock; ++t) {
        const std::uint32_t a = w.at(t - 15);
        const std::uint32_t b = w.at(t - 2);
        const std::uint32_t sigma0 = std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3U);
        const std::uint32_t sigma1 = std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10U);
        w.at(t) = w.at(t - 16) + sigma0 + w.at(t - 7) + sigma1;
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t t = 0; t < kBlock; ++t) {
        const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + kK.at(t) + w.at(t);
        const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < state_.size(); ++i) {
        state_.at(i) += added.at(i);
    }
}

std::string Digest::finish() {
    const std::uint64_t bits = length_ * 8;
    add("\x80");
    while (length_ % kBlock != kLengthPlace) {
        add(std::string_view("\0", 1));
    }
    for (int shift = 56; shift >= 0; shift -= 8) {
        const char byte = static_cast<char>(bits >> static_cast<unsigned>(shift));
        add({&byte, 1});
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    for (const std::uint32_t word : state_) {
        for (int shift = 28; shift >= 0; shift -= 4) {
            text += kHex[(word >> static_cast<unsigned>(shift)) & 0xfU];
        }
    }
    return text;
}

std::string digest_of(std::string_view bytes) {
    Digest digest;
    digest.add(bytes);
    return digest.finish();
}

} // namespace pfild::config
