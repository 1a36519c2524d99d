// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the daemon's answer: a result or an error, never an exception; what can be taken can be printed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bpfctl/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    constexpr std::uint64_t kId = 1;
    const auto answer = pfild::bpfctl::parse_answer({reinterpret_cast<const char*>(data), size}, kId, "socket");
    if (answer) {
        if (pfild::bpfctl::compact(*answer).empty()) {
            std::abort();
        }
    } else if (answer.error().error.line().empty()) {
        std::abort();
    }
    return 0;
}
