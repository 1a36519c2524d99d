// SPDX-License-Identifier: BSD-2-Clause
// The first test of a program, done by who calls it instead of by the code that is called.
//
// A call through a pointer and its return take longer than most filters do inside. But most filters ask first for some
// bytes at a fixed place, the ethertype above all, and answer at once if they are others. So that test is held as data,
// inlined where the code would be called, and the code begins behind it. A program that asks for nothing else (`ip`)
// needs no call at all.
//
//     guard: 24 bytes, [12:2] == 08 00, otherwise 0   |   code: [20:4] & 1f ff 00 ff == 00 00 00 06, X = ..
//
// A value; any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "cbpf/jit/graph.h"
#include "cbpf/packet.h"

namespace pfild::cbpf::jit {

struct Guard {
    static constexpr std::uint32_t kWindow = sizeof(std::uint64_t); ///< bytes that are looked at

    std::uint32_t need = 0;      ///< bytes that the first piece must have, at least start + kWindow
    std::uint32_t start = 0;     ///< of the window
    std::uint64_t mask = 0;      ///< of the window as a little-endian number; 0: there is no such test
    std::uint64_t value = 0;     ///< what it must be
    std::uint32_t otherwise = 0; ///< the result if it is not
    std::int64_t result = -1;    ///< the result if it is; negative: the code knows

    /// => first.size() is `need` or more.
    [[nodiscard]] bool holds(std::span<const std::uint8_t> first) const noexcept {
        std::uint64_t window = 0;
        std::memcpy(&window, first.data() + start, kWindow);
        return (window & mask) == value;
    }
};

/// Takes the first test out of the graph, if it is one that can be a Guard. Afterwards, unless Guard::mask is 0: the
/// graph is what is to be run where the guard holds and leaves the result open.
/// => all passes have been over the graph, or none.
[[nodiscard]] Guard take_guard(Graph& graph);

} // namespace pfild::cbpf::jit
