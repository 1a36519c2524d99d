// SPDX-License-Identifier: BSD-2-Clause
// Compares the interpreter with one judge over random programs and packets, from a seed on, until so many pairs were
// compared. Prints one JSON object: what was compared, what was reached and how often, and the first difference.
//
// Pair p belongs to the program of seed `--seed` + p / 16, so runs whose seeds are far enough apart have nothing in
// common, and a difference is found again by the seed that it names.
//
// Exit codes: 0 no difference and everything reached, 1 a difference or something never run, 77 it cannot run here
// (1 with PFILD_REQUIRE_ALL=1).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cbpf/text.h"
#include "tests/oracle/proof/judge.h"

namespace {

using pfild::tests::Coverage;
using pfild::tests::Judge;
using pfild::tests::MaybeJudge;
using pfild::tests::Round;
using pfild::tests::Tally;

constexpr int kExitSkipped = 77;
constexpr std::uint64_t kEnoughToReachAll = 100'000; ///< pairs; fewer need not reach everything

struct Options {
    std::string judge = "native";
    std::uint64_t pairs = 1'000'000;
    std::uint32_t seed = 1;
};

MaybeJudge open(const std::string& name) {
    using pfild::tests::Fault;
    return name == "native"    ? pfild::tests::native_judge(Fault::kNone)
           : name == "faulty"  ? pfild::tests::native_judge(Fault::kComparison)
           : name == "libpcap" ? pfild::tests::libpcap_judge()
                               : pfild::tests::kernel_judge();
}

/// The first difference in words, with the program as `tcpdump -ddd` has it.
std::optional<std::string> compare(Judge& judge, const Options& options, Tally& tally) {
    Round round(judge.scope());
    for (std::uint32_t seed = options.seed; tally.pairs < options.pairs; ++seed) {
        std::optional<std::string> how = "the verifier refuses";
        if (round.renew(seed)) {
            ++tally.programs;
            tally.coverage.note_program(round.code());
            how = judge.differs(round, tally);
        }
        if (how) {
            return "seed " + std::to_string(seed) + ", " + *how + '\n' + pfild::cbpf::print_decimal(round.code());
        }
    }
    return std::nullopt;
}

bool is_out_of_reach(const Judge& judge, const std::string& name) {
    for (const std::string_view part : judge.out_of_reach()) {
        const bool anywhere = part.front() == ' ' || part.front() == '/';
        if (anywhere ? name.find(part) != std::string::npos : name.starts_with(part)) {
            return true;
        }
    }
    return false;
}

/// Prints; false if something that can be reached was not.
bool report(const Judge& judge, const Options& options, const Tally& tally, double seconds,
            const std::optional<std::string>& difference) {
    nlohmann::json reached = nlohmann::json::object();
    nlohmann::json missing = nlohmann::json::array();
    for (const Coverage::Item& item : tally.coverage.items()) {
        if (!is_out_of_reach(judge, item.name)) {
            reached[item.name] = item.count;
            if (item.count == 0) {
                missing.push_back(item.name);
            }
        }
    }
    const nlohmann::json line{
        {"judge", options.judge},   {"seed", options.seed},
        {"pairs", tally.pairs},     {"programs", tally.programs},
        {"refused", tally.refused}, {"apart", tally.apart},
        {"nonzero", tally.nonzero}, {"undecided", tally.undecided},
        {"seconds", seconds},       {"difference", difference ? nlohmann::json(*difference) : nlohmann::json()},
        {"missing", missing},       {"reached", reached}};
    std::puts(line.dump().c_str());
    return missing.empty() || options.pairs < kEnoughToReachAll;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Compares cbpf's interpreter with a judge.");
    app.add_option("--judge", options.judge)->check(CLI::IsMember({"native", "libpcap", "kernel", "faulty"}));
    app.add_option("--pairs", options.pairs);
    app.add_option("--seed", options.seed);
    CLI11_PARSE(app, argc, argv);

    const MaybeJudge judge = open(options.judge);
    if (!judge) {
        const char* all = std::getenv("PFILD_REQUIRE_ALL"); // NOLINT(concurrency-mt-unsafe): there is one thread
        const bool fails = all != nullptr && std::string_view(all) == "1";
        (void)std::fprintf(stderr, "%s%s cannot judge here: %s\n", fails ? "PFILD_REQUIRE_ALL=1, and " : "",
                           options.judge.c_str(), judge.error().c_str());
        return fails ? 1 : kExitSkipped;
    }
    Tally tally;
    const auto start = std::chrono::steady_clock::now();
    const std::optional<std::string> difference = compare(**judge, options, tally);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const bool reached_all = report(**judge, options, tally, seconds.count(), difference);
    return difference || !reached_all ? 1 : 0;
}
