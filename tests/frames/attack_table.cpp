// SPDX-License-Identifier: BSD-2-Clause
#include "tests/frames/attack_table.h"

#include <utility>

#include "tests/frames/port_programs.h"

namespace pfild::frames {
namespace {

using Change = std::function<void(Recipe&)>;

constexpr std::uint16_t kQ = 0x8100;   ///< 802.1Q
constexpr std::uint16_t kAd = 0x88a8;  ///< 802.1ad
constexpr std::uint16_t kOld = 0x9100; ///< QinQ before the standard
constexpr std::uint16_t kPriority5 = 0xa000;
constexpr std::uint16_t kDei = 0x1000;
constexpr std::uint16_t kReal = 5; ///< the host has eth0.5
constexpr std::uint16_t kOther = 6;

Change tags(std::vector<Tag> tags) {
    return [tags = std::move(tags)](Recipe& recipe) { recipe.tags = tags; };
}
Change tags(std::size_t count, Tag tag) { return tags(std::vector<Tag>(count, tag)); }
Change option(Bytes bytes) {
    return [bytes = std::move(bytes)](Recipe& recipe) { recipe.options = bytes; };
}
Change extensions(std::vector<Extension> extensions) {
    return [extensions = std::move(extensions)](Recipe& recipe) { recipe.extensions = extensions; };
}
Change extensions(std::size_t count, const Extension& extension) {
    return extensions(std::vector<Extension>(count, extension));
}
Change pieces(std::vector<Piece> pieces) {
    return [pieces = std::move(pieces)](Recipe& recipe) { recipe.pieces = pieces; };
}
/// Options and fragment headers in front of and behind the place where it is cut.
Change cut_extensions(const std::vector<Extension>& extensions, const std::vector<Extension>& behind,
                      const std::vector<Piece>& pieces) {
    return [=](Recipe& recipe) {
        recipe.extensions = extensions;
        recipe.behind = behind;
        recipe.pieces = pieces;
    };
}
/// A header that says another length than it has.
Extension lying(std::uint8_t type, std::uint8_t length) {
    Extension extension = options(type);
    extension.length = length;
    return extension;
}
constexpr Piece head(std::size_t size) { return {.from = 0, .size = size, .more = true}; }
constexpr Piece tail(std::size_t from) { return {.from = from}; }

using Rows = std::vector<AttackRow>;

// clang-format off
Rows tag_rows() {
    return {
        {"as it should be", Seen::kAsPort, [](Recipe&) {}},
        {"one tag of VLAN 0", Seen::kAsPort, tags(1, {kQ, 0})},
        {"two tags of VLAN 0", Seen::kAsPort, tags(2, {kQ, 0})},
        {"three tags of VLAN 0", Seen::kAsPort, tags(3, {kQ, 0})},
        {"four tags of VLAN 0", Seen::kAsPort, tags(4, {kQ, 0})},
        {"five tags of VLAN 0", Seen::kAsPort, tags(5, {kQ, 0})},
        {"eight tags of VLAN 0", Seen::kAsPort, tags(8, {kQ, 0})},
        {"sixteen tags of VLAN 0", Seen::kAsPort, tags(16, {kQ, 0})},
        {"twenty tags of VLAN 0", Seen::kAsPort, tags(20, {kQ, 0})},
        {"a hundred tags of VLAN 0", Seen::kAsPort, tags(100, {kQ, 0})},
        {"three hundred tags of VLAN 0", Seen::kAsPort, tags(300, {kQ, 0})},
        {"a priority tag with a priority", Seen::kAsPort, tags(1, {kQ, kPriority5})},
        {"three priority tags with a priority", Seen::kAsPort, tags(3, {kQ, kPriority5})},
        {"a priority tag with the drop bit", Seen::kAsPort, tags(1, {kQ, kDei})},
        {"three priority tags with every bit but the id's", Seen::kAsPort, tags(3, {kQ, 0xf000})},
        {"a service tag of VLAN 0", Seen::kAsPort, tags(1, {kAd, 0})},
        {"three service tags of VLAN 0", Seen::kAsPort, tags(3, {kAd, 0})},
        {"five service tags of VLAN 0", Seen::kAsPort, tags(5, {kAd, 0})},
        {"service and other tags of VLAN 0, in turns", Seen::kAsPort,
         tags({{kAd, 0}, {kQ, 0}, {kAd, 0}, {kQ, 0}, {kAd, 0}, {kQ, 0}})},
        {"a tag of the VLAN of the host", Seen::kAsPort, tags(1, {kQ, kReal})},
        {"a tag of the VLAN of the host with priority and drop bit", Seen::kAsPort, tags(1, {kQ, 0xf000 | kReal})},
        {"three tags of VLAN 0, then that of the host", Seen::kAsPort, tags({{kQ, 0}, {kQ, 0}, {kQ, 0}, {kQ, kReal}})},
        {"that of the host, then three of VLAN 0", Seen::kAsPort, tags({{kQ, kReal}, {kQ, 0}, {kQ, 0}, {kQ, 0}})},
        {"that of the host between three and three of VLAN 0", Seen::kAsPort,
         tags({{kQ, 0}, {kQ, 0}, {kAd, 0}, {kQ, kReal}, {kAd, 0}, {kQ, 0}, {kQ, 0}})},
        {"that of the host between twenty and twenty of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
             recipe.tags.assign(41, {kQ, 0});
             recipe.tags[20].value = kReal;
         }},
        {"that of the host as a service tag", Seen::kAsPort, tags(1, {kAd, kReal})},
        {"a tag of another VLAN", Seen::kAsPort, tags(1, {kQ, kOther})},
        {"a tag of VLAN 4095", Seen::kAsPort, tags(1, {kQ, 4095})},
        {"two real tags", Seen::kAsPort, tags({{kAd, kOther}, {kQ, kReal}})},
        {"two real tags with VLAN 0 in front, between and behind", Seen::kAsPort,
         tags({{kQ, 0}, {kAd, kOther}, {kQ, 0}, {kQ, 0}, {kQ, kReal}, {kQ, 0}})},
        {"that of the host twice", Seen::kAsPort, tags(2, {kQ, kReal})},
        {"three real tags", Seen::kOpen, tags(3, {kQ, kReal})},
        {"three real tags, VLAN 0 among them", Seen::kOpen, tags({{kQ, kReal}, {kQ, 0}, {kQ, kReal}, {kQ, 0}, {kQ, kReal}})},
        {"the old tag of VLAN 0", Seen::kOpen, tags(1, {kOld, 0})},
        {"the old tag of VLAN 0 behind three that are looked through", Seen::kOpen, tags({{kQ, 0}, {kQ, 0}, {kQ, 0}, {kOld, 0}})},
        {"a label of pfild's own: VLAN 0 of 802.1ad, priority 5", Seen::kAsPort, tags(1, {kAd, 0xa000})},
        {"a label of pfild's own, forwarded", Seen::kAsPort, tags(1, {kAd, 0xa001})},
        {"a label of pfild's own, with a version", Seen::kAsPort, tags(1, {kAd, 0xa555 & 0xaffe})},
        {"a label of pfild's own, all ones", Seen::kAsPort, tags(1, {kAd, 0xafff})},
        {"three labels of pfild's own", Seen::kAsPort, tags(3, {kAd, 0xa000})},
        {"a label of pfild's own behind two tags of VLAN 0", Seen::kAsPort, tags({{kQ, 0}, {kQ, 0}, {kAd, 0xa000}})},
        {"a label as 802.1Q", Seen::kAsPort, tags(1, {kQ, 0xa000})},
    };
}

Rows link_rows() {
    const auto link = [](Link which) { return [which](Recipe& recipe) { recipe.link = which; }; };
    const auto link_in_tags = [](Link which) { return [which](Recipe& recipe) { recipe.link = which; recipe.tags.assign(3, {kQ, 0}); }; };
    return {
        {"SNAP", Seen::kOpen, link(Link::snap)},
        {"SNAP behind three tags of VLAN 0", Seen::kOpen, link_in_tags(Link::snap)},
        {"LLC of IP", Seen::kOpen, link(Link::llc)},
        {"LLC behind three tags of VLAN 0", Seen::kOpen, link_in_tags(Link::llc)},
        {"raw 802.3", Seen::kOpen, link(Link::novell)},
        {"a type of another family", Seen::kOpen, [](Recipe& recipe) { recipe.ether_type = recipe.inet6 ? 0x0800 : 0x86dd; }},
        {"a type for experiments", Seen::kOpen, [](Recipe& recipe) { recipe.ether_type = 0x88b5; }},
        {"MPLS", Seen::kOpen, [](Recipe& recipe) { recipe.ether_type = 0x8847; }},
        {"to all stations", Seen::kAsPort, [](Recipe& recipe) { recipe.to.fill(0xff); }},
        {"to a group of stations", Seen::kAsPort, [](Recipe& recipe) { recipe.to = {0x33, 0x33, 0, 0, 0, 1}; }},
        {"to another station", Seen::kAsPort, [](Recipe& recipe) { recipe.to[5] = 0x77; }},
        {"six bytes of padding", Seen::kAsPort, [](Recipe& recipe) { recipe.padding = 6; }},
        {"a thousand bytes of padding", Seen::kAsPort, [](Recipe& recipe) { recipe.padding = 1000; }},
        {"three tags of VLAN 0 and padding", Seen::kAsPort, [](Recipe& recipe) { recipe.tags.assign(3, {kQ, 0}); recipe.padding = 18; }},
    };
}

Rows inet_rows() {
    const auto of = [](std::string sentence, Seen seen, Change change, Protocol protocol = Protocol::both) {
        return AttackRow{std::move(sentence), seen, std::move(change), Family::kInet, protocol};
    };
    Rows rows{
        of("IPv4 options: nothing done", Seen::kAsPort, option({1, 1, 1, 1})),
        of("IPv4 options: the end, and what is behind it", Seen::kAsPort, option({0, 0, 23, 0})),
        of("IPv4 options: forty bytes of nothing", Seen::kAsPort, option(Bytes(40, 1))),
        of("IPv4 options: router alert", Seen::kAsPort, option({148, 4, 0, 0})),
        of("IPv4 options: record route", Seen::kAsPort, option({7, 7, 4, 0, 0, 0, 0, 0})),
        of("IPv4 options: record route, full", Seen::kAsPort, option({7, 7, 8, 192, 0, 2, 1, 0})),
        of("IPv4 options: timestamp", Seen::kAsPort, option({68, 8, 5, 0, 0, 0, 0, 0})),
        of("IPv4 options: loose source route that has ended", Seen::kAsPort, option({131, 7, 8, 192, 0, 2, 2, 0})),
        of("IPv4 options: loose source route", Seen::kAsPort, option({131, 7, 4, 192, 0, 2, 9, 0})),
        of("IPv4 options: strict source route", Seen::kAsPort, option({137, 7, 4, 192, 0, 2, 9, 0})),
        of("IPv4 options: security", Seen::kAsPort, option({130, 4, 0, 0})),
        of("IPv4 options: CIPSO", Seen::kAsPort, option({134, 8, 0, 0, 0, 1, 1, 2})),
        of("IPv4 options: unknown", Seen::kAsPort, option({222, 4, 0, 0})),
        of("IPv4 options: longer than their room", Seen::kAsPort, option({222, 40, 0, 0})),
        of("IPv4 options: of length 0", Seen::kAsPort, option({222, 0, 0, 0})),
        of("IPv4 options behind three tags of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
            recipe.tags.assign(3, {kQ, 0});
            recipe.options.assign(40, 1);
        }),
        of("a header of four words", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x44; }),
        of("a header of no words", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x40; }),
        of("a header longer than the packet", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x4f; recipe.payload = 8; }),
        of("version 5", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x55; }),
        of("version 6", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x65; }),
        of("total length 0", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 0; }),
        of("total length of the header alone", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 20; }),
        of("total length that ends in the ports", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 23; }),
        of("total length of header and ports", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 24; }),
        of("total length of header and eight bytes", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 28; }),
        of("total length one byte less than there is", Seen::kAsPort, [](Recipe& recipe) { recipe.longer = -1; }),
        of("total length one byte more than there is", Seen::kAsPort, [](Recipe& recipe) { recipe.longer = 1; }),
        of("total length 65535", Seen::kAsPort, [](Recipe& recipe) { recipe.ip_length = 65535; }),
        of("the reserved bit of fragments", Seen::kAsPort, [](Recipe& recipe) { recipe.fragment_bits = 0x8000; }),
        of("the bit against fragments", Seen::kAsPort, [](Recipe& recipe) { recipe.fragment_bits = 0x4000; }),
        of("the bit against fragments, and a fragment", Seen::kAsPort, [](Recipe& recipe) {
            recipe.fragment_bits = 0x4000;
            recipe.pieces = {head(24), tail(24)};
        }),
        of("all of it, and more to come", Seen::kAsPort, [](Recipe& recipe) { recipe.fragment_bits = 0x2000; recipe.payload = 16; }),
        of("an authentication header", Seen::kOpen, [](Recipe& recipe) {
            recipe.pieces = {{.next = kAuthentication}};
        }),
        of("time to live 0", Seen::kAsPort, [](Recipe& recipe) { recipe.hops = 0; }),
        of("time to live 255", Seen::kAsPort, [](Recipe& recipe) { recipe.hops = 255; }),
        of("UDP-Lite", Seen::kOpen, [](Recipe& recipe) { recipe.pieces = {{.next = 136}}; }, Protocol::udp),
    };
    return rows;
}

