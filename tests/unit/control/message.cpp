// SPDX-License-Identifier: BSD-2-Clause
// What of the control socket's bytes is a request, and what is said to all else.
#include "control/message.h"

#include <cerrno>
#include <random>

#include <gtest/gtest.h>

#include "describe/json.h"

namespace pfild::control {
namespace {

struct Bad {
    const char* sentence;
    std::string line;
    std::uint64_t id;
    int code;
    std::string why;
};

std::string deep(std::size_t levels) {
    return R"({"protocol":2,"id":7,"verb":"v","arguments":{"a":)" + std::string(levels, '[') +
           std::string(levels, ']') + "}}";
}

TEST(Request, refuses_what_is_none_and_says_why) {
    const std::vector<Bad> table{
        {"an empty line", "", 0, EINVAL, "it is not JSON in UTF-8"},
        {"blanks", "   ", 0, EINVAL, "it is not JSON in UTF-8"},
        {"half an object", R"({"id":7)", 0, EINVAL, "it is not JSON in UTF-8"},
        {"two objects", R"({"id":7} {"id":8})", 0, EINVAL, "it is not JSON in UTF-8"},
        {"a comment", R"({"protocol":2,"id":7,"verb":"v"} // hi)", 0, EINVAL, "it is not JSON in UTF-8"},
        {"a NUL byte", std::string("{\"id\":7,\"verb\":\"a\0b\"}", 21), 0, EINVAL, "it is not JSON in UTF-8"},
        {"a string with broken UTF-8", "{\"protocol\":1,\"id\":7,\"verb\":\"\xc3\x28\"}", 0, EINVAL,
         "it is not JSON in UTF-8"},
        {"overlong UTF-8", "{\"protocol\":1,\"id\":7,\"verb\":\"\xc0\xaf\"}", 0, EINVAL, "it is not JSON in UTF-8"},
        {"half a surrogate pair", R"({"protocol":2,"id":7,"verb":"\ud800"})", 0, EINVAL, "it is not JSON in UTF-8"},
        {"a number that no double holds", R"({"protocol":2,"id":1e999,"verb":"v"})", 0, EINVAL,
         "it is not JSON in UTF-8"},
        {"an array", "[1]", 0, EINVAL, "it is not a JSON object"},
        {"a string", R"("version")", 0, EINVAL, "it is not a JSON object"},
        {"no id", R"({"protocol":2,"verb":"v"})", 0, EINVAL, "'id' must be an unsigned number of at most 64 bits"},
        {"a negative id", R"({"protocol":2,"id":-1,"verb":"v"})", 0, EINVAL,
         "'id' must be an unsigned number of at most 64 bits"},
        {"a fraction as id", R"({"protocol":2,"id":1.5,"verb":"v"})", 0, EINVAL,
         "'id' must be an unsigned number of at most 64 bits"},
        {"an id of 65 bits", R"({"protocol":2,"id":18446744073709551616,"verb":"v"})", 0, EINVAL,
         "'id' must be an unsigned number of at most 64 bits"},
        {"no protocol", R"({"id":7,"verb":"v"})", 7, EINVAL, "'protocol' must be a whole number"},
        {"a protocol in words", R"({"protocol":"2","id":7,"verb":"v"})", 7, EINVAL,
         "'protocol' must be a whole number"},
        {"another protocol", R"({"protocol":1,"id":7,"verb":"v"})", 7, EPROTONOSUPPORT,
         "protocol 1 is not spoken here, only 2"},
        {"a negative protocol", R"({"protocol":-1,"id":7,"verb":"v"})", 7, EPROTONOSUPPORT,
         "protocol -1 is not spoken here, only 2"},
        {"no verb", R"({"protocol":2,"id":7})", 7, EINVAL, "'verb' must be a string"},
        {"a verb that is a number", R"({"protocol":2,"id":7,"verb":1})", 7, EINVAL, "'verb' must be a string"},
        {"arguments in an array", R"({"protocol":2,"id":7,"verb":"v","arguments":[]})", 7, EINVAL,
         "'arguments' must be an object"},
        {"null as arguments", R"({"protocol":2,"id":7,"verb":"v","arguments":null})", 7, EINVAL,
         "'arguments' must be an object"},
        {"a key nobody knows", R"({"protocol":2,"id":7,"verb":"v","colour":"\u001b[31m"})", 7, EINVAL,
         "unknown key 'colour'"},
        {"a key of escape sequences is not repeated as it is", R"({"protocol":2,"id":7,"verb":"v","\u001b[31m":1})", 7,
         EINVAL, "unknown key '?[31m'"},
        {"the same key twice", R"({"protocol":2,"id":7,"verb":"v","verb":"w"})", 0, EINVAL,
         "the key 'verb' is there twice"},
        {"the same argument twice", R"({"protocol":2,"id":7,"verb":"v","arguments":{"a":1,"a":2}})", 0, EINVAL,
         "the key 'a' is there twice"},
        {"31 levels inside two", deep(31), 0, EINVAL, "nested deeper than 32"},
        {"100,000 levels", std::string(100'000, '['), 0, EINVAL, "nested deeper than 32"},
    };
    for (const Bad& bad : table) {
        SCOPED_TRACE(bad.sentence);
        const auto request = parse_request(bad.line);
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error().id, bad.id);
        EXPECT_EQ(request.error().error.code, bad.code);
        EXPECT_EQ(request.error().error.why.substr(0, bad.why.size()), bad.why);
    }
}

TEST(Request, has_its_arguments_in_the_line_or_in_memory) {
    EXPECT_TRUE(parse_request(R"({"protocol":2,"id":7,"verb":"v","in_memory":true})")->in_memory);
    EXPECT_FALSE(parse_request(R"({"protocol":2,"id":7,"verb":"v","in_memory":false,"arguments":{}})")->in_memory);
    EXPECT_FALSE(parse_request(R"({"protocol":2,"id":7,"verb":"v","in_memory":true,"arguments":{}})"));
    EXPECT_FALSE(parse_request(R"({"protocol":2,"id":7,"verb":"v","in_memory":1})"));
    EXPECT_TRUE(parse_arguments(R"({"a":1})"));
    for (const char* const wrong : {"", "[]", "1", "{", R"({"a":1,"a":1})"}) {
        EXPECT_EQ(parse_arguments(wrong).error().code, EINVAL) << wrong;
    }
}

TEST(Answer, is_one_line_and_says_whether_it_goes_on) {
    EXPECT_EQ(success_line(7, describe::Value::table()), "{\"protocol\":2,\"id\":7,\"ok\":true,\"result\":{}}\n");
    EXPECT_EQ(success_line(7, describe::Value::table(), {.more = true, .unrecorded = {}, .remark = {}}),
              "{\"protocol\":2,\"id\":7,\"ok\":true,\"more\":true,\"result\":{}}\n");
    EXPECT_EQ(failure_line(7, {"attach", "lo", "no MAC header", "", EOPNOTSUPP}),
              R"({"protocol":2,"id":7,"ok":false,"error":{"errno":"EOPNOTSUPP","what":"attach","object":"lo",)"
              R"("why":"no MAC header","advice":""}})"
              "\n");
    EXPECT_EQ(view_of({"a", "", "b", "", 9999}).code, "E9999");
}

TEST(Answer, keeps_bytes_that_are_no_utf8_and_newlines_inside_the_line) {
    const std::string line = failure_line(0, {"open", "a\nb", "\xff", "", EIO});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto parsed = describe::value_of_json(line.substr(0, line.size() - 1));
    EXPECT_EQ(*parsed->find("error")->find("object"), describe::Value("a\nb"));
    EXPECT_EQ(*parsed->find("error")->find("why"), describe::Value("\xef\xbf\xbd"));
}

TEST(Request, accepts_what_is_one) {
    struct Good {
        const char* sentence;
        std::string line;
        std::uint64_t id;
        std::string arguments;
    };
    const std::vector<Good> table{
        {"no arguments", R"({"protocol":2,"id":7,"verb":"v"})", 7, "{}"},
        {"empty arguments", R"({"protocol":2,"id":7,"verb":"v","arguments":{}})", 7, "{}"},
        {"id 0 and blanks", R"(  { "protocol" : 2, "id" : 0, "verb" : "v" }  )", 0, "{}"},
        {"the largest id", R"({"protocol":2,"id":18446744073709551615,"verb":"v"})", 18446744073709551615U, "{}"},
        {"the deepest nesting", deep(30), 7, R"({"a":)" + std::string(30, '[') + std::string(30, ']') + "}"},
        {"brackets and quotes in strings are text",
         R"({"protocol":2,"id":7,"verb":"v","arguments":{"a":")" + std::string(100, '[') + R"(\"{"}})", 7,
         R"({"a":")" + std::string(100, '[') + R"(\"{"})"},
        {"the same key in different objects",
         R"({"protocol":2,"id":7,"verb":"v","arguments":{"a":{"a":1},"b":{"a":1}}})", 7,
         R"({"a":{"a":1},"b":{"a":1}})"},
    };
    for (const Good& good : table) {
        SCOPED_TRACE(good.sentence);
        const auto request = parse_request(good.line);
        ASSERT_TRUE(request) << request.error().error.line();
        EXPECT_EQ(request->id, good.id);
        EXPECT_EQ(request->verb, "v");
        EXPECT_EQ(describe::json_line(request->arguments), good.arguments);
    }
}

TEST(Request, refuses_random_bytes_and_every_beginning_of_a_good_line) {
    std::mt19937 random(1); // NOLINT(cert-msc51-cpp): the same bytes every time
    for (int i = 0; i < 1000; ++i) {
        std::string bytes(random() % 200, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random());
        }
        EXPECT_FALSE(parse_request(bytes));
    }
    const std::string good = R"({"protocol":2,"id":7,"verb":"link","arguments":{"directions":["in"]}})";
    ASSERT_TRUE(parse_request(good));
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_FALSE(parse_request(good.substr(0, length))) << length;
    }
}

} // namespace
} // namespace pfild::control
