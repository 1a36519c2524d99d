// SPDX-License-Identifier: BSD-2-Clause
// The 168 vectors of the contract. They are loops, not a test each: a process for each would take longer than all
// tests.
#include "tests/data/contract_vectors.h"

#include <gtest/gtest.h>

#include "tests/oracle/reference.h"
#include "tests/unit/cbpf/backends.h"

namespace pfild::tests {
namespace {

TEST(ContractVectors, programs_V01_to_V71_are_accepted_exactly_where_the_contract_says) {
    const std::vector<ValidationVector> vectors = read_contract_vectors().validation;
    ASSERT_EQ(vectors.size(), 71U);
    for (const ValidationVector& vector : vectors) {
        const auto program = cbpf::Program::verify(vector.program);
        EXPECT_EQ(program.has_value(), vector.accepted)
            << vector.id << ' ' << vector.what << ": " << (program ? "accepted" : program.error().message());
        EXPECT_EQ(reference_accepts(vector.program), vector.accepted) << "the reference machine errs, " << vector.id;
    }
}

TEST(ContractVectors, runs_R001_to_R097_yield_what_the_contract_says_on_every_back_end) {
    const std::vector<RunVector> vectors = read_contract_vectors().run;
    ASSERT_EQ(vectors.size(), 97U);
    for (const RunVector& vector : vectors) {
        const auto program = cbpf::Program::verify(vector.program);
        ASSERT_TRUE(program) << vector.id << ": " << program.error().message();
        const Runnable runnable(*program);
        for (const Backend& backend : kBackends) {
            EXPECT_EQ(backend.run(runnable, vector.packet, vector.wire_length), vector.result)
                << vector.id << ' ' << vector.what << ", " << backend.name;
        }
        EXPECT_EQ(reference_run(vector.program, vector.packet, vector.wire_length), vector.result)
            << "the reference machine errs, " << vector.id;
    }
}

} // namespace
} // namespace pfild::tests