Rows fragment_rows() {
    const auto tcp = Protocol::tcp;
    const auto udp = Protocol::udp;
    return {
        {"a first fragment with ports and flags, and the rest", Seen::kAsPort, pieces({head(24), tail(24)})},
        {"the rest first", Seen::kAsPort, pieces({tail(24), head(24)})},
        {"three fragments, the first in the middle", Seen::kAsPort, pieces({tail(32), head(24), {24, 8, true}})},
        {"a first fragment that ends before the flags", Seen::kNever, pieces({head(8), tail(8)}), Family::kBoth, tcp},
        {"the same, the rest first", Seen::kNever, pieces({tail(8), head(8)}), Family::kBoth, tcp},
        {"a first fragment that ends behind the flags", Seen::kAsPort, pieces({head(16), tail(16)}), Family::kBoth, tcp},
        {"a datagram whose first fragment is its header", Seen::kAsPort, pieces({head(8), tail(8)}), Family::kBoth, udp},
        {"a datagram in pieces of eight bytes", Seen::kAsPort, pieces({head(8), {8, 8, true}, tail(16)}), Family::kBoth, udp},
        {"the same, last piece first", Seen::kAsPort, pieces({tail(16), {8, 8, true}, head(8)}), Family::kBoth, udp},
        {"offset 1 alone", Seen::kNever, pieces({{8, 0xffff, false}}), Family::kBoth, tcp},
        {"another port first, then offset 1 over the flags", Seen::kNever,
         pieces({{.from = 0, .size = 24, .more = true, .port = kAllowedPort}, {8, 0xffff, false}}), Family::kBoth, tcp},
        {"another port first, then all of it again", Seen::kAsPort,
         pieces({{.from = 0, .size = 24, .more = true, .port = kAllowedPort}, {}})},
        {"another port first, then the first again", Seen::kAsPort,
         pieces({{.from = 0, .size = 24, .more = true, .port = kAllowedPort}, head(24), tail(24)})},
        {"the first, then another port, then the rest", Seen::kAsPort,
         pieces({head(24), {.from = 0, .size = 24, .more = true, .port = kAllowedPort}, tail(24)})},
        {"the rest, then another port, then the first", Seen::kAsPort,
         pieces({tail(24), {.from = 0, .size = 24, .more = true, .port = kAllowedPort}, head(24)})},
        {"the first of another id", Seen::kAsPort, pieces({{.from = 0, .size = 24, .more = true, .id = 1}, tail(24)})},
        {"an overlap of eight bytes", Seen::kAsPort, pieces({head(24), tail(16)})},
        {"an overlap of all but the first", Seen::kAsPort, pieces({head(32), tail(24)})},
        {"the last twice", Seen::kAsPort, pieces({tail(24), tail(24), head(24)})},
        {"a fragment that is all of it", Seen::kAsPort, pieces({{}}), Family::kInet6},
        {"all of it, and more to come: a fragment", Seen::kAsPort, pieces({{.more = true}})},
        {"all of it, and the end once more", Seen::kAsPort, pieces({{.more = true}, tail(24)})},
        {"an atomic fragment behind three tags of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
             recipe.tags.assign(3, {kQ, 0});
             recipe.pieces = {{}};
         }},
        {"two fragments behind three tags of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
             recipe.tags.assign(3, {kQ, 0});
             recipe.pieces = {head(24), tail(24)};
         }},
        {"a tiny first fragment behind twenty tags of VLAN 0", Seen::kNever, [](Recipe& recipe) {
             recipe.tags.assign(20, {kQ, 0});
             recipe.pieces = {head(8), tail(8)};
         }, Family::kBoth, tcp},
        {"an offset past the end of all packets", Seen::kOpen, pieces({{.offset = 0x1fff}})},
        {"a first fragment of a length that is not whole", Seen::kAsPort, pieces({head(25), tail(24)})},
    };
}

