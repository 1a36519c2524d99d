// SPDX-License-Identifier: BSD-2-Clause
// Any ioctl of any program, and any answer of the daemon to it: | number, 4 | length, 1 | argument | answer |
// The table stays inside of both, asks for what the op of that number can have, and writes no more than there is room.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "devbpf/ioctls.h"
#include "pfild/net/bpf.h"

namespace {

using namespace pfild::devbpf;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

Bytes copy_of(const std::uint8_t* data, std::size_t size) { return {data, data + size}; }

void look_at(const Question& asked, const Bytes& payload) {
    demand(asked.op < PFILD_OPS && asked.payload.size() <= 16);
    demand(!asked.program || (asked.program->bytes > 0 && asked.program->bytes <= kMostInstructions * 8));
    const auto told = answer(asked, payload);
    if (!told) {
        demand(told.error().code == EIO || told.error().code == ENOMEM);
        return;
    }
    const std::size_t goes_back = (_IOC_DIR(asked.number) & _IOC_READ) != 0 ? _IOC_SIZE(asked.number) : 0;
    demand(told->argument.size() == goes_back);
    demand(told->link_types.empty() || asked.link_types.address != 0);
    demand(told->link_types.size() <= std::uint64_t{asked.link_types.room} * 4 &&
           told->link_types.size() <= kMostLinkTypes * 4);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    std::uint32_t number = 0;
    if (size < sizeof number + 1) {
        return 0;
    }
    std::memcpy(&number, data, sizeof number);
    const std::size_t length = std::min<std::size_t>(data[sizeof number], size - sizeof number - 1);
    const std::uint8_t* const rest = data + sizeof number + 1;
    const Bytes argument = copy_of(rest, length); // each of its own, so that a byte beyond it is seen
    const Bytes payload = copy_of(rest + length, size - sizeof number - 1 - length);
    const auto asked = question(number, argument);
    if (asked) {
        look_at(*asked, payload);
    } else {
        demand(asked.error().code == ENOTTY || asked.error().code == EINVAL);
    }
    return 0;
}
