// SPDX-License-Identifier: BSD-2-Clause
// Random expressions, compiled and proved as hooks and captures get them, against what libpcap's grammar makes of them:
// the interpreter runs both over random packets. Lists of 250 hosts, nets and ports likewise. Says what was met and how
// long programs are, and exits with 1 at the first difference.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cbpf/analysis/equivalence.h"
#include "cbpf/interpret.h"
#include "cbpf/reduce/reduce.h"
#include "filter/proved.h"
#include "lists.h"
#include "random_filter.h"

namespace {

using pfild::cbpf::Packet;
using pfild::cbpf::Program;
using pfild::filter::LinkType;
using pfild::filter::Names;
using pfild::filter::Optimiser;
using pfild::filter::Origin;
using Clock = std::chrono::steady_clock;

constexpr unsigned kPackets = 200;
constexpr unsigned kCutPackets = 2'000;
constexpr double kMostTimesOptimised = 1.5;
constexpr std::size_t kWholePacket = 400; ///< bytes; beyond what the expressions look at, IP options and tags included

/// How much longer than libpcap's optimised program a program is: at most so many times as long.
constexpr std::array<double, 4> kSteps{1.0, 1.25, kMostTimesOptimised, 2.0};

constexpr std::string_view kUsage = "usage: prove_filters [--count N] [--seed S] [--verbose] [--no-lists]";

/// What a packet says of libpcap's optimised program.
enum class Difference : std::uint8_t { kNone, kCut, kWhole };
constexpr std::array<std::string_view, 3> kDifferences{"as it means", "other for cut packets",
                                                       "other for whole packets"};

struct Choice {
    unsigned long count = 1'000;
    std::uint32_t seed = 1;
    bool verbose = false;
    bool has_lists = true;
};

struct Tally {
    unsigned long filters = 0;
    unsigned long refused = 0; ///< by libpcap
    unsigned long too_long = 0;
    std::array<unsigned long, pfild::filter::kOriginNames.size()> origins{};
    unsigned long proved = 0;                                     ///< reduced programs that the prover finds equal
    unsigned long without_proof = 0;                              ///< programs that came without one
    std::array<unsigned long, kDifferences.size()> different{};   ///< optimised programs
    std::array<unsigned long, kSteps.size() + 1> by_length{};     ///< programs; the last ones are longer
    std::array<unsigned long, kDifferences.size()> much_longer{}; ///< than kMostTimesOptimised, by Difference
    double longest = 1;                                           ///< the most times that a program is longer
    unsigned long instructions = 0;                               ///< of all programs
    unsigned long optimised = 0;                                  ///< of libpcap's optimised ones
    unsigned long runs = 0;
    unsigned long matched = 0;
    double slowest_ms = 0;
};

/// One expression, and what has become of it.
struct Case {
    std::string expression;
    LinkType type;
    Program meant; ///< unoptimised
    pfild::filter::Proved proved;
    std::optional<Program> optimised;
    double ms = 0;
};

std::optional<Program> verified(const std::vector<pfild::cbpf::Instruction>& instructions) {
    auto program = Program::verify(instructions, pfild::cbpf::kLongestToReduce);
    return program ? std::optional(std::move(*program)) : std::nullopt;
}

/// Nothing: libpcap refuses it, or it is no work for a reducer.
std::optional<Case> compiled(const std::string& expression, LinkType type, Tally& tally) {
    const auto plain = compile(expression, type, Names::kNumeric, pfild::filter::kSnapLength, Optimiser::kOff);
    const auto optimised = compile(expression, type, Names::kNumeric);
    const auto began = Clock::now();
    auto proved = compile_proved(expression, type, Names::kNumeric);
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
    auto meant = plain ? verified(*plain) : std::nullopt;
    if (!proved || !meant) {
        ++tally.refused;
        if (optimised) {
            std::printf("refused, though libpcap's optimiser takes it: %s\n", expression.c_str());
            std::exit(1);
        }
        return std::nullopt;
    }
    return Case{
        expression, type, std::move(*meant), std::move(*proved), optimised ? verified(*optimised) : std::nullopt, ms};
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string all;
    for (const std::uint8_t byte : bytes) {
        all += kDigits[byte >> 4U];
        all += kDigits[byte & 0xfU];
    }
    return all;
}

double times_as_long(const Case& one) {
    const std::size_t length = one.proved.program.size();
    return static_cast<double>(length) / static_cast<double>(one.proved.short_length.value_or(length));
}

void count(const Case& one, Difference difference, bool verbose, Tally& tally) {
    ++tally.filters;
    ++tally.origins.at(static_cast<std::size_t>(one.proved.origin));
    ++tally.different.at(static_cast<std::size_t>(difference));
    tally.without_proof += one.proved.is_proved ? 0 : 1;
    tally.slowest_ms = std::max(tally.slowest_ms, one.ms);
    const std::size_t length = one.proved.program.size();
    const std::size_t theirs = one.proved.short_length.value_or(length);
    tally.instructions += length;
    tally.optimised += theirs;
    const double times = times_as_long(one);
    const auto step = std::lower_bound(kSteps.begin(), kSteps.end(), times) - kSteps.begin();
    ++tally.by_length.at(static_cast<std::size_t>(step));
    tally.longest = std::max(tally.longest, times);
    const bool is_much = times > kMostTimesOptimised;
    tally.much_longer.at(static_cast<std::size_t>(difference)) += is_much ? 1 : 0;
    if (verbose && one.proved.origin != Origin::kOptimised) {
        std::printf("%s%zu, %zu by libpcap (%s), from %zu: %s\n", is_much ? "long " : "", length, theirs,
                    kDifferences.at(static_cast<std::size_t>(difference)).data(), one.proved.plain_length,
                    one.expression.c_str());
    }
}

/// => the packet has been found to be judged as `right` by the unoptimised program.
Difference difference_of(const Case& one, const Packet& packet, std::vector<std::uint8_t> bytes, std::uint32_t right) {
    if (!one.optimised || interpret(*one.optimised, packet) == right) {
        return Difference::kNone;
    }
    bytes.resize(std::max(bytes.size(), kWholePacket));
    const Packet whole(bytes);
    return interpret(*one.optimised, whole) == interpret(one.meant, whole) ? Difference::kCut : Difference::kWhole;
}

/// Packets of which so many bytes are there and no more, for every number: few are cut where the expression looks.
Difference difference_of_cuts(const Case& one, pfild::tests::RandomFilter& random) {
    for (unsigned i = 0; i < kCutPackets; ++i) {
        const std::vector<std::uint8_t> bytes = random.packet(one.meant);
        for (std::size_t length = 0; length < bytes.size(); ++length) {
            const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
            const Packet packet(cut, static_cast<std::uint32_t>(bytes.size()));
            const Difference difference = difference_of(one, packet, cut, interpret(one.meant, packet));
            if (difference != Difference::kNone) {
                return difference;
            }
        }
    }
    return Difference::kNone;
}

/// False: a packet tells one of the programs from what the text means.
bool agree(const Case& one, const Program& made, const Program& reduced, std::uint32_t seed, bool verbose,
           Tally& tally) {
    pfild::tests::RandomFilter random(seed, one.type.number == pfild::filter::kEthernet.number);
    Difference difference = Difference::kNone;
    for (unsigned i = 0; i < kPackets; ++i) {
        const std::vector<std::uint8_t> bytes = random.packet(one.meant);
        const Packet packet(bytes, static_cast<std::uint32_t>(bytes.size()) + (random.below(4) == 0 ? 40 : 0));
        const std::uint32_t right = interpret(one.meant, packet);
        ++tally.runs;
        tally.matched += right != 0 ? 1 : 0;
        if (interpret(made, packet) != right || interpret(reduced, packet) != right) {
            std::printf("difference: %s for %.*s\npacket %s, %u bytes on the wire: %u is right\n",
                        one.expression.c_str(), static_cast<int>(one.type.name.size()), one.type.name.data(),
                        hex(bytes).c_str(), packet.wire_length(), right);
            return false;
        }
        difference = std::max(difference, difference_of(one, packet, bytes, right));
    }
    if (difference == Difference::kNone && times_as_long(one) > kMostTimesOptimised) {
        difference = difference_of_cuts(one, random);
    }
    count(one, difference, verbose, tally);
    return true;
}

/// False: there is a difference, or a program is missing.
bool judge(const Case& one, std::uint32_t seed, bool verbose, Tally& tally) {
    const auto made = Program::verify(one.proved.program);
    if (!made) {
        ++tally.too_long;
        if (one.optimised && Program::verify(one.optimised->instructions())) {
            std::printf("does not fit, and libpcap's does: %s\n", one.expression.c_str());
            return false;
        }
        return true;
    }
    const auto reduced = verified(pfild::cbpf::reduced(one.meant));
    if (!reduced) {
        std::printf("the reduced program does not verify: %s\n", one.expression.c_str());
        return false;
    }
    tally.proved += certainly_equal(one.meant, *reduced) ? 1 : 0;
    return agree(one, *made, *reduced, seed, verbose, tally);
}

void report(const char* what, const Tally& tally) {
    std::printf("%s: %lu filters: %lu optimised, %lu reduced, %lu unoptimised; %lu without a proof; %lu refused by "
                "libpcap, %lu too long\n",
                what, tally.filters, tally.origins[0], tally.origins[1], tally.origins[2], tally.without_proof,
                tally.refused, tally.too_long);
    std::printf("  libpcap's optimised program is %s: %lu, %s: %lu, %s: %lu; reduced ones proved equal: %lu\n",
                kDifferences[0].data(), tally.different[0], kDifferences[1].data(), tally.different[1],
                kDifferences[2].data(), tally.different[2], tally.proved);
    std::printf("  %lu instructions, %lu by libpcap's optimiser; times as long:", tally.instructions, tally.optimised);
    for (std::size_t step = 0; step < kSteps.size(); ++step) {
        std::printf(" %.2f: %lu,", kSteps[step], tally.by_length[step]);
    }
    std::printf(" more: %lu, at most %.1f\n", tally.by_length.back(), tally.longest);
    std::printf("  more than %.1f times as long where the optimised one is %s: %lu, %s: %lu, %s: %lu\n",
                kMostTimesOptimised, kDifferences[0].data(), tally.much_longer[0], kDifferences[1].data(),
                tally.much_longer[1], kDifferences[2].data(), tally.much_longer[2]);
    std::printf("  %lu packets, %lu matched, no difference; slowest %.0f ms\n", tally.runs, tally.matched,
                tally.slowest_ms);
}

/// False: a list does not fit, is too long, or has a difference.
bool judge_lists(LinkType type, const Choice& choice) {
    std::printf("lists of 250 for %.*s: instructions, by libpcap's optimiser, without\n",
                static_cast<int>(type.name.size()), type.name.data());
    for (const pfild::tests::List& list :
         pfild::tests::lists(choice.seed, type.number == pfild::filter::kEthernet.number)) {
        Tally tally;
        const auto one = compiled(list.expression, type, tally);
        if (!one || !judge(*one, choice.seed, false, tally)) {
            return false;
        }
        const std::size_t length = one->proved.program.size();
        const double times = static_cast<double>(length) / static_cast<double>(*one->proved.short_length);
        const bool fits = length <= pfild::cbpf::kMaxInstructions;
        std::printf("  %-27s %4zu %4zu %5zu  %s%s, %.0f ms\n", list.what.c_str(), length, *one->proved.short_length,
                    one->proved.plain_length, pfild::filter::name(one->proved.origin).data(),
                    !fits                   ? ", too long"
                    : one->proved.is_proved ? ""
                                            : ", without a proof",
                    one->ms);
        if ((list.fits && !fits) || (list.is_short && times > kMostTimesOptimised)) {
            std::printf("too long: %s\n", list.what.c_str());
            return false;
        }
    }
    return true;
}

std::optional<Choice> choice_of(const std::vector<std::string_view>& words) {
    Choice choice;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const bool has_number = at + 1 < words.size();
        if (words[at] == "-h" || words[at] == "--help") {
            std::puts(kUsage.data());
            std::exit(0);
        }
        if (words[at] == "--verbose") {
            choice.verbose = true;
        } else if (words[at] == "--no-lists") {
            choice.has_lists = false;
        } else if (words[at] == "--count" && has_number) {
            choice.count = std::strtoul(words[++at].data(), nullptr, 10);
        } else if (words[at] == "--seed" && has_number) {
            choice.seed = static_cast<std::uint32_t>(std::strtoul(words[++at].data(), nullptr, 10));
        } else {
            return std::nullopt;
        }
    }
    return choice;
}

} // namespace

int main(int argc, char** argv) {
    const auto choice = choice_of({argv + 1, argv + argc});
    if (!choice) {
        std::fprintf(stderr, "%s\n", kUsage.data());
        return 2;
    }
    Tally all;
    Tally exceptions;
    for (unsigned long i = 0; i < choice->count; ++i) {
        const auto seed = static_cast<std::uint32_t>(choice->seed + i);
        const LinkType type = i % 2 == 0 ? pfild::filter::kEthernet : pfild::filter::kRaw;
        pfild::tests::RandomFilter random(seed, i % 2 == 0);
        const bool is_exception = i % 8 >= 6;
        Tally& tally = is_exception ? exceptions : all;
        const auto one = compiled(is_exception ? random.exceptions() : random.expression(), type, tally);
        if (one && !judge(*one, seed, choice->verbose, tally)) {
            return 1;
        }
    }
    report("expressions of all kinds", all);
    report("exceptions beside each other", exceptions);
    const bool are_right = !choice->has_lists || (judge_lists(pfild::filter::kEthernet, *choice) &&
                                                  judge_lists(pfild::filter::kRaw, *choice));
    return are_right ? 0 : 1;
}