Rows extension_rows() {
    const Extension hop = options(kHopByHop);
    const Extension dest = options(kOptions);
    const Extension route = routing(2);
    const Extension atomic = fragment();
    const auto of = [](std::string sentence, Seen seen, Change change, Protocol protocol = Protocol::both) {
        return AttackRow{std::move(sentence), seen, std::move(change), Family::kInet6, protocol};
    };
    return {
        of("a hop-by-hop header", Seen::kAsPort, extensions({hop})),
        of("destination options", Seen::kAsPort, extensions({dest})),
        of("a routing header without segments left", Seen::kAsPort, extensions({route})),
        of("a routing header of type 3", Seen::kAsPort, extensions({routing(3)})),
        of("a routing header of type 4 (segment routing)", Seen::kAsPort, extensions({routing(4)})),
        of("a routing header of type 253", Seen::kAsPort, extensions({routing(253)})),
        of("a routing header of type 0", Seen::kNever, extensions({routing(0)})),
        of("a routing header of type 0 with an address", Seen::kNever, extensions({routing(0, 1, 1)})),
        of("a routing header of type 0 behind three tags of VLAN 0", Seen::kNever, [](Recipe& recipe) {
            recipe.tags.assign(3, {kQ, 0});
            recipe.extensions = {routing(0)};
        }),
        of("an atomic fragment", Seen::kAsPort, extensions({atomic})),
        of("two atomic fragments", Seen::kNever, extensions({atomic, atomic})),
        of("an authentication header", Seen::kAsPort, extensions({authentication()})),
        of("mobility", Seen::kAsPort, extensions({options(kMobility)})),
        of("host identity", Seen::kAsPort, extensions({options(kHip)})),
        of("shim6", Seen::kAsPort, extensions({options(kShim)})),
        of("an extension for experiments", Seen::kOpen, extensions({options(kExperiment)})),
        of("all in the order of RFC 8200", Seen::kAsPort, extensions({hop, dest, route, atomic, dest})),
        of("seven headers, each in its place", Seen::kAsPort,
           extensions({hop, dest, route, atomic, authentication(), dest, options(kShim)})),
        of("hop-by-hop and destination options", Seen::kAsPort, extensions({hop, dest})),
        of("destination options twice", Seen::kAsPort, extensions({dest, dest})),
        of("destination options around a routing header", Seen::kAsPort, extensions({dest, route, dest})),
        of("destination options behind an atomic fragment", Seen::kAsPort, extensions({atomic, dest})),
        of("destination options in front of an atomic fragment", Seen::kAsPort, extensions({dest, atomic})),
        of("hop-by-hop twice", Seen::kNever, extensions({hop, hop})),
        of("hop-by-hop behind destination options", Seen::kNever, extensions({dest, hop})),
        of("hop-by-hop behind an atomic fragment", Seen::kNever, extensions({atomic, hop})),
        of("a routing header behind an atomic fragment", Seen::kNever, extensions({atomic, route})),
        of("a routing header twice", Seen::kNever, extensions({route, route})),
        of("an authentication header twice", Seen::kNever, extensions({authentication(), authentication()})),
        of("three destination options", Seen::kNever, extensions(3, dest)),
        of("seven destination options", Seen::kNever, extensions(7, dest)),
        of("eight destination options", Seen::kNever, extensions(8, dest)),
        of("nine destination options", Seen::kNever, extensions(9, dest)),
        of("twenty destination options", Seen::kNever, extensions(20, dest)),
        of("a hundred destination options", Seen::kNever, extensions(100, dest)),
        of("eight atomic fragments", Seen::kNever, extensions(8, atomic)),
        of("nine atomic fragments", Seen::kNever, extensions(9, atomic)),
    };
}

