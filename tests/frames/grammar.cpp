// SPDX-License-Identifier: BSD-2-Clause
#include "tests/frames/grammar.h"

#include <algorithm>

namespace pfild::frames {
namespace {

constexpr std::uint16_t kTypes[] = {0x8100, 0x88a8};
constexpr std::uint32_t kOtherId = 1U << 30U; ///< of fragments that are nobody else's
constexpr std::size_t kMostHeaders = 8;
constexpr std::size_t kMostBytes = 256;

constexpr std::size_t kMostFrame = 1514;

std::size_t longest(const std::vector<Bytes>& frames) {
    std::size_t length = 0;
    for (const Bytes& frame : frames) {
        length = std::max(length, frame.size());
    }
    return length;
}

std::size_t bytes_of(const std::vector<Extension>& extensions) {
    std::size_t bytes = 0;
    for (const Extension& extension : extensions) {
        bytes += 2 + extension.content.size();
    }
    return bytes;
}

} // namespace

Sentence Grammar::sentence(std::uint32_t number) {
    random_.seed((std::uint64_t{seed_} << 32U) + number);
    Sentence sentence;
    sentence.recipe.id = number;
    add_protocol(sentence);
    add_tags(sentence);
    add_link(sentence);
    add_options(sentence);
    add_extensions(sentence);
    add_pieces(sentence);
    add_lies(sentence);
    sentence.frames = build(sentence.recipe);
    for (auto* const extensions :
         {&sentence.recipe.behind, &sentence.recipe.extensions}) { // an Ethernet takes no longer ones
        while (longest(sentence.frames) > kMostFrame && !extensions->empty()) {
            extensions->pop_back();
            sentence.frames = build(sentence.recipe);
        }
    }
    if (one_in(12)) {
        flip(sentence);
    }
    return sentence;
}

void Grammar::add_protocol(Sentence& sentence) {
    Recipe& recipe = sentence.recipe;
    recipe.inet6 = one_in(2);
    recipe.protocol = one_of({kTcp, kUdp});
    if (one_in(10)) {
        recipe.protocol = one_of<std::uint8_t>({1, 50, 58, 132, 136, 253, 254});
        sentence.as_port = false;
    }
    recipe.port = ports_[below(static_cast<std::uint32_t>(ports_.size()))];
    recipe.source_port = static_cast<std::uint16_t>(1024 + recipe.id % 60000);
    recipe.payload = one_in(3) ? 8 + below(200) : 16;
    recipe.hops = one_in(8) ? static_cast<std::uint8_t>(below(256)) : std::uint8_t{64};
    recipe.no_checksum = one_in(20);
}

void Grammar::add_tags(Sentence& sentence) {
    constexpr std::uint16_t kVlans[] = {5, 5, 5, 6, 4095};
    if (one_in(3)) {
        return;
    }
    const std::uint32_t many = one_in(12) ? 120 : one_in(3) ? 24 : 5;
    const std::uint32_t count = below(many);
    std::uint32_t real = 0;
    for (std::uint32_t i = 0; i < count; i++) {
        Tag tag{.type = one_of(kTypes), .value = static_cast<std::uint16_t>(below(16) << 12U)};
        if (one_in(count + 2)) {
            tag.value = static_cast<std::uint16_t>(tag.value | one_of(kVlans));
            real++;
        }
        if (one_in(60)) {
            tag.type = one_of<std::uint16_t>({0x9100, 0x9200, 0x88b5, 0x88e7});
            sentence.as_port = false;
        }
        sentence.recipe.tags.push_back(tag);
    }
    sentence.as_port = sentence.as_port && real <= 2;
}

void Grammar::add_link(Sentence& sentence) {
    Recipe& recipe = sentence.recipe;
    if (one_in(12)) {
        recipe.link = one_of({Link::snap, Link::llc, Link::novell});
        sentence.as_port = false;
    }
    if (one_in(30)) {
        recipe.ether_type = one_of<std::uint16_t>({0x0800, 0x86dd, 0x0806, 0x8847, 0x8864, 0x88b5});
        sentence.as_port = false;
    }
    if (one_in(12)) {
        recipe.to = one_of<Mac>({{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                 {0x33, 0x33, 0, 0, 0, 1},
                                 {1, 0, 0x5e, 0, 0, 1},
                                 {2, 0, 0, 0, 1, 0x77},
                                 {1, 0x80, 0xc2, 0, 0, 0xe}});
    }
}

void Grammar::add_options(Sentence& sentence) {
    if (sentence.recipe.inet6 || !one_in(3)) {
        return;
    }
    Bytes& options = sentence.recipe.options;
    const std::size_t size = std::size_t{4} * (1 + below(10));
    while (options.size() < size) {
        switch (below(4)) {
        case 0:
            options.push_back(1);
            break;
        case 1: // one that is as it should be, if there is room
            options.push_back(one_of<std::uint8_t>({7, 68, 130, 131, 136, 137, 148, 222}));
            options.push_back(one_of<std::uint8_t>({4, 7, 8, 11}));
            options.push_back(one_of<std::uint8_t>({4, 5, 8}));
            break;
        case 2:
            options.resize(size, one_of<std::uint8_t>({0, 1}));
            break;
        default:
            options.push_back(static_cast<std::uint8_t>(below(256)));
        }
    }
    options.resize(size);
}

/// As RFC 8200 recommends, each at most once but destination options, and not too many or too long.
std::vector<Extension> Grammar::ordered_extensions() {
    std::vector<Extension> extensions;
    const auto maybe = [&](const Extension& extension) {
        if (one_in(3)) {
            extensions.push_back(extension);
        }
    };
    maybe(options(kHopByHop, one_in(4) ? static_cast<std::uint8_t>(below(4)) : std::uint8_t{0}));
    if (one_in(3)) {
        maybe(options(kOptions));
        extensions.push_back(routing(one_of<std::uint8_t>({2, 3, 4, 253})));
    }
    maybe(fragment(0, false, kOtherId + below(1000)));
    maybe(options(kOptions, one_in(4) ? static_cast<std::uint8_t>(below(8)) : std::uint8_t{0}));
    return extensions;
}

Extension Grammar::any_extension() {
    switch (below(8)) {
    case 0:
        return routing(static_cast<std::uint8_t>(below(6)), static_cast<std::uint8_t>(below(3)),
                       static_cast<std::uint8_t>(below(3)));
    case 1:
        return fragment(0, one_in(4), kOtherId + below(1000));
    case 2:
        return authentication();
    case 3:
        return options(one_of<std::uint8_t>({kMobility, kHip, kShim, kExperiment, 254, kNoNext, kEsp}));
    case 4: { // says another length than it has
        Extension extension = options(one_of<std::uint8_t>({kHopByHop, kOptions, kRouting, kAuthentication}));
        extension.length = static_cast<std::uint8_t>(below(one_in(2) ? 4 : 256));
        return extension;
    }
    default:
        return options(one_of<std::uint8_t>({kHopByHop, kOptions, kOptions, kOptions}),
                       one_in(4) ? static_cast<std::uint8_t>(below(one_in(2) ? 4 : 60)) : std::uint8_t{0});
    }
}

std::vector<Extension> Grammar::any_extensions() {
    std::vector<Extension> extensions;
    const std::uint32_t count = 1 + below(one_in(6) ? 12 : 4);
    while (extensions.size() < count) {
        extensions.push_back(any_extension());
    }
    return extensions;
}

void Grammar::add_extensions(Sentence& sentence) {
    Recipe& recipe = sentence.recipe;
    if (!recipe.inet6 || one_in(3)) {
        return;
    }
    if (one_in(2)) {
        recipe.extensions = ordered_extensions();
        const bool fits = recipe.extensions.size() <= kMostHeaders && bytes_of(recipe.extensions) <= kMostBytes;
        sentence.plain = sentence.plain && fits;
        sentence.as_port = sentence.as_port && fits;
        return;
    }
    recipe.extensions = any_extensions();
    if (one_in(3)) {
        recipe.behind = any_extensions();
    }
    sentence.plain = false;
    sentence.as_port = false;
}

std::vector<Piece> Grammar::cut_anywhere() {
    std::vector<Piece> pieces;
    std::size_t from = 0;
    while (pieces.size() < 1 + below(4)) {
        const std::size_t size = 8 * (1 + std::size_t{below(6)});
        pieces.push_back({.from = from, .size = size, .more = true});
        from += size;
    }
    pieces.push_back({.from = from});
    return pieces;
}

/// Extension headers and a fragment header together are one of the kinds that are not plain.
void Grammar::add_pieces(Sentence& sentence) {
    Recipe& recipe = sentence.recipe;
    if (!one_in(4)) {
        return;
    }
    sentence.as_port = false;
    recipe.pieces = one_in(8) ? std::vector<Piece>{{}} : cut_anywhere();
    const std::size_t first = recipe.pieces.front().size;
    sentence.plain = sentence.plain && recipe.extensions.empty() && recipe.behind.empty() && first >= 16;
    if (one_in(3)) {
        std::shuffle(recipe.pieces.begin(), recipe.pieces.end(), random_);
    }
    if (!one_in(3)) {
        return;
    }
    sentence.plain = false;
    Piece extra = recipe.pieces[below(static_cast<std::uint32_t>(recipe.pieces.size()))];
    switch (below(5)) {
    case 0:
        extra.port = ports_[below(static_cast<std::uint32_t>(ports_.size()))];
        break;
    case 1:
        extra.from += 8;
        break;
    case 2:
        extra.more = !extra.more;
        break;
    case 3:
        extra.next = one_of<std::uint8_t>({0, 6, 17, 44, 59, 60});
        break;
    default:
        extra.offset = static_cast<std::uint16_t>(one_in(2) ? 1 : below(0x2000));
    }
    recipe.pieces.insert(recipe.pieces.begin() + below(static_cast<std::uint32_t>(recipe.pieces.size() + 1)), extra);
}

void Grammar::add_lies(Sentence& sentence) {
    Recipe& recipe = sentence.recipe;
    if (one_in(4)) {
        recipe.padding = below(40);
    }
    if (!one_in(8)) {
        return;
    }
    sentence.plain = false;
    sentence.as_port = false;
    switch (below(8)) {
    case 0:
        recipe.first_byte = static_cast<std::uint8_t>(below(256));
        break;
    case 1:
        recipe.ip_length = static_cast<std::uint16_t>(below(one_in(2) ? 100 : 65536));
        break;
    case 2:
        recipe.longer = static_cast<std::int32_t>(below(40)) - 20;
        break;
    case 3:
        recipe.fragment_bits = one_of<std::uint16_t>({0x8000, 0x4000, 0xc000, 0x2000, 0x2001, 1, 0x1fff});
        break;
    case 4:
        recipe.cut = below(40);
        break;
    case 5:
        recipe.tcp_offset = static_cast<std::uint8_t>(below(16));
        break;
    case 6:
        recipe.udp_length = static_cast<std::uint16_t>(below(100));
        break;
    default:
        recipe.jumbo = true;
    }
}

/// Any bytes behind the addresses of the Ethernet header become others.
void Grammar::flip(Sentence& sentence) {
    constexpr std::uint32_t kAddresses = 12;
    sentence.plain = false;
    sentence.as_port = false;
    for (Bytes& frame : sentence.frames) {
        for (std::uint32_t left = 1 + below(4); left > 0; left--) {
            const std::uint32_t at = kAddresses + below(static_cast<std::uint32_t>(frame.size()) - kAddresses);
            frame[at] = one_in(2) ? static_cast<std::uint8_t>(frame[at] ^ 1U << below(8))
                                  : static_cast<std::uint8_t>(below(256));
        }
    }
}

} // namespace pfild::frames
