// SPDX-License-Identifier: BSD-2-Clause
// Lines of a batch, split as a shell would.
#include "bpfctl/words_of_line.h"

#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

using Words = std::vector<std::string>;

TEST(WordsOfLine, are_what_a_shell_would_make_of_it) {
    struct Row {
        const char* line;
        Words words;
    };
    const Row rows[] = {
        {"", {}},
        {" \t\r", {}},
        {"link -i  a:b inet\r", {"link", "-i", "a:b", "inet"}},
        {"# all of it", {}},
        {"detach eth0 # why", {"detach", "eth0"}},
        {"hook a#b", {"hook", "a#b"}},
        {"--filter 'tcp port 23'", {"--filter", "tcp port 23"}},
        {R"(a "b 'c' \"d\"" 'e "f"')", {"a", "b 'c' \"d\"", "e \"f\""}},
        {R"(a\ b 'c\d')", {"a b", "c\\d"}},
        {"a '' \"\"", {"a", "", ""}},
        {"a'b'\"c\"d", {"abcd"}},
    };
    for (const Row& row : rows) {
        const auto words = words_of_line(row.line);
        ASSERT_TRUE(words) << row.line;
        EXPECT_EQ(*words, row.words) << row.line;
    }
}

TEST(WordsOfLine, that_do_not_end_are_none) {
    for (const char* line : {"'", "a \"b", "a 'b\"", "a\\"}) {
        EXPECT_FALSE(words_of_line(line)) << line;
    }
}

} // namespace
} // namespace pfild::bpfctl
