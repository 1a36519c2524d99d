// SPDX-License-Identifier: BSD-2-Clause
// See table.h.
#include "bpfctl/text/table.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pfild::bpfctl {
namespace {

/// Characters of UTF-8: bytes that do not continue one.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace

std::string cut(std::string text, std::size_t width) {
    constexpr std::string_view kGoesOn = "..";
    if (width_of(text) <= width) {
        return text;
    }
    const auto is_begin = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
    std::size_t end = 0;
    for (std::size_t shown = 0; shown < width - kGoesOn.size() || !is_begin(text[end]); end++) {
        shown += is_begin(text[end]) ? 1 : 0;
    }
    text.resize(end);
    return text.append(kGoesOn);
}

Table::Table(std::vector<Align> columns, std::size_t indent) : columns_(std::move(columns)), indent_(indent) {}

void Table::add(std::vector<std::string> row) {
    row.resize(columns_.size());
    rows_.push_back(std::move(row));
}

std::string Table::str() const {
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string all;
    for (const auto& row : rows_) {
        std::string line(indent_, ' ');
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(widths[i] - width_of(row[i]), ' ');
            line += columns_[i] == Align::kRight ? padding + row[i] : row[i] + padding;
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        all += line + '\n';
    }
    return all;
}

} // namespace pfild::bpfctl
