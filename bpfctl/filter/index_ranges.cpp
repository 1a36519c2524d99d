// SPDX-License-Identifier: BSD-2-Clause
// See index_ranges.h.
#include "bpfctl/filter/index_ranges.h"

namespace pfild::bpfctl {

void IndexRanges::add(std::uint64_t index) {
    ++count_;
    if (!ranges_.empty() && ranges_.back().last + 1 == index) {
        ranges_.back().last = index;
    } else {
        ranges_.push_back({index, index});
    }
}

std::string IndexRanges::text(std::size_t width) const {
    std::string all;
    std::string line = " ";
    for (const Range& range : ranges_) {
        std::string item = ' ' + std::to_string(range.first);
        if (range.last != range.first) {
            item += '-' + std::to_string(range.last);
        }
        if (&range != &ranges_.back()) {
            item += ',';
        }
        if (line.size() > 1 && line.size() + item.size() > width) {
            all += line + '\n';
            line = " ";
        }
        line += item;
    }
    return ranges_.empty() ? "" : all + line + '\n';
}

Json IndexRanges::json() const {
    Json indices = Json::array();
    for (const Range& range : ranges_) {
        for (std::uint64_t index = range.first; index <= range.last; ++index) {
            indices.push_back(index);
        }
    }
    return indices;
}

} // namespace pfild::bpfctl
