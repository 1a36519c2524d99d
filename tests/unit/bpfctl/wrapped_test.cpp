// SPDX-License-Identifier: BSD-2-Clause
// Texts of help at a width.
#include "bpfctl/text/wrapped.h"

#include <gtest/gtest.h>

#include "bpfctl/help.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

TEST(Wrapped, lines_of_a_paragraph_are_filled_anew) {
    EXPECT_EQ(wrapped("one two three\nfour five\n\nsix\n", 10), "one two\nthree four\nfive\n\nsix\n");
    EXPECT_EQ(wrapped("incomprehensibilities\nfit\n", 10), "incomprehensibilities\nfit\n") << "no word is cut";
    EXPECT_EQ(wrapped("", 10), "");
}

TEST(Wrapped, text_behind_a_label_stays_in_its_column) {
    EXPECT_EQ(wrapped("  --a  one two three four\n  --b  five\n", 16),
              "  --a  one two\n       three\n       four\n  --b  five\n");
    EXPECT_EQ(wrapped("  a  one\n     two\n  b  three\n", 20), "  a  one two\n  b  three\n");
}

TEST(Wrapped, text_behind_a_wide_label_begins_on_a_line_of_its_own) {
    const std::string label = "  --option ONE_OF_MANY_WORDS|OR|ANOTHER";
    EXPECT_EQ(wrapped(label + "  what it is for, in some words\n", 60),
              label + "\n      what it is for, in some words\n");
    EXPECT_EQ(wrapped(label + "  fits\n", 60), label + "  fits\n");
}

TEST(Wrapped, commands_of_an_example_are_left_as_they_are) {
    EXPECT_EQ(wrapped("Example: it is long\n  bpfctl hook add a:b\n  bpfctl   link\nbehind it\n", 12),
              "Example: it\nis long\n  bpfctl hook add a:b\n  bpfctl   link\nbehind it\n");
}

void expect_narrow(std::string_view text, std::string_view whose) {
    bool example = false;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        example = line.starts_with("Example") || (example && line.starts_with(' '));
        EXPECT_TRUE(example || line.size() <= kHelpWidth) << whose << ": " << line;
    }
}

TEST(Wrapped, is_all_help_but_for_its_examples) {
    expect_narrow(usage_text(), "bpfctl --help");
    for (const Verb* verb : verbs()) {
        expect_narrow(verb_help(*verb), verb->name);
    }
}

} // namespace
} // namespace pfild::bpfctl
