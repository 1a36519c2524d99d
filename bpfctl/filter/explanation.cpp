// SPDX-License-Identifier: BSD-2-Clause
// See explanation.h.
#include "bpfctl/filter/explanation.h"

#include <algorithm>
#include <utility>

#include "bpfctl/fields.h"
#include "bpfctl/filter/compiled_by.h"
#include "bpfctl/filter/program_text.h"
#include "bpfctl/text/table.h"
#include "bpfctl/text/units.h"
#include "cbpf/text.h"

namespace pfild::bpfctl {
namespace {

using cbpf::Dependence;
using cbpf::Fit;
using cbpf::PacketForm;
using cbpf::Reading;

constexpr std::uint32_t kNoBound = 0x7fffffff;
constexpr std::size_t kNoteColumn = 50;

std::vector<HookExplanation> hooks_of(const cbpf::Program& program, int link_type) {
    constexpr int kEthernet = 1;
    constexpr int kRaw = 12;
    std::vector<std::pair<std::string, PacketForm>> types;
    if (link_type == kEthernet) {
        types = {{"ethernet", PacketForm::kEthernet}};
    } else if (link_type == kRaw) {
        types = {{"inet", PacketForm::kInet}, {"inet6", PacketForm::kInet6}};
    }
    std::vector<HookExplanation> hooks;
    hooks.reserve(types.size());
    for (const auto& [type, form] : types) {
        hooks.push_back({type, cbpf::why_per_packet(program, form), kernel_places(program, form)});
    }
    return hooks;
}

/// A line of a listing, with blanks for its tab, wide enough for a note behind it.
std::string padded(std::string line) {
    constexpr std::size_t kTab = 8;
    if (const std::size_t tab = line.find('\t'); tab != std::string::npos) {
        line.replace(tab, 1, std::string(kTab - tab % kTab, ' '));
    }
    line.resize(std::max(line.size() + 2, kNoteColumn), ' ');
    return line;
}

std::string listing_of(const Explanation& explanation) {
    std::string all;
    const auto instructions = explanation.program.instructions();
    for (std::size_t number = 0; number < instructions.size(); ++number) {
        const std::string& note = explanation.notes[number].text;
        all += padded(cbpf::listing_line(instructions[number], number)) + "; " +
               (note.empty() ? "no packet comes here" : note) + '\n';
    }
    return all;
}

std::string range_text(cbpf::ByteRange range) {
    if (range.last == kNoBound) {
        return std::to_string(range.first) + " and all behind it";
    }
    return range.first == range.last ? std::to_string(range.first)
                                     : std::to_string(range.first) + '-' + std::to_string(range.last);
}

/// A field of which several words are read is named once, without ", bytes 0-3".
std::string whole_name(const std::string& name) { return name.substr(0, name.find(", byte")); }

/// Bytes that are read, and what they are called.
struct ReadBytes {
    cbpf::ByteRange bytes;
    bool computed;
    std::string names;
};

/// Different readings in order of their bytes, those of the same bytes made one.
std::vector<ReadBytes> read_bytes_of(const Explanation& explanation) {
    std::vector<Reading> readings = explanation.dependence.readings;
    std::stable_sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
        return std::pair(a.bytes.first, a.bytes.last) < std::pair(b.bytes.first, b.bytes.last);
    });
    std::vector<ReadBytes> rows;
    for (const Reading& reading : readings) {
        const std::string& name = explanation.notes[reading.instruction].field;
        if (rows.empty() || rows.back().bytes != reading.bytes) {
            rows.push_back({reading.bytes, reading.computed, name});
        } else if (!name.empty() && rows.back().names.find(name) == std::string::npos) {
            rows.back().names += (rows.back().names.empty() ? "" : ", ") + name;
        }
    }
    return rows;
}

