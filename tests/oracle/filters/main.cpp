// SPDX-License-Identifier: BSD-2-Clause
// Random expressions, compiled and proved as hooks and captures get them, against what libpcap's grammar makes of them:
// the interpreter runs both over random packets. Says what was met, and exits with 1 at the first difference.
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
constexpr double kMostTimesOptimised = 1.5;

constexpr std::string_view kUsage = "usage: prove_filters [--count N] [--seed S] [--verbose]";

struct Choice {
    unsigned long count = 1'000;
    std::uint32_t seed = 1;
    bool verbose = false;
};

struct Tally {
    unsigned long filters = 0;
    unsigned long refused = 0; ///< by libpcap
    unsigned long too_long = 0;
    std::array<unsigned long, pfild::filter::kOriginNames.size()> origins{};
    unsigned long proved = 0;       ///< reduced programs that the prover finds equal
    unsigned long told_apart = 0;   ///< optimised programs that a packet tells from the unoptimised one
    unsigned long much_longer = 0;  ///< than the optimised program, which no packet tells from the unoptimised one
    unsigned long instructions = 0; ///< of all programs
    unsigned long optimised = 0;    ///< of libpcap's optimised ones
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

void count(const Case& one, bool is_wrong, bool verbose, Tally& tally) {
    ++tally.filters;
    ++tally.origins.at(static_cast<std::size_t>(one.proved.origin));
    tally.slowest_ms = std::max(tally.slowest_ms, one.ms);
    const std::size_t length = one.proved.program.size();
    const std::size_t theirs = one.proved.short_length.value_or(length);
    tally.instructions += length;
    tally.optimised += theirs;
    const bool is_much = !is_wrong && static_cast<double>(length) > kMostTimesOptimised * static_cast<double>(theirs);
    tally.much_longer += is_much ? 1 : 0;
    if (verbose && one.proved.origin != Origin::kOptimised) {
        std::printf("%s%zu, %zu by libpcap, from %zu: %s\n",
                    is_wrong  ? "another "
                    : is_much ? "long "
                              : "",
                    length, theirs, one.proved.plain_length, one.expression.c_str());
    }
}

/// False: a packet tells one of the programs from what the text means.
bool agree(const Case& one, const Program& made, const Program& reduced, std::uint32_t seed, bool verbose,
           Tally& tally) {
    pfild::tests::RandomFilter random(seed, one.type.number == pfild::filter::kEthernet.number);
    bool is_wrong = false;
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
        is_wrong = is_wrong || (one.optimised && interpret(*one.optimised, packet) != right);
    }
    tally.told_apart += is_wrong ? 1 : 0;
    count(one, is_wrong, verbose, tally);
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
    std::printf("%s: %lu filters: %lu optimised, %lu reduced, %lu unoptimised; %lu refused by libpcap, %lu too long\n",
                what, tally.filters, tally.origins[0], tally.origins[1], tally.origins[2], tally.refused,
                tally.too_long);
    std::printf(
        "  optimised programs that a packet tells from the unoptimised one: %lu; reduced ones proved equal: %lu\n",
        tally.told_apart, tally.proved);
    std::printf("  %lu instructions, %lu by libpcap's optimiser; more than %.1f times as many, though "
                "no packet tells them apart: %lu; slowest %.0f "
                "ms\n",
                tally.instructions, tally.optimised, kMostTimesOptimised, tally.much_longer, tally.slowest_ms);
    std::printf("  %lu packets, %lu matched, no difference\n", tally.runs, tally.matched);
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
    return 0;
}
