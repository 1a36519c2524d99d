// SPDX-License-Identifier: BSD-2-Clause
// Random packets of the kinds that get past firewalls, by a grammar: each part of a recipe is left alone, made as a
// good stack makes it, or bent. The same for the same seed and number. Pure.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "tests/frames/recipe.h"

namespace pfild::frames {

/// A packet of the grammar.
struct Sentence {
    Recipe recipe;
    std::vector<Bytes> frames; ///< as they are sent
    bool plain = true;         ///< nothing in it is one that documentation lets a firewall stop on sight
    bool as_port = true;       ///< documentation promises that a rule on the port sees it; one that is not fragmented
};

class Grammar {
  public:
    /// The ports that packets go to.
    Grammar(std::uint32_t seed, std::vector<std::uint16_t> ports) : seed_(seed), ports_(std::move(ports)) {}

    /// Number `number` of this seed.
    [[nodiscard]] Sentence sentence(std::uint32_t number);

  private:
    [[nodiscard]] std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    [[nodiscard]] bool one_in(std::uint32_t count) { return below(count) == 0; }
    template <typename T, std::size_t n>
    [[nodiscard]] T one_of(const T (&choices)[n]) {
        return choices[below(n)];
    }

    void add_protocol(Sentence& sentence);
    void add_tags(Sentence& sentence);
    void add_link(Sentence& sentence);
    void add_options(Sentence& sentence);
    void add_extensions(Sentence& sentence);
    [[nodiscard]] std::vector<Extension> ordered_extensions();
    [[nodiscard]] std::vector<Extension> any_extensions();
    [[nodiscard]] Extension any_extension();
    void add_pieces(Sentence& sentence);
    [[nodiscard]] std::vector<Piece> cut_anywhere();
    void add_lies(Sentence& sentence);
    void flip(Sentence& sentence);

    std::uint32_t seed_;
    std::vector<std::uint16_t> ports_;
    std::mt19937_64 random_;
};

} // namespace pfild::frames
