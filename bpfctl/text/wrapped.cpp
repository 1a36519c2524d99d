// SPDX-License-Identifier: BSD-2-Clause
// See wrapped.h.
#include "bpfctl/text/wrapped.h"

#include <algorithm>
#include <utility>

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kWidestLabel = 32; ///< text behind a wider one begins on a line of its own
constexpr std::size_t kBesideWide = 6;   ///< in this column

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

/// Where the text behind a label begins; that of a line without label: at its beginning.
std::size_t text_column(std::string_view line) {
    constexpr std::string_view kUsage = "Usage: ";
    if (line.starts_with(kUsage)) {
        return kUsage.size();
    }
    const std::size_t begin = indentation(line);
    const std::size_t gap = begin == 0 ? std::string_view::npos : line.find("  ", begin);
    return gap == std::string_view::npos ? begin : line.find_first_not_of(' ', gap);
}

class Wrapper {
  public:
    explicit Wrapper(std::size_t width) : width_(width) {}

    void line(std::string_view line) {
        const std::size_t indent = indentation(line);
        if (as_it_is_ && indent != 0) {
            flush();
            out_.append(line) += '\n';
            return;
        }
        as_it_is_ = line.starts_with("Example");
        if (!line.empty() && !as_it_is_ && goes_on(indent)) {
            label_and_text_.append(" ").append(line.substr(indent));
            return;
        }
        flush();
        column_ = text_column(line);
        label_and_text_ = line;
        if (line.empty()) {
            out_ += '\n';
        }
    }

    std::string end() {
        flush();
        return std::move(out_);
    }

  private:
    /// Whether a line that begins there belongs to what is held: a paragraph, or the text behind a label.
    [[nodiscard]] bool goes_on(std::size_t indent) const {
        const bool is_paragraph = column_ == 0;
        const bool has_label = column_ > indentation(label_and_text_);
        return !label_and_text_.empty() && indent == column_ && (is_paragraph || has_label);
    }

    void flush() {
        if (label_and_text_.empty()) {
            return;
        }
        std::size_t hang = column_;
        std::string current = label_and_text_.substr(0, column_);
        if (column_ > kWidestLabel && label_and_text_.size() > width_) {
            out_.append(current, 0, current.find_last_not_of(' ') + 1) += '\n';
            hang = kBesideWide;
            current = std::string(hang, ' ');
        }
        std::string_view words = std::string_view(label_and_text_).substr(column_);
        bool first = true;
        while (!words.empty()) {
            const std::size_t length = std::min(words.find(' '), words.size());
            if (!first && current.size() + 1 + length > width_) {
                out_.append(current) += '\n';
                current = std::string(hang, ' ');
                first = true;
            }
            current.append(first ? "" : " ").append(words.substr(0, length));
            first = false;
            words.remove_prefix(std::min(length + 1, words.size()));
        }
        out_.append(current) += '\n';
        label_and_text_.clear();
    }

    std::size_t width_;
    bool as_it_is_ = false;
    std::size_t column_ = 0;
    std::string label_and_text_;
    std::string out_;
};

} // namespace

std::string wrapped(std::string_view text, std::size_t width) {
    Wrapper wrapper(width);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        wrapper.line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return wrapper.end();
}

} // namespace pfild::bpfctl
