// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a message of the device socket: the decoder stays inside, keeps the header as it came, and what it
// accepts is what the op of that number has, in a message of the right length.
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>

#include "daemon/device/request.h"

namespace {

using pfild::device::Payload;
using pfild::device::Request;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool is_one_printable_line(const std::string& text) {
    for (const char c : text) {
        if (c < ' ' || c > '~') {
            return false;
        }
    }
    return !text.empty();
}

template <typename T>
bool has(const Payload& payload) {
    return std::holds_alternative<T>(payload);
}

bool is_of(std::uint16_t op, const Payload& payload) {
    switch (op) {
    case PFILD_OP_OPEN:
        return has<pfild::device::Opening>(payload);
    case PFILD_OP_READ:
        return has<pfild::capture::ReadRequest>(payload);
    case PFILD_OP_CANCEL:
    case PFILD_OP_SET_BUFFER_SIZE:
    case PFILD_OP_SET_DATA_LINK:
        return has<std::uint32_t>(payload);
    case PFILD_OP_SET_FILTER:
    case PFILD_OP_REPLACE_FILTER:
    case PFILD_OP_SET_WRITE_FILTER:
        return has<pfild::device::Filter>(payload);
    case PFILD_OP_SET_INTERFACE:
        return has<std::string>(payload) && is_one_printable_line(std::get<std::string>(payload));
    case PFILD_OP_SET_READ_TIMEOUT:
    case PFILD_OP_SET_WAIT_TIMEOUT:
        return has<pfild::capture::ReadTimeout>(payload);
    case PFILD_OP_SET_OPTIONS:
        return has<pfild::device::Options>(payload);
    case PFILD_OP_SET_OPTION:
        return has<pfild::device::Option>(payload);
    case PFILD_OP_WRITE:
        return has<pfild::device::Frame>(payload);
    default:
        return op < PFILD_OPS && has<std::monostate>(payload);
    }
}

/// Options come back as the bytes that they were.
void demand_same(const pfild::device::Options& options, const std::uint8_t* payload) {
    const pfild_options wire = wire_options(options);
    demand(std::memcmp(&wire, payload, sizeof wire) == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    // A copy of its own, at an odd address, so that a byte read behind the end is seen, and one read as a whole word.
    const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[size + 1]); // NOLINT(modernize-avoid-c-arrays)
    std::uint8_t* const bytes = memory.get() + 1;
    if (size != 0) {
        std::memcpy(bytes, data, size);
    }
    const Request request = pfild::device::decode({bytes, size});
    const bool has_header = size >= sizeof request.header;
    demand(!has_header || std::memcmp(&request.header, bytes, sizeof request.header) == 0);
    if (!request.payload) {
        demand(request.payload.error().code != 0 && is_one_printable_line(request.payload.error().line()));
        return 0;
    }
    demand(has_header && request.header.zero == 0 && size == sizeof request.header + request.header.length);
    demand(is_of(request.header.op, *request.payload));
    if (request.header.op == PFILD_OP_SET_OPTIONS) {
        demand_same(std::get<pfild::device::Options>(*request.payload), bytes + sizeof request.header);
    }
    return 0;
}
