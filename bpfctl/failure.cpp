// SPDX-License-Identifier: BSD-2-Clause
// See failure.h.
#include "bpfctl/failure.h"

#include <cerrno>
#include <cstring>

#include "bpfctl/fields.h"

namespace pfild::bpfctl {

std::string line_of(const Failure& failure) { return printable("bpfctl: " + failure.error.line()); }

Json json_of(const Failure& failure) {
    std::string name = failure.errno_name;
    if (name.empty()) {
        const char* const known = strerrorname_np(failure.error.code);
        name = known == nullptr ? "EIO" : known;
    }
    return {{"error",
             {{"errno", std::move(name)},
              {"what", failure.error.what},
              {"object", failure.error.object},
              {"why", failure.error.why},
              {"advice", failure.error.advice}}}};
}

core::Error unwritten_output() {
    const int code = errno != 0 ? errno : EIO;
    return {"write", "standard output", std::strerror(code), "", code}; // NOLINT(concurrency-mt-unsafe): one thread
}

} // namespace pfild::bpfctl
