// SPDX-License-Identifier: BSD-2-Clause
// Classic programs lowered to eBPF against the interpreter: the vectors of the contract, and random programs over
// random packets.
//
// By default two seconds' worth. PFILD_PAIRS=10000000 runs that many pairs of a program and a packet, PFILD_SEED begins
// elsewhere. A failure prints the program and says which seed it came from.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/text.h"
#include "daemon/sys/capabilities.h"
#include "tests/data/contract_vectors.h"
#include "tests/prog/lowered_filter.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::tests {
namespace {

using ebpf::Place;

constexpr std::uint32_t kPacketsPerProgram = 16;
constexpr std::size_t kShortestFrame = 14; ///< that the kernel runs a program over

constexpr Place kPlaces[] = {Place::kXdp, Place::kTc};
constexpr Shown kEachShown[] = {Shown::kWhole, Shown::kBehind};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string words(Place place, Shown shown) {
    return std::string(name(place)) + (shown == Shown::kWhole ? ", whole frames" : ", behind the link header");
}

class LoweredPrograms : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto allowed = sys::require_capabilities(); !allowed) {
            GTEST_SKIP() << allowed.error().line();
        }
    }
};

TEST_F(LoweredPrograms, V01_to_V71_are_taken_by_the_kernels_verifier_where_they_verify) {
    std::size_t taken = 0;
    for (const ValidationVector& vector : read_contract_vectors().validation) {
        const auto program = cbpf::Program::verify(vector.program);
        ASSERT_EQ(program.has_value(), vector.accepted) << vector.id;
        if (!program) {
            continue; // nothing that does not verify comes as far as this
        }
        for (const Place place : kPlaces) {
            const auto loaded = LoweredFilter::load(*program, place, Shown::kWhole);
            EXPECT_TRUE(loaded) << vector.id << ' ' << vector.what << ", " << name(place) << ": " << loaded.error();
            taken += loaded ? 1 : 0;
        }
    }
    EXPECT_GT(taken, 40U);
}

TEST_F(LoweredPrograms, R001_to_R097_yield_what_the_contract_says) {
    std::size_t run = 0;
    for (const RunVector& vector : read_contract_vectors().run) {
        if (vector.wire_length != vector.packet.size()) {
            continue; // where heads are, all of a packet is there
        }
        const auto program = cbpf::Program::verify(vector.program);
        ASSERT_TRUE(program) << vector.id;
        for (const Place place : kPlaces) {
            for (const Shown shown : kEachShown) {
                if (shown == Shown::kWhole && vector.packet.size() < kShortestFrame) {
                    continue;
                }
                const auto filter = LoweredFilter::load(*program, place, shown);
                ASSERT_TRUE(filter) << vector.id << ", " << words(place, shown) << ": " << filter.error();
                const auto result = filter->run(vector.packet);
                ASSERT_TRUE(result) << vector.id << ", " << words(place, shown) << ": " << result.error();
                EXPECT_EQ(*result, vector.result) << vector.id << ' ' << vector.what << ", " << words(place, shown);
                ++run;
            }
        }
    }
    EXPECT_GT(run, 95U * 3);
}

/// What has been compared.
struct Outcome {
    std::size_t pairs = 0;
    std::size_t nonzero = 0;
    std::size_t beyond = 0; ///< packets that XDP has in several buffers
};

constexpr std::size_t kFirstBuffer = 3520; ///< of an XDP packet in a test run, at most

void compare(AnyProgram& random, const cbpf::Program& program, const std::string& about, Outcome& outcome) {
    const auto place = random.one_in(2) ? Place::kXdp : Place::kTc;
    const auto shown = random.one_in(2) ? Shown::kWhole : Shown::kBehind;
    const std::size_t longest = place == Place::kXdp ? 9000 : 3400;
    const auto filter = LoweredFilter::load(program, place, shown);
    ASSERT_TRUE(filter) << about << words(place, shown) << ": " << filter.error();
    std::vector<std::uint8_t> memory(longest);
    random.fill(memory);
    for (std::uint32_t packet = 0; packet < kPacketsPerProgram; ++packet) {
        const std::size_t shortest = shown == Shown::kWhole ? kShortestFrame : 0;
        const std::size_t length = std::clamp<std::size_t>(random.packet_length(), shortest, longest);
        const auto bytes = std::span(memory).last(length);
        random.fill(bytes.first(std::min<std::size_t>(length, 100)));
        if (shown == Shown::kWhole) {
            bytes[12] |= 0x40; // neither IPv4 nor IPv6: of those the kernel runs no packet without its header
        }
        const std::uint32_t expected = interpret(program, cbpf::Packet(bytes));
        const auto result = filter->run(bytes);
        ASSERT_TRUE(result) << about << words(place, shown) << ": " << result.error();
        ASSERT_EQ(*result, expected) << about << words(place, shown) << ", packet " << packet << " of " << length
                                     << " bytes\n"
                                     << print_decimal(program.instructions());
        ++outcome.pairs;
        outcome.nonzero += expected != 0 ? 1 : 0;
        outcome.beyond += place == Place::kXdp && length > kFirstBuffer ? 1 : 0;
    }
}

TEST_F(LoweredPrograms, agree_with_the_interpreter_on_any_program_and_any_packet) {
    const std::uint64_t rounds = from_environment("PFILD_PAIRS", 100000) / kPacketsPerProgram;
    const auto first_seed = static_cast<std::uint32_t>(from_environment("PFILD_SEED", 1));
    Outcome outcome;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const std::uint32_t seed = first_seed + round;
        AnyProgram random(seed);
        const auto program = cbpf::Program::verify(random.program());
        ASSERT_TRUE(program) << "seed " << seed << ": " << program.error().message();
        ASSERT_NO_FATAL_FAILURE(compare(random, *program, "seed " + std::to_string(seed) + ", ", outcome));
    }
    EXPECT_GT(outcome.nonzero, outcome.pairs / 6) << "most runs end early: they no longer test much";
    EXPECT_GT(outcome.beyond, outcome.pairs / 100) << "nothing is read beyond the first buffer";
    RecordProperty("pairs", static_cast<int>(outcome.pairs));
    RecordProperty("nonzero", static_cast<int>(outcome.nonzero));
    RecordProperty("beyond", static_cast<int>(outcome.beyond));
}

} // namespace
} // namespace pfild::tests
