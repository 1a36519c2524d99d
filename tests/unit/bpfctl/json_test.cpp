// SPDX-License-Identifier: BSD-2-Clause
// JSON as it is written: one that reads it finds what was there, and no terminal obeys it.
#include "bpfctl/fields.h"
#include "bpfctl/json.h"

#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

TEST(Json, control_characters_are_escaped_all_of_them) {
    for (unsigned code = 0; code < 0xa0; ++code) {
        std::string text = "a";
        if (code >= 0x80) {
            text += '\xc2';
        }
        text += static_cast<char>(code);
        const Json json{{text + 'z', text}};
        for (const std::string& written : {compact(json), pretty(json)}) {
            const bool is_control = code < 0x20 || code >= 0x7f;
            EXPECT_TRUE(!is_control || written.find(text) == std::string::npos) << code;
            EXPECT_EQ(Json::parse(written), json) << code;
        }
    }
}

TEST(Json, many_control_characters_take_no_longer_than_they_are_many) {
    constexpr std::size_t kMany = std::size_t{4} << 20U;
    EXPECT_EQ(compact(Json{{"a", std::string(kMany, '\x7f')}}).size(), 6 * kMany + std::string(R"({"a":""})").size());
    std::string c1;
    for (std::size_t at = 0; at < kMany; ++at) {
        c1 += "\xc2\x80";
    }
    EXPECT_EQ(printable(c1), std::string(kMany, '?'));
}

TEST(Json, other_letters_stay_as_they_are) {
    const Json json{{"é", "\xc2\xa0 – \xf0\x9f\x94\xa5"}};
    EXPECT_EQ(compact(json), "{\"é\":\"\xc2\xa0 – \xf0\x9f\x94\xa5\"}");
}

TEST(Json, what_is_no_utf8_becomes_a_sign_of_it) {
    EXPECT_EQ(compact(Json{{"a", "\xc2"}}), "{\"a\":\"\xef\xbf\xbd\"}");
    EXPECT_EQ(compact(Json{{"a", "\x80"}}), "{\"a\":\"\xef\xbf\xbd\"}");
}

} // namespace
} // namespace pfild::bpfctl