/// The words of a long field (an IPv6 address) made one row.
std::vector<ReadBytes> joined_fields(const std::vector<ReadBytes>& rows) {
    std::vector<ReadBytes> joined;
    for (const ReadBytes& row : rows) {
        const std::string whole = whole_name(row.names);
        const auto before = std::find_if(joined.begin(), joined.end(), [&](const ReadBytes& earlier) {
            return !row.computed && whole != row.names && whole_name(earlier.names) == whole &&
                   earlier.bytes.last + 1 == row.bytes.first;
        });
        if (before == joined.end()) {
            joined.push_back(row);
        } else {
            before->bytes.last = row.bytes.last;
            before->names = whole;
        }
    }
    return joined;
}

void add_readings(Table& table, const Explanation& explanation) {
    std::string heading = "Depends on";
    for (const ReadBytes& row : joined_fields(read_bytes_of(explanation))) {
        std::string names = row.names;
        if (row.computed) {
            names += names.empty() ? "some of these, at an offset that is computed" : ", somewhere in these";
        }
        const bool one = row.bytes.first == row.bytes.last;
        table.add({heading, (one ? "byte " : "bytes ") + range_text(row.bytes), names});
        heading.clear();
    }
    if (explanation.dependence.wire_length) {
        table.add({heading, "the length", "that the packet had on the wire"});
        heading.clear();
    }
    if (!heading.empty()) {
        table.add({heading, "nothing", "its answer is the same for all packets that are long enough"});
    }
}

void add_compiled(Table& table, const Json& compiled_by) {
    if (!compiled_by.is_object()) {
        return;
    }
    std::string how = text(compiled_by, "how");
    std::string heading = "Compiled";
    for (const std::string& line : reason_lines(compiled_by)) {
        table.add({std::exchange(heading, ""), std::exchange(how, ""), line});
    }
}

std::string length_text(std::uint32_t length) {
    return length == cbpf::kWholePacket ? "the whole packet" : counted(length, "byte");
}

void add_fits(Table& table, const Explanation& explanation) {
    if (explanation.fits.front() == Fit::kOpen) {
        table.add({"Link type", "any", "it tests no field that tells them apart"});
        return;
    }
    std::string heading = "Link type";
    for (const cbpf::LinkFormInfo& row : cbpf::kLinkFormTable) {
        if (explanation.fits.at(static_cast<std::size_t>(row.form)) == Fit::kMeant) {
            table.add({heading, std::string(row.name), std::string(row.phrase)});
            heading.clear();
        }
    }
}

void add_hook(Table& table, const HookExplanation& hook) {
    if (hook.per_packet) {
        const std::string instruction = "instruction " + std::to_string(hook.per_packet->instruction);
        table.add({"Hook " + hook.type, "asked per packet", instruction + ' ' + hook.per_packet->why});
    } else {
        table.add({"Hook " + hook.type, "asked per flow", "the kernel knows the answer for the flow's next packets"});
    }
    std::string able;
    for (const KernelPlace& place : hook.places) {
        able += place.refusal ? "" : (able.empty() ? "kernel, " : " and ") + place.name;
    }
    if (!able.empty()) {
        table.add({"", able, "could be asked there for every packet"});
    }
    for (const KernelPlace& place : hook.places) {
        if (place.refusal) {
            table.add({"", "not in " + place.name, *place.refusal});
        }
    }
}

Json json_of_hook(const HookExplanation& hook) {
    Json places = Json::object();
    for (const KernelPlace& place : hook.places) {
        places[place.name] = place.refusal ? Json(*place.refusal) : Json();
    }
    Json because;
    if (hook.per_packet) {
        because = "instruction " + std::to_string(hook.per_packet->instruction) + ' ' + hook.per_packet->why;
    }
    return {{"type", hook.type},
            {"answers", hook.per_packet ? "per packet" : "per flow"},
            {"because", std::move(because)},
            {"kernel_refusals", std::move(places)}};
}

Json json_of_range(cbpf::ByteRange range) {
    return Json::array({range.first, range.last == kNoBound ? Json() : Json(range.last)});
}

