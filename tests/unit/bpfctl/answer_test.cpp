// SPDX-License-Identifier: BSD-2-Clause
// Lines from the socket: results, errors, and everything that is neither.
#include "bpfctl/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

std::string with_members(int count) {
    std::string all = R"({"id":7,"ok":true,"result":{"a":{)";
    for (int i = 0; i < count; ++i) {
        all += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
    }
    return all + "}}}";
}

TEST(Answer, that_is_ok_is_its_result) {
    const auto result = parse_answer(R"({"id": 7, "ok": true, "result": {"b": 1, "a": 2}})", 7, "s");
    ASSERT_TRUE(result);
    EXPECT_EQ(compact(*result), R"({"b":1,"a":2})");
}

TEST(Answer, within_the_limits_is_taken) {
    EXPECT_TRUE(parse_answer(with_members(kMaxMembers), 7, "s"));
    const std::string nested = repeated("[", kMaxDepth - 2) + repeated("]", kMaxDepth - 2);
    EXPECT_TRUE(parse_answer(R"({"id":7,"ok":true,"result":{"a":)" + nested + "}}", 7, "s"));
}

TEST(Answer, that_is_not_ok_is_the_daemons_error) {
    const auto result = parse_answer(
        R"({"id":0,"ok":false,"error":{"errno":"EBUSY","what":"w","object":"o","why":"y","advice":"a"}})", 7, "s");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().exit, Exit::kRefused);
    EXPECT_EQ(line_of(result.error()), "bpfctl: w o: y (a)");
    EXPECT_EQ(json_of(result.error())["error"]["errno"], "EBUSY");
}

TEST(Answer, with_half_an_error_is_still_a_line) {
    const auto result = parse_answer(R"({"id":7,"ok":false,"error":{"what":"attach","object":5}})", 7, "s");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().exit, Exit::kRefused);
    EXPECT_EQ(line_of(result.error()), "bpfctl: attach: refused without a reason");
    EXPECT_EQ(json_of(result.error())["error"]["errno"], "EIO");
}

TEST(Answer, that_is_none_is_a_daemon_not_reached) {
    struct Row {
        const char* sentence;
        std::string line;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"no JSON", "hello"},
        {"half of it", R"({"id":7,"ok":true,"result":{)"},
        {"two of them", R"({"id":7,"ok":true,"result":{}} {})"},
        {"no object", "[1,2]"},
        {"no UTF-8", "{\"id\":7,\"ok\":true,\"result\":{\"a\":\"\xff\"}}"},
        {"without ok", R"({"id":7,"result":{}})"},
        {"ok as a number", R"({"id":7,"ok":1,"result":{}})"},
        {"to another question", R"({"id":8,"ok":true,"result":{}})"},
        {"to no question", R"({"ok":true,"result":{}})"},
        {"ok without a result", R"({"id":7,"ok":true})"},
        {"a result that is no object", R"({"id":7,"ok":true,"result":[1]})"},
        {"refused without an error", R"({"id":7,"ok":false})"},
        {"an error that is no object", R"({"id":7,"ok":false,"error":"x"})"},
        {"one level too deep", R"({"id":7,"ok":true,"result":{"a":)" + repeated("[", 31) + repeated("]", 31) + "}}"},
        {"ten thousand levels of lists", repeated("[", 10'000)},
        {"ten thousand levels of objects", repeated("{\"a\":", 10'000)},
        {"too many members", with_members(kMaxMembers + 1)},
        {"very many members", with_members(20 * kMaxMembers)},
        {"zero bytes", std::string(100, '\0')},
    };
    for (const Row& row : rows) {
        const auto result = parse_answer(row.line, 7, "/run/s");
        ASSERT_FALSE(result) << row.sentence;
        EXPECT_EQ(result.error().exit, Exit::kUnreachable) << row.sentence;
        EXPECT_THAT(line_of(result.error()), HasSubstr("bpfctl: daemon /run/s: ")) << row.sentence;
    }
}

} // namespace
} // namespace pfild::bpfctl
