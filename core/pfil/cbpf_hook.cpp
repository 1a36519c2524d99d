// SPDX-License-Identifier: BSD-2-Clause
#include "core/pfil/cbpf_hook.h"

#include <algorithm>
#include <utility>

#include "cbpf/interpret.h"
#include "cbpf/packet.h"

namespace pfild::core {
namespace {

/// The program's answer about a packet in several pieces.
std::uint32_t interpret_chain(const cbpf::Program& program, const Packet& packet) noexcept {
    std::array<cbpf::Segment, kMaxFrameSegments> segments;
    std::size_t count = 0;
    std::uint32_t skip = packet.offset;
    std::uint32_t left = packet.length;
    packet.frame.each_segment([&](std::span<std::uint8_t> segment) {
        const auto size = static_cast<std::uint32_t>(segment.size());
        const std::uint32_t skipped = std::min(skip, size);
        const std::uint32_t taken = std::min(left, size - skipped);
        skip -= skipped;
        left -= taken;
        if (taken != 0) {
            segments[count++] = {.data = segment.data() + skipped, .length = taken};
        }
    });
    return cbpf::interpret(program, cbpf::Packet(std::span(segments).first(count), 0, packet.length));
}

std::uint32_t interpret(const cbpf::Program& program, const Packet& packet) noexcept {
    const std::span<const std::uint8_t> head = packet.frame.head();
    if (packet.offset <= head.size() && packet.length <= head.size() - packet.offset) [[likely]] {
        return cbpf::interpret(program, cbpf::Packet(head.subspan(packet.offset, packet.length)));
    }
    return interpret_chain(program, packet);
}

} // namespace

std::optional<OnMatch> on_match_named(std::string_view text) {
    const auto* found = std::find(kOnMatchNames.begin(), kOnMatchNames.end(), text);
    if (found == kOnMatchNames.end()) {
        return std::nullopt;
    }
    return static_cast<OnMatch>(found - kOnMatchNames.begin());
}

CbpfHook::CbpfHook(CbpfHookSpec spec, cbpf::Program program)
    : Hook(std::move(spec.name), spec.type), program_(std::move(program)), on_match_(spec.on_match),
      filter_(std::move(spec.filter)) {}

std::vector<HookDetail> CbpfHook::details() const {
    HookDetail filter{.name = "filter", .value = {}};
    if (filter_) {
        filter.value = *filter_;
    }
    return {{.name = "on_match", .value = std::string(core::name(on_match_))},
            std::move(filter),
            {.name = "instructions", .value = std::uint64_t{program_.instructions().size()}}};
}

std::vector<HookCounter> CbpfHook::counters() const {
    return {{"seen_packets", seen_.packets()},       {"seen_bytes", seen_.bytes()},
            {"matched_packets", matched_.packets()}, {"matched_bytes", matched_.bytes()},
            {"dropped_packets", dropped_.packets()}, {"dropped_bytes", dropped_.bytes()}};
}

Verdict CbpfHook::run(Packet& packet) noexcept {
    const bool matches = interpret(program_, packet) != 0;
    seen_.add(packet.length);
    if (matches) {
        matched_.add(packet.length);
    }
    const bool drops = (on_match_ == OnMatch::drop && matches) || (on_match_ == OnMatch::pass && !matches);
    if (!drops) {
        return Verdict::pass();
    }
    dropped_.add(packet.length);
    return Verdict::dropped(EACCES);
}

} // namespace pfild::core
