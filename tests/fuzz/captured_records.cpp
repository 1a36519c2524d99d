// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the records of a read: each packet lies inside, they lie one behind the other, and there is an end.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "client/record_reader.h"

namespace {

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    // A copy of its own, at an odd address, so that a byte read behind the end is seen, and one read as a whole word.
    const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[size + 1]); // NOLINT(modernize-avoid-c-arrays)
    const std::uint8_t* const begin = memory.get() + 1;
    if (size != 0) {
        std::memcpy(memory.get() + 1, data, size);
    }
    pfild::client::RecordReader reader({begin, size});
    const std::uint8_t* read = begin;
    for (std::size_t records = 0; records <= size / sizeof(pfild_record); ++records) {
        const auto record = reader.next();
        if (!record || !*record) {
            const auto after = reader.next();
            demand(after && !*after); // nothing comes behind an error, or the end
            return 0;
        }
        const std::uint8_t* const packet = (*record)->bytes.data();
        demand(packet >= read + sizeof(pfild_record) && packet + (*record)->bytes.size() <= begin + size);
        demand((*record)->length >= (*record)->bytes.size());
        read = packet + (*record)->bytes.size();
    }
    std::abort(); // more records than there is room for
}