Rows extension_length_rows() {
    const Extension hop = options(kHopByHop);
    const auto of = [](std::string sentence, Seen seen, Change change, Protocol protocol = Protocol::both) {
        return AttackRow{std::move(sentence), seen, std::move(change), Family::kInet6, protocol};
    };
    return {
        of("destination options of 248 bytes", Seen::kAsPort, extensions({options(kOptions, 30)})),
        of("destination options of 256 bytes", Seen::kAsPort, extensions({options(kOptions, 31)})),
        of("destination options of 264 bytes", Seen::kNever, extensions({options(kOptions, 32)})),
        of("destination options of 1,024 bytes", Seen::kNever, extensions({options(kOptions, 127)})),
        of("hop-by-hop and destination options, 256 bytes together", Seen::kAsPort, extensions({hop, options(kOptions, 30)})),
        of("hop-by-hop and destination options, 264 bytes together", Seen::kNever, extensions({hop, options(kOptions, 31)})),
        of("a hop-by-hop header of 256 bytes", Seen::kAsPort, extensions({options(kHopByHop, 31)})),
        of("a hop-by-hop header of 264 bytes", Seen::kNever, extensions({options(kHopByHop, 32)})),
        of("destination options that end past the packet", Seen::kNever, extensions({lying(kOptions, 30)})),
        of("destination options that end in the ports", Seen::kOpen, extensions({lying(kOptions, 1)})),
        of("an authentication header that ends past the packet", Seen::kNever, extensions({lying(kAuthentication, 60)})),
        of("destination options, and nothing behind them", Seen::kOpen, [](Recipe& recipe) {
            recipe.extensions = {options(kOptions)};
            recipe.ip_length = 8;
        }),
        of("a payload length that ends in the options", Seen::kNever, [](Recipe& recipe) {
            recipe.extensions = {options(kOptions)};
            recipe.ip_length = 7;
        }),
        of("no next header, and a packet all the same", Seen::kOpen, extensions({options(kNoNext)})),
        of("hop-by-hop behind twenty tags of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
            recipe.tags.assign(20, {kQ, 0});
            recipe.extensions = {options(kHopByHop)};
        }),
        of("destination options behind three tags of VLAN 0", Seen::kAsPort, [](Recipe& recipe) {
            recipe.tags.assign(3, {kQ, 0});
            recipe.extensions = {options(kOptions)};
        }),
        of("destination options behind the tag of the host", Seen::kAsPort, [](Recipe& recipe) {
            recipe.tags = {{kQ, kReal}};
            recipe.extensions = {options(kOptions)};
        }),
    };
}