Json json_of_length(std::uint32_t length) { return length == cbpf::kWholePacket ? Json() : Json(length); }

} // namespace

Explanation explain(const cbpf::Program& program, const Explained& what) {
    const auto* const known = std::find_if(cbpf::kLinkFormTable.begin(), cbpf::kLinkFormTable.end(),
                                           [&](const cbpf::LinkFormInfo& row) { return row.number == what.link_type; });
    const std::optional<cbpf::LinkForm> form =
        known == cbpf::kLinkFormTable.end() ? std::nullopt : std::optional(known->form);
    return {.program = program,
            .title = what.title,
            .link_type = what.link_type_name,
            .notes = annotate(program, form),
            .dependence = cbpf::dependence_of(program),
            .fits = cbpf::link_fits_of(program),
            .hooks = hooks_of(program, what.link_type),
            .engine = engine_place(program),
            .same = std::nullopt,
            .compared_with = ""};
}

std::string text_of(const Explanation& explanation) {
    const Dependence& dependence = explanation.dependence;
    Table table({Align::kLeft, Align::kLeft, Align::kLeft});
    add_compiled(table, explanation.compiled_by);
    add_readings(table, explanation);
    table.add({"Snap length", length_text(dependence.to_judge), "are enough to judge a packet"});
    table.add({"", length_text(dependence.to_keep),
               "at most " + std::string(dependence.to_keep == cbpf::kWholePacket ? "is" : "are") +
                   " kept of one that matches"});
    add_fits(table, explanation);
    for (const HookExplanation& hook : explanation.hooks) {
        add_hook(table, hook);
    }
    table.add({"Engine", explanation.engine});
    if (explanation.same) {
        const std::string other = printable(explanation.compared_with);
        table.add({"Compared", *explanation.same ? "certainly equal" : "perhaps not equal",
                   (*explanation.same ? "for every packet, to: " : "to: ") + other});
    }
    return printable(explanation.title) + ", for " + explanation.link_type + ": " +
           counted(explanation.program.instructions().size(), "instruction") + "\n\n" + listing_of(explanation) + '\n' +
           table.str();
}

Json json_of(const Explanation& explanation) {
    const Dependence& dependence = explanation.dependence;
    Json json{
        {"title", explanation.title}, {"link_type", explanation.link_type}, {"compiled_by", explanation.compiled_by}};
    json.update(json_of_program(explanation.program.instructions()));
    for (const Note& note : explanation.notes) {
        json["notes"].push_back(note.text);
    }
    Json bytes = Json::array();
    for (const cbpf::ByteRange range : dependence.bytes) {
        bytes.push_back(json_of_range(range));
    }
    Json readings = Json::array();
    for (const Reading& reading : dependence.readings) {
        const std::string& field = explanation.notes[reading.instruction].field;
        readings.push_back({{"instruction", reading.instruction},
                            {"bytes", json_of_range(reading.bytes)},
                            {"computed", reading.computed},
                            {"field", field.empty() ? Json() : Json(field)}});
    }
    json["depends_on"] = {
        {"bytes", std::move(bytes)}, {"wire_length", dependence.wire_length}, {"readings", std::move(readings)}};
    json["snap_length"] = {{"to_judge", json_of_length(dependence.to_judge)},
                           {"to_keep", json_of_length(dependence.to_keep)}};
    for (const cbpf::LinkFormInfo& row : cbpf::kLinkFormTable) {
        const Fit fit = explanation.fits.at(static_cast<std::size_t>(row.form));
        json["link_types"][std::string(row.name)] = cbpf::kFitNames.at(static_cast<std::size_t>(fit));
    }
    json["hooks"] = Json::array();
    for (const HookExplanation& hook : explanation.hooks) {
        json["hooks"].push_back(json_of_hook(hook));
    }
    json["engine"] = explanation.engine;
    if (explanation.same) {
        json["same_as"] = {{"expression", explanation.compared_with}, {"certain", *explanation.same}};
    }
    return json;
}

} // namespace pfild::bpfctl
