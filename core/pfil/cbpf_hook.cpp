// SPDX-License-Identifier: BSD-2-Clause
#include "core/pfil/cbpf_hook.h"

#include <algorithm>
#include <utility>

#include "cbpf/packet.h"
#include "cbpf/upkeep.h"
#include "core/pfil/folded.h"

namespace pfild::core {
namespace {

/// The program's answer about a packet in several pieces.
std::uint32_t run_over_pieces(const cbpf::Machine& machine, const Packet& packet) noexcept {
    std::array<cbpf::Piece, kMaxFrameBuffers> pieces;
    std::size_t count = 0;
    std::uint32_t skip = packet.offset;
    std::uint32_t left = packet.length;
    packet.frame.each_buffer([&](std::span<std::uint8_t> part) {
        const auto size = static_cast<std::uint32_t>(part.size());
        const std::uint32_t skipped = std::min(skip, size);
        const std::uint32_t taken = std::min(left, size - skipped);
        skip -= skipped;
        left -= taken;
        if (taken != 0) {
            pieces[count++] = {.data = part.data() + skipped, .length = taken};
        }
    });
    return machine.run(cbpf::Packet(std::span(pieces).first(count), 0, packet.length));
}

std::uint32_t answer(const cbpf::Machine& machine, const Packet& packet) noexcept {
    const std::span<const std::uint8_t> head = packet.frame.head();
    if (packet.offset <= head.size() && packet.length <= head.size() - packet.offset) [[likely]] {
        return machine.run(cbpf::Packet(head.subspan(packet.offset, packet.length)));
    }
    return run_over_pieces(machine, packet);
}

/// What may be taken out of a packet for a head that shows whole frames, or not.
Folded::Out to_take_out(const PacketView& view, bool whole) {
    return {.tags = whole && view.read.transparent != 0, .extensions = view.read.foldable != 0};
}

cbpf::HeaderPlaces places_in(const PacketView& view, bool whole, bool tags_left) {
    if (!whole) {
        return {};
    }
    const std::uint32_t tags = view.tags + (tags_left ? view.read.transparent : 0);
    return {.tags = tags, .network = PFILD_ETHERNET_HEADER + tags * PFILD_TAG_LENGTH};
}

std::string words(const cbpf::AsItIs& asked) {
    return std::string(asked.tags ? "tags" : "") + (asked.any() && asked.tags == asked.next_header ? " and " : "") +
           (asked.next_header ? "next header" : "");
}

UpkeepClasses upkeep_of(const CbpfHookSpec& spec, const cbpf::Program& program) {
    switch (spec.neighbours) {
    case Neighbours::kObey:
        return cbpf::upkeep_shown(form_of(spec.type));
    case Neighbours::kPass:
        return 0;
    case Neighbours::kAutomatic:
        break;
    }
    return cbpf::upkeep_told_apart(program, form_of(spec.type));
}

/// "instruction 3 uses the packet length"
std::string words(const cbpf::PerPacket& why) {
    return "instruction " + std::to_string(why.instruction) + ' ' + why.why;
}

} // namespace

cbpf::PacketForm form_of(HeadType type) {
    switch (type) {
    case HeadType::kInet:
        return cbpf::PacketForm::kInet;
    case HeadType::kInet6:
        return cbpf::PacketForm::kInet6;
    case HeadType::kEthernet:
        break;
    }
    return cbpf::PacketForm::kEthernet;
}

CbpfHook::CbpfHook(CbpfHookSpec spec, cbpf::Program program)
    : Hook(spec.name, spec.type, upkeep_of(spec, program)), machine_(std::move(program)),
      per_packet_(cbpf::why_per_packet(machine_.program(), form_of(spec.type))),
      questions_(machine_.program(), form_of(spec.type)), on_match_(spec.on_match), filter_(std::move(spec.filter)),
      runs_in_(spec.runs_in), compiled_(filter_ ? spec.compiled : Compiled::kUnverified), neighbours_(spec.neighbours),
      matches_nothing_(cbpf::matches_nothing(machine_.program(), form_of(spec.type))) {}

Answers CbpfHook::answers() const {
    if (per_packet_) {
        return {Answers::Hold::kPerPacket, words(*per_packet_)};
    }
    if (on_match_ == OnMatch::kCount) {
        return {Answers::Hold::kPerFlow, "packets that match are counted one by one"};
    }
    return {Answers::Hold::kPerFlow, std::nullopt};
}

std::optional<ProgramInfo> CbpfHook::program_info() const {
    const auto instructions = program().instructions();
    return ProgramInfo{.on_match = on_match_,
                       .filter = filter_,
                       .compiled = compiled_,
                       .as_it_is = questions_.asked().any() ? std::optional(words(questions_.asked())) : std::nullopt,
                       .neighbours = neighbours_,
                       .matches_nothing = matches_nothing_,
                       .instructions = {instructions.begin(), instructions.end()}};
}

HookTally CbpfHook::engine_tally() const {
    return {.seen_packets = seen_.packets(),
            .seen_bytes = seen_.bytes(),
            .matched_packets = matched_.packets(),
            .matched_bytes = matched_.bytes(),
            .dropped_packets = dropped_.packets(),
            .dropped_bytes = dropped_.bytes()};
}

bool CbpfHook::matches(const Packet& packet) const noexcept {
    if (!packet.view.foldable()) [[likely]] {
        return answer(machine_, packet) != 0;
    }
    return matches_some_look(packet);
}

// The looks are all packets that there are between the one that came and the folded one: whether a rule asks for tags
// says nothing about whether it asks for extension headers.
bool CbpfHook::matches_some_look(const Packet& packet) const noexcept {
    const bool whole = type() == HeadType::kEthernet;
    const Folded::Out all = to_take_out(packet.view, whole);
    for (const bool tags : {true, false}) {
        for (const bool extensions : {true, false}) {
            if ((tags && !all.tags) || (extensions && !all.extensions)) {
                continue; // it is not there
            }
            const Folded look(packet.frame, packet.view, whole, {.tags = tags, .extensions = extensions});
            if (machine_.run(look.packet()) == 0) {
                continue;
            }
            const bool folded = tags == all.tags && extensions == all.extensions;
            if (on_match_ != OnMatch::kPass || folded) {
                return true;
            }
            const cbpf::AsItIs about =
                questions_.of_match(program(), look.packet(), places_in(packet.view, whole, !tags));
            if ((tags == all.tags || about.tags) && (extensions == all.extensions || about.next_header)) {
                return true;
            }
        }
    }
    return false;
}

CbpfHook::Judgement CbpfHook::judge(const Packet& packet) const noexcept {
    const bool matches = this->matches(packet);
    const bool drops = (on_match_ == OnMatch::kDrop && matches) || (on_match_ == OnMatch::kPass && !matches);
    const bool lasts = !per_packet_ && !(on_match_ == OnMatch::kCount && matches);
    return {matches, (drops ? Verdict::dropped(EACCES) : Verdict::pass()).lasting(lasts)};
}

Verdict CbpfHook::foresee(const Packet& packet) const noexcept { return judge(packet).verdict; }

Verdict CbpfHook::run(Packet& packet) noexcept {
    const Judgement judgement = judge(packet);
    seen_.add(packet.length);
    if (judgement.matches) {
        matched_.add(packet.length);
    }
    if (judgement.verdict.stops()) {
        dropped_.add(packet.length);
    }
    return judgement.verdict;
}

} // namespace pfild::core
