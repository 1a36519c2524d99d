// SPDX-License-Identifier: BSD-2-Clause
// Every verb: what reaches the service, what is answered, and each way in which its arguments can be wrong.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api_fake_service.h"
#include "daemon/api/dispatcher.h"

namespace pfild::api {
namespace {

using OrderedJson = nlohmann::ordered_json;

class Verbs : public ::testing::Test {
  protected:
    test::FakeService service_;
    Dispatcher dispatcher_{service_, control::AttachDefaults{}};

    OrderedJson ask(const std::string& verb, const std::string& arguments) {
        const std::string answer =
            dispatcher_.answer(R"({"protocol":2,"id":7,"verb":")" + verb + R"(","arguments":)" + arguments + "}");
        EXPECT_EQ(answer.find('\n'), answer.size() - 1) << "an answer is one line";
        return OrderedJson::parse(answer);
    }
};

constexpr const char* kHook =
    R"("name":"cbpf:a","type":"inet","on_match":"drop","filter":"tcp","program":[[6,0,0,262144]],"dlt":12)";

std::string hook_without(const std::string& key, const std::string& instead) {
    OrderedJson arguments = OrderedJson::parse("{" + std::string(kHook) + "}");
    arguments.erase(key);
    if (!instead.empty()) {
        arguments[key] = OrderedJson::parse(instead);
    }
    return arguments.dump();
}

struct Wrong {
    const char* sentence;
    std::string verb;
    std::string arguments;
    std::string why;
};

std::vector<Wrong> wrong_arguments() {
    const std::string name_rule = "must be 1 to 127 visible ASCII characters";
    const std::string interface_rule = "argument 'interface' must be 1 to 127 visible ASCII characters";
    const std::string quad = "must be [code, jt, jf, k]";
    return {
        {"version takes nothing", "version", R"({"a":1})", "argument 'a' is not known here"},
        {"status takes nothing", "status", R"({"a":1})", "argument 'a' is not known here"},
        {"stats takes nothing", "stats", R"({"limit":1})", "argument 'limit' is not known here"},
        {"attach wants an interface", "attach", "{}", "argument 'interface' is missing"},
        {"an interface is a string", "attach", R"({"interface":3})", "argument 'interface' must be a string"},
        {"an interface has a name", "attach", R"({"interface":""})", interface_rule},
        {"of 127 characters at most", "attach", R"({"interface":")" + std::string(128, 'a') + R"("})", interface_rule},
        {"without blanks", "attach", R"({"interface":"eth 0"})", interface_rule},
        {"without control characters", "attach", R"({"interface":"eth0\u0000"})", interface_rule},
        {"in ASCII", "attach", R"({"interface":"ethé"})", interface_rule},
        {"unknown is one of three words", "attach", R"({"interface":"eth0","unknown":"PASS"})",
         "argument 'unknown' must be 'pass', 'drop' or 'closed'"},
        {"and never a boolean", "attach", R"({"interface":"eth0","unknown":true})",
         "argument 'unknown' must be 'pass', 'drop' or 'closed'"},
        {"attach knows four modes", "attach", R"({"interface":"eth0","mode":"generic"})",
         "argument 'mode' must be 'auto', 'xdp', 'tc' or 'tap'"},
        {"offloads have names", "attach", R"({"interface":"eth0","turned_off":["rx-vlan-hw-parse",""]})",
         "argument 'turned_off[1]' must be 1 to 31 visible ASCII characters"},
        {"a strange argument is not shown as it came", "attach", R"({"interface":"eth0","\u001b[2J é":1})",
         "argument '?[2J?\?\?' is not known here"},
        {"detach wants an interface", "detach", "{}", "argument 'interface' is missing"},
        {"detach takes no more", "detach", R"({"interface":"eth0","unknown":"pass"})",
         "argument 'unknown' is not known here"},
        {"how many is a number", "heads", R"({"most":"3"})",
         "argument 'most' must be a whole number from 0 to 18446744073709551615"},
        {"and not negative", "heads", R"({"most":-1})",
         "argument 'most' must be a whole number from 0 to 18446744073709551615"},
        {"and whole", "hooks", R"({"most":1.0})",
         "argument 'most' must be a whole number from 0 to 18446744073709551615"},
        {"a hook wants a name", "hook-add", hook_without("name", ""), "argument 'name' is missing"},
        {"a hook's name is not endless", "hook-add", hook_without("name", '"' + std::string(128, 'a') + '"'),
         "argument 'name' " + name_rule},
        {"a hook wants a type", "hook-add", hook_without("type", ""), "argument 'type' is missing"},
        {"of three", "hook-add", hook_without("type", R"("ip")"),
         "argument 'type' must be 'inet', 'inet6' or 'ethernet'"},
        {"a hook says what a match means", "hook-add", hook_without("on_match", ""), "argument 'on_match' is missing"},
        {"in one of three words", "hook-add", hook_without("on_match", R"("block")"),
         "argument 'on_match' must be 'drop', 'pass' or 'count'"},
        {"a filter is a text or null", "hook-add", hook_without("filter", "1"), "argument 'filter' must be a string"},
        {"a filter moves no cursor", "hook-add", hook_without("filter", R"("\u001b[2J")"),
         "argument 'filter' must be 0 to 65536 characters, of the control characters only tab and newline"},
        {"a hook wants a program", "hook-add", hook_without("program", ""), "argument 'program' is missing"},
        {"a program is an array", "hook-add", hook_without("program", R"("6 0 0 0")"),
         "argument 'program' must be a list"},
        {"of arrays", "hook-add", hook_without("program", "[6,0,0,0]"), "argument 'program[0]' " + quad},
        {"of four", "hook-add", hook_without("program", "[[6,0,0,0],[6,0,0]]"), "argument 'program[1]' " + quad},
        {"a code has 16 bits", "hook-add", hook_without("program", "[[65536,0,0,0]]"),
         "argument 'program[0][0]' must be a whole number from 0 to 65535"},
        {"jt has 8 bits", "hook-add", hook_without("program", "[[6,256,0,0]]"),
         "argument 'program[0][1]' must be a whole number from 0 to 255"},
        {"jf has 8 bits", "hook-add", hook_without("program", "[[6,0,256,0]]"),
         "argument 'program[0][2]' must be a whole number from 0 to 255"},
        {"k has 32 bits", "hook-add", hook_without("program", "[[6,0,0,4294967296]]"),
         "argument 'program[0][3]' must be a whole number from 0 to 4294967295"},
        {"k is not negative", "hook-add", hook_without("program", "[[6,0,0,-1]]"),
         "argument 'program[0][3]' must be a whole number from 0 to 4294967295"},
        {"a hook wants a link type", "hook-add", hook_without("dlt", ""), "argument 'dlt' is missing"},
        {"as a number", "hook-add", hook_without("dlt", R"("RAW")"),
         "argument 'dlt' must be a whole number from 0 to 4294967295"},
    };
}

std::vector<Wrong> more_wrong_arguments() {
    return {
        {"hook-show wants a name", "hook-show", "{}", "argument 'name' is missing"},
        {"hook-delete wants a name", "hook-delete", "{}", "argument 'name' is missing"},
        {"link wants a hook", "link", R"({"head":"inet","directions":["in"]})", "argument 'hook' is missing"},
        {"link wants a head", "link", R"({"hook":"cbpf:a","directions":["in"]})", "argument 'head' is missing"},
        {"link wants directions", "link", R"({"hook":"cbpf:a","head":"inet"})", "argument 'directions' is missing"},
        {"in an array", "link", R"({"hook":"cbpf:a","head":"inet","directions":"in"})",
         "argument 'directions' must be a list"},
        {"of known words", "link", R"({"hook":"cbpf:a","head":"inet","directions":["both"]})",
         "argument 'directions[0]' must be 'in' or 'out'"},
        {"each once", "link", R"({"hook":"cbpf:a","head":"inet","directions":["in","out","in"]})",
         "argument 'directions' must have 0 to 2 items"},
        {"each once, of two", "link", R"({"hook":"cbpf:a","head":"inet","directions":["in","in"]})",
         "argument 'directions' must have each once"},
        {"append is a boolean", "link", R"({"hook":"cbpf:a","head":"inet","directions":["in"],"append":1})",
         "argument 'append' must be true or false"},
        {"unlink appends nothing", "unlink", R"({"hook":"cbpf:a","head":"inet","directions":["in"],"append":true})",
         "argument 'append' is not known here"},
        {"from is a number", "flows", R"({"from":"0"})", "argument 'from' must be a whole number from 0 to 4294967295"},
        {"of 32 bits", "flows", R"({"from":4294967296})",
         "argument 'from' must be a whole number from 0 to 4294967295"},
        {"not none", "flows", R"({"from":null})", "argument 'from' must be a whole number from 0 to 4294967295"},
        {"an answer has at least one flow", "flows", R"({"most":0})",
         "argument 'most' must be a whole number from 1 to 256"},
        {"and at most 256", "flows", R"({"most":257})", "argument 'most' must be a whole number from 1 to 256"},
        {"in whole numbers", "flows", R"({"most":1.5})", "argument 'most' must be a whole number from 1 to 256"},
        {"flows has no limit", "flows", R"({"limit":1})", "argument 'limit' is not known here"},
        {"peers are listed altogether", "peers", R"({"limit":1})", "argument 'limit' is not known here"},
        {"panic is on or off", "panic", "{}", "argument 'on' is missing"},
        {"and nothing between", "panic", R"({"on":"on"})", "argument 'on' must be true or false"},
        {"a buffer has a limit", "sysctl-set", R"({"maxbufsize":16777217})",
         "argument 'maxbufsize' must be a whole number from 4096 to 16777216"},
        {"and room for a record", "sysctl-set", R"({"bufsize":31})",
         "argument 'bufsize' must be a whole number from 32 to 16777216"},
        {"a variable that there is not", "sysctl-set", R"({"maxinsns":512})", "argument 'maxinsns' is not known here"},
        {"flows-flush forgets all", "flows-flush", R"({"from":0})", "argument 'from' is not known here"},
    };
}

TEST_F(Verbs, refuse_wrong_arguments_by_name_before_the_service_hears_of_them) {
    std::vector<Wrong> table = wrong_arguments();
    const std::vector<Wrong> more = more_wrong_arguments();
    table.insert(table.end(), more.begin(), more.end());
    for (const Wrong& wrong : table) {
        SCOPED_TRACE(wrong.sentence);
        const OrderedJson answer = ask(wrong.verb, wrong.arguments);
        EXPECT_EQ(answer["protocol"], 2);
        EXPECT_EQ(answer["id"], 7);
        EXPECT_EQ(answer["ok"], false);
        ASSERT_TRUE(answer.contains("error")) << answer.dump();
        EXPECT_EQ(answer["error"]["errno"], "EINVAL");
        EXPECT_EQ(answer["error"]["what"], wrong.verb);
        EXPECT_EQ(answer["error"]["why"], wrong.why);
    }
    EXPECT_TRUE(service_.calls.empty());
}

TEST_F(Verbs, reach_the_service_when_their_arguments_are_right) {
    const std::string link = R"({"hook":"cbpf:a","head":"inet","directions":["in"]})";
    const std::vector<std::pair<std::string, std::string>> table{
        {"version", "{}"},
        {"status", "{}"},
        {"attach", R"({"interface":"eth0"})"},
        {"detach", R"({"interface":")" + std::string(127, 'a') + R"("})"},
        {"heads", R"({"most":0})"},
        {"hooks", R"({"most":18446744073709551615})"},
        {"hook-add", hook_without("filter", "null")},
        {"hook-add", hook_without("filter", R"("tcp\n\tor udp")")},
        {"hook-add", hook_without("filter", "")},
        {"hook-add", hook_without("program", "[]")},
        {"hook-show", R"({"name":"cbpf:a"})"},
        {"hook-delete", R"({"name":"cbpf:a"})"},
        {"link", link},
        {"unlink", link},
        {"unlink", R"({"hook":"cbpf:a","head":"inet","directions":[]})"},
        {"panic", R"({"on":true})"},
        {"stats", "{}"},
        {"flows", R"({"from":4294967295,"most":256})"},
        {"flows", R"({"most":1})"},
        {"flows-flush", "{}"},
        {"peers", "{}"},
        {"sysctl", "{}"},
        {"sysctl-set", R"({"maxbufsize":16777216,"bufsize":32})"},
    };
    std::size_t calls = 0;
    for (const auto& [verb, arguments] : table) {
        const OrderedJson answer = ask(verb, arguments);
        EXPECT_EQ(answer["ok"], true) << verb << ' ' << arguments << ' ' << answer.dump();
        EXPECT_EQ(service_.calls.size(), ++calls) << verb;
        EXPECT_EQ(service_.calls.back().substr(0, verb.size()), verb);
    }
}

TEST_F(Verbs, an_unknown_verb_is_ENOSYS) {
    for (const char* verb : {"", "VERSION", "versio", "version "}) {
        const OrderedJson answer = ask(verb, "{}");
        EXPECT_EQ(answer["id"], 7);
        EXPECT_EQ(answer["error"]["errno"], "ENOSYS") << verb;
    }
}

TEST_F(Verbs, attach_takes_the_configured_default_only_when_the_request_says_nothing) {
    (void)ask("attach", R"({"interface":"eth0"})");
    EXPECT_EQ(service_.last_attach.unknown, core::FailMode::kPass);
    dispatcher_.set_defaults({.unknown = core::FailMode::kDrop});
    EXPECT_EQ(ask("attach", R"({"interface":"eth0"})")["result"]["unknown"], "drop");
    EXPECT_EQ(ask("attach", R"({"interface":"eth0","unknown":"pass"})")["result"]["unknown"], "pass");
    EXPECT_EQ(ask("attach", R"({"interface":"eth0"})")["result"]["silent"], "drop");
    EXPECT_EQ(ask("attach", R"({"interface":"eth0","silent":"closed"})")["result"]["silent"], "closed");
    EXPECT_EQ(service_.last_attach,
              (control::AttachRequest{
                  .interface = "eth0", .unknown = core::FailMode::kDrop, .silent = core::FailMode::kClosed}));
    dispatcher_.set_defaults({.mode = core::HeadMode::kTc});
    (void)ask("attach", R"({"interface":"eth0"})");
    EXPECT_EQ(service_.last_attach.mode, core::HeadMode::kTc);
    (void)ask("attach", R"({"interface":"eth0","mode":"xdp","turned_off":["rx-vlan-hw-parse"]})");
    EXPECT_EQ(service_.last_attach.mode, core::HeadMode::kXdp);
    EXPECT_EQ(service_.last_attach.position, core::HeadPosition::kAnywhere);
    dispatcher_.set_defaults({.position = core::HeadPosition::kFirst});
    (void)ask("attach", R"({"interface":"eth0"})");
    EXPECT_EQ(service_.last_attach.position, core::HeadPosition::kFirst);
    (void)ask("attach", R"({"interface":"eth0","position":"anywhere","turned_off":["rx-vlan-hw-parse"]})");
    EXPECT_EQ(service_.last_attach.position, core::HeadPosition::kAnywhere);
    EXPECT_EQ(service_.last_attach.turned_off, std::vector<std::string>{"rx-vlan-hw-parse"});
}

TEST_F(Verbs, hook_add_carries_text_program_and_link_type) {
    (void)ask("hook-add", "{" + std::string(kHook) + "}");
    EXPECT_EQ(service_.last_hook.name, "cbpf:a");
    EXPECT_EQ(service_.last_hook.type, core::HeadType::kInet);
    EXPECT_EQ(service_.last_hook.on_match, core::OnMatch::kDrop);
    EXPECT_EQ(service_.last_hook.filter, "tcp");
    EXPECT_EQ(service_.last_hook.program, (std::vector<cbpf::Instruction>{{6, 0, 0, 262144}}));
    EXPECT_EQ(service_.last_hook.dlt, 12U);
}

TEST_F(Verbs, link_carries_directions_and_append) {
    (void)ask("link", R"({"hook":"cbpf:a","head":"inet","directions":["out","in"],"append":true})");
    EXPECT_EQ(service_.last_link, (core::LinkRequest{"cbpf:a", "inet", {true, true}, true}));
    (void)ask("unlink", R"({"hook":"cbpf:b","head":"eth0","directions":["out"]})");
    EXPECT_EQ(service_.last_link, (core::LinkRequest{"cbpf:b", "eth0", {false, true}, false}));
}

TEST_F(Verbs, lists_say_how_many_there_are_whatever_was_asked_for) {
    service_.head_list.resize(3);
    for (const auto& [arguments, shown] : {std::pair{"{}", 3U},
                                           {R"({"most":0})", 0U},
                                           {R"({"most":2})", 2U},
                                           {R"({"most":3})", 3U},
                                           {R"({"most":99})", 3U}}) {
        const OrderedJson answer = ask("heads", arguments);
        EXPECT_EQ(answer["result"]["count"], 3) << arguments;
        EXPECT_EQ(answer["result"]["heads"].size(), shown) << arguments;
    }
    service_.hook_list.resize(2);
    EXPECT_EQ(ask("hooks", R"({"most":1})")["result"]["count"], 2);
    EXPECT_EQ(ask("hooks", R"({"most":1})")["result"]["hooks"].size(), 1U);
}

TEST_F(Verbs, hook_show_is_the_hook_with_its_program) {
    service_.hook_program_view.hook.name = "cbpf:a";
    service_.hook_program_view.program = {{48, 0, 0, 9}, {22, 0, 0, 0}};
    const OrderedJson answer = ask("hook-show", R"({"name":"cbpf:a"})");
    EXPECT_EQ(answer["result"]["name"], "cbpf:a");
    EXPECT_EQ(answer["result"]["program"].dump(), "[[48,0,0,9],[22,0,0,0]]");
    EXPECT_EQ(service_.calls.back(), "hook-show cbpf:a");
}

TEST_F(Verbs, flows_begins_at_the_start_with_64_when_nothing_is_said) {
    EXPECT_EQ(ask("flows", "{}")["result"].dump(), R"({"flows":[],"next":null})");
    EXPECT_EQ(service_.last_flows, (control::FlowsRequest{0, 64}));
    service_.flows_view.next = 77;
    EXPECT_EQ(ask("flows", R"({"from":7,"most":70})")["result"].dump(), R"({"flows":[],"next":77})");
    EXPECT_EQ(service_.last_flows, (control::FlowsRequest{7, 70}));
}

TEST_F(Verbs, flows_at_their_longest_are_an_answer_of_160_KiB) {
    control::FlowView flow;
    flow.interface = std::string(15, 'x');
    flow.family = control::FlowFamily::kInet6;
    flow.protocol = 136;
    flow.tags.assign(2, {control::TagView::Type::kService, 4095, 7, false});
    flow.remote = flow.local = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    flow.remote_port = flow.local_port = 0xffff;
    flow.in = flow.out = {PFILD_FLOW_PASS, UINT64_MAX, UINT64_MAX};
    flow.age_s = flow.idle_s = flow.limit_s = 9e9 + 0.123;
    service_.flows_view.flows.assign(256, flow);
    const OrderedJson answer = ask("flows", R"({"most":256})");
    EXPECT_EQ(answer["result"]["flows"].size(), 256U);
    EXPECT_LT(answer.dump().size(), 160U << 10U);
}

TEST_F(Verbs, flows_flush_says_how_many_are_forgotten) {
    service_.forgotten = 65536;
    EXPECT_EQ(ask("flows-flush", "{}")["result"].dump(), R"({"forgotten":65536})");
}

TEST_F(Verbs, what_the_service_refuses_is_answered_with_its_words_and_errno) {
    service_.refusal = core::Error{"attach", "eth0", "it is already attached", "see `bpfctl status`", EEXIST};
    const std::string link = R"({"hook":"cbpf:a","head":"inet","directions":["in"]})";
    const std::vector<std::pair<std::string, std::string>> table{
        {"version", "{}"},
        {"status", "{}"},
        {"attach", R"({"interface":"eth0"})"},
        {"detach", R"({"interface":"eth0"})"},
        {"heads", "{}"},
        {"hooks", "{}"},
        {"hook-add", "{" + std::string(kHook) + "}"},
        {"hook-show", R"({"name":"cbpf:a"})"},
        {"hook-delete", R"({"name":"cbpf:a"})"},
        {"link", link},
        {"unlink", link},
        {"panic", R"({"on":true})"},
        {"stats", "{}"},
        {"flows", R"({"from":4294967295,"most":256})"},
        {"flows", R"({"most":1})"},
        {"flows-flush", "{}"},
        {"peers", "{}"},
        {"sysctl", "{}"},
        {"sysctl-set", R"({"maxbufsize":16777216,"bufsize":32})"},
    };
    for (const auto& [verb, arguments] : table) {
        EXPECT_EQ(ask(verb, arguments).dump(),
                  R"({"protocol":2,"id":7,"ok":false,"error":{"errno":"EEXIST","what":"attach","object":"eth0",)"
                  R"("why":"it is already attached","advice":"see `bpfctl status`"}})")
            << verb;
    }
}

} // namespace
} // namespace pfild::api
