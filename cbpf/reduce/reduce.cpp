// SPDX-License-Identifier: BSD-2-Clause
// See reduce.h.
#include "cbpf/reduce/reduce.h"

#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/reduce/shorten.h"
#include "cbpf/reduce/write.h"

namespace pfild::cbpf {
namespace {

constexpr std::size_t kMostQuestions = 32'768;

} // namespace

std::vector<Instruction> reduced(const Program& program) {
    std::vector<Instruction> given(program.instructions().begin(), program.instructions().end());
    Terms terms;
    std::optional<Asked> asked = questions_of(program, terms, kMostQuestions);
    if (!asked) {
        return given;
    }
    reduce::shorten(*asked, terms);
    auto shorter = reduce::written(*asked, terms);
    const bool is_shorter = shorter && shorter->size() < given.size() && Program::verify(*shorter, given.size());
    return is_shorter ? std::move(*shorter) : std::move(given);
}

} // namespace pfild::cbpf
