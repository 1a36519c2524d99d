// SPDX-License-Identifier: BSD-2-Clause
// A struct with a field of every kind, for the tests of descriptions.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/direction.h"
#include "describe/terms.h"

namespace pfild::wishes {

enum class Colour : std::uint8_t { kRed, kGreen };
inline constexpr std::array<std::string_view, 2> kColourNames{"red", "green"};

struct Part {
    std::string name;
    std::uint8_t size = 3;
    std::vector<Part> parts; ///< a struct may hold a list of its like
};

struct Wish {
    std::string name;
    Colour colour = Colour::kGreen;
    std::optional<Colour> trim;
    bool loud = false;
    std::uint32_t count = 7;
    double weight = 0.5;
    std::optional<std::string> note;
    core::Directions directions;
    std::vector<cbpf::Instruction> program;
    std::vector<Part> parts;
    Part spare{"spare", 3, {}}; ///< the fresh one is readable, too
    std::map<std::string, std::uint64_t> counters;
    std::vector<std::pair<std::string, Part>> named_parts;
};

inline void describe(describe::Fields& fields, Part& part) {
    using namespace describe;
    fields.called("part", "A part.");
    fields.required("name", part.name, name(8, kPlain), "How it is called.");
    fields.optional("size", part.size, whole(1, 9, "cm"), "How long it is.");
    fields.optional("parts", part.parts, list(object(), 4), "What it consists of.");
}

inline void describe(describe::Fields& fields, Wish& wish) {
    using namespace describe;
    fields.called("wish", "What somebody wants.");
    fields.required("name", wish.name, name(15), "Whose it is.");
    fields.optional("colour", wish.colour, word(kColourNames), "Its colour.");
    fields.optional("trim", wish.trim, word(kColourNames), "Another colour.");
    fields.optional("loud", wish.loud, flag(), "Whether it is loud.");
    fields.optional("count", wish.count, whole(1, 256), "How many.");
    fields.optional("weight", wish.weight, decimal("kg"), "How heavy.");
    fields.optional("note", wish.note, text(40), "More about it.");
    fields.optional("directions", wish.directions, directions(), "Where it goes.");
    fields.optional("program", wish.program, program(), "How it works.");
    fields.optional("parts", wish.parts, list(object(), 3), "What it has.");
    fields.optional("spare", wish.spare, object(), "One more.");
    fields.optional("counters", wish.counters, table(name(15), whole()), "What was counted.");
    fields.optional("named_parts", wish.named_parts, table(name(15), object(), 5), "More parts.");
}

} // namespace pfild::wishes