Rows cut_extension_rows() {
    const Extension dest = options(kOptions);
    const auto of = [](std::string sentence, Seen seen, Change change, Protocol protocol = Protocol::both) {
        return AttackRow{std::move(sentence), seen, std::move(change), Family::kInet6, protocol};
    };
    return {
        of("destination options, then two fragments", Seen::kAsPort, cut_extensions({dest}, {}, {head(24), tail(24)})),
        of("two fragments, destination options in the first", Seen::kAsPort, cut_extensions({}, {dest}, {head(32), tail(32)})),
        of("destination options alone in the first fragment", Seen::kNever, cut_extensions({}, {dest}, {head(8), tail(8)})),
        of("the same, the rest first", Seen::kNever, cut_extensions({}, {dest}, {tail(8), head(8)})),
        of("half of the destination options in the first fragment", Seen::kNever,
           cut_extensions({}, {options(kOptions, 3)}, {head(16), tail(16)})),
        of("destination options and ports in the first fragment", Seen::kNever, cut_extensions({}, {dest}, {head(16), tail(16)}),
           Protocol::tcp),
        of("an atomic fragment with destination options", Seen::kAsPort, cut_extensions({}, {dest}, {{}})),
        of("an atomic fragment between options", Seen::kAsPort, cut_extensions({dest}, {dest}, {{}})),
        of("a fragment in a fragment", Seen::kNever, cut_extensions({}, {fragment()}, {{}})),
        of("fragments of a fragment", Seen::kNever, cut_extensions({}, {fragment()}, {head(24), tail(24)})),
        of("a later fragment that says another protocol", Seen::kAsPort,
           pieces({head(24), {.from = 24, .next = kNoNext}})),
        of("a first fragment that says another protocol", Seen::kOpen,
           pieces({{.from = 0, .size = 24, .more = true, .next = kOptions}, tail(24)})),
        of("a later fragment that says hop-by-hop", Seen::kAsPort, pieces({head(24), {.from = 24, .next = kHopByHop}})),
    };
}

