// SPDX-License-Identifier: BSD-2-Clause
// Prints packets of the attack table or of the grammar, a line each, for tests that send them:
//
//     id TAB seen TAB sentence TAB frame in hex [TAB frame ..]
//
// seen: as_port, never, open; of the grammar "plain" too: what it is allowed to be, it must be allowed to reach.
//
//     attack_frames table PORT FIRST_ID
//     attack_frames grammar SEED FIRST_ID COUNT PORT..
#include <array>
#include <charconv>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "tests/frames/attack_table.h"
#include "tests/frames/grammar.h"

namespace pfild::frames {
namespace {

constexpr std::array<std::string_view, 3> kSeenNames{"as_port", "never", "open"};

std::uint32_t number(std::string_view text) {
    std::uint32_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
        std::fprintf(stderr, "attack_frames: %.*s is no number\n", static_cast<int>(text.size()), text.data());
    }
    return value;
}

void print(std::uint32_t id, std::string_view seen, const std::string& sentence, const std::vector<Bytes>& frames) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string line = std::to_string(id) + '\t' + std::string(seen) + '\t' + sentence;
    for (const Bytes& frame : frames) {
        line += '\t';
        for (const std::uint8_t byte : frame) {
            line += kDigits[byte >> 4U];
            line += kDigits[byte & 15U];
        }
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
}

void print_table(std::uint16_t port, std::uint32_t first_id) {
    for (const Attack& attack : attacks(port, first_id)) {
        print(attack.recipe.id, kSeenNames[static_cast<std::size_t>(attack.seen)], attack.sentence,
              build(attack.recipe));
    }
}

void print_grammar(std::uint32_t seed, std::uint32_t first, std::uint32_t count, std::vector<std::uint16_t> ports) {
    Grammar grammar(seed, std::move(ports));
    for (std::uint32_t id = first; id - first < count; id++) {
        const Sentence sentence = grammar.sentence(id);
        const std::string seen = sentence.plain ? "plain" : "open";
        print(id, seen, "seed " + std::to_string(seed) + ", port " + std::to_string(sentence.recipe.port),
              sentence.frames);
    }
}

int run(std::span<char*> words) {
    const std::string_view what = words.size() > 1 ? words[1] : "";
    if (what == "table" && words.size() == 4) {
        print_table(static_cast<std::uint16_t>(number(words[2])), number(words[3]));
        return 0;
    }
    if (what == "grammar" && words.size() > 5) {
        std::vector<std::uint16_t> ports;
        for (const char* const port : words.subspan(5)) {
            ports.push_back(static_cast<std::uint16_t>(number(port)));
        }
        print_grammar(number(words[2]), number(words[3]), number(words[4]), std::move(ports));
        return 0;
    }
    std::fputs("usage: attack_frames table PORT FIRST_ID | attack_frames grammar SEED FIRST_ID COUNT PORT..\n", stderr);
    return 2;
}

} // namespace
} // namespace pfild::frames

int main(int count, char** words) { return pfild::frames::run(std::span(words, static_cast<std::size_t>(count))); }