Rows inet6_rows() {
    const auto of = [](std::string sentence, Seen seen, Change change, Protocol protocol = Protocol::both) {
        return AttackRow{std::move(sentence), seen, std::move(change), Family::kInet6, protocol};
    };
    return {
        of("version 4", Seen::kOpen, [](Recipe& recipe) { recipe.first_byte = 0x40; }),
        of("a traffic class", Seen::kAsPort, [](Recipe& recipe) { recipe.first_byte = 0x6f; }),
        of("payload length 0", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 0; }),
        of("payload length 3", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 3; }),
        of("payload length 4", Seen::kOpen, [](Recipe& recipe) { recipe.ip_length = 4; }),
        of("payload length one less than there is", Seen::kAsPort, [](Recipe& recipe) { recipe.longer = -1; }),
        of("payload length one more than there is", Seen::kAsPort, [](Recipe& recipe) { recipe.longer = 1; }),
        of("a jumbogram that is none", Seen::kAsPort, [](Recipe& recipe) {
            recipe.extensions = {options(kHopByHop)};
            recipe.jumbo = true;
        }),
        of("a hop limit of 255", Seen::kAsPort, [](Recipe& recipe) { recipe.hops = 255; }),
        of("a hop limit of 0", Seen::kAsPort, [](Recipe& recipe) { recipe.hops = 0; }),
        of("router alert and a hop limit of 1, as MLD has them", Seen::kAsPort, [](Recipe& recipe) {
            recipe.extensions = {{.type = kHopByHop, .length = 0, .content = {5, 2, 0, 0, 1, 0}}};
            recipe.hops = 1;
        }),
    };
}

Rows transport_rows() {
    const auto tcp = Protocol::tcp;
    const auto udp = Protocol::udp;
    return {
        {"a SYN with all other flags that are no answer", Seen::kAsPort, [](Recipe& recipe) { recipe.tcp_flags = 0xea; }, Family::kBoth, tcp},
        {"a SYN with FIN", Seen::kAsPort, [](Recipe& recipe) { recipe.tcp_flags = 0x03; }, Family::kBoth, tcp},
        {"a header of four words", Seen::kAsPort, [](Recipe& recipe) { recipe.tcp_offset = 4; }, Family::kBoth, tcp},
        {"a header of fifteen words", Seen::kAsPort, [](Recipe& recipe) { recipe.tcp_offset = 15; }, Family::kBoth, tcp},
        {"a datagram without checksum", Seen::kAsPort, [](Recipe& recipe) { recipe.no_checksum = true; }, Family::kBoth, udp},
        {"a datagram of length 0", Seen::kAsPort, [](Recipe& recipe) { recipe.udp_length = 0; }, Family::kBoth, udp},
        {"a datagram that says it is longer", Seen::kAsPort, [](Recipe& recipe) { recipe.udp_length = 999; }, Family::kBoth, udp},
        {"a datagram that says it is shorter", Seen::kAsPort, [](Recipe& recipe) { recipe.udp_length = 20; recipe.no_checksum = true; }, Family::kBoth, udp},
        {"port 0 as source", Seen::kAsPort, [](Recipe& recipe) { recipe.source_port = 0; }},
        {"the port as source, too", Seen::kAsPort, [](Recipe& recipe) { recipe.source_port = recipe.port; }},
        {"a frame that ends in the payload", Seen::kAsPort, [](Recipe& recipe) { recipe.cut = 4; }},
        {"a frame that ends in the ports", Seen::kOpen, [](Recipe& recipe) { recipe.cut = recipe.protocol == kTcp ? 33 : 21; }},
        {"a frame that ends behind the ports", Seen::kAsPort, [](Recipe& recipe) { recipe.cut = recipe.protocol == kTcp ? 32 : 20; }},
    };
}
// clang-format on

bool is_for(const AttackRow& row, bool inet6, bool udp) {
    const Family family = inet6 ? Family::kInet6 : Family::kInet;
    const Protocol protocol = udp ? Protocol::udp : Protocol::tcp;
    return (row.family == Family::kBoth || row.family == family) &&
           (row.protocol == Protocol::both || row.protocol == protocol);
}

} // namespace

const std::vector<AttackRow>& attack_table() {
    static const Rows kRows = [] {
        Rows all;
        for (Rows (*const part)() : {tag_rows, link_rows, inet_rows, fragment_rows, extension_rows,
                                     extension_length_rows, cut_extension_rows, inet6_rows, transport_rows}) {
            for (AttackRow& row : part()) {
                all.push_back(std::move(row));
            }
        }
        return all;
    }();
    return kRows;
}

std::vector<Attack> attacks(std::uint16_t port, std::uint32_t first_id) {
    std::vector<Attack> all;
    for (const AttackRow& row : attack_table()) {
        for (const unsigned which : {0U, 1U, 2U, 3U}) {
            const bool inet6 = which >= 2;
            const bool udp = which % 2 == 1;
            if (!is_for(row, inet6, udp)) {
                continue;
            }
            Recipe recipe{.inet6 = inet6, .protocol = udp ? kUdp : kTcp, .port = port};
            recipe.id = first_id + 4 * static_cast<std::uint32_t>(all.size());
            recipe.source_port = static_cast<std::uint16_t>(20000 + all.size());
            row.change(recipe);
            const std::string said = std::string(inet6 ? "IPv6, " : "IPv4, ") + (udp ? "UDP: " : "TCP: ");
            all.push_back({said + row.sentence, row.seen, std::move(recipe)});
        }
    }
    return all;
}

} // namespace pfild::frames
