// SPDX-License-Identifier: BSD-2-Clause
// Command lines and what they ask the daemon; and every way to write one wrongly, which asks nobody.
#include "bpfctl/run.h"

#include <optional>
#include <ostream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpfctl/command_line.h"
#include "bpfctl/verbs.h"

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;

struct Asked {
    std::string path;
    bool force = false;
    std::string verb;
    Json arguments;
};

/// A daemon that writes down what it is asked and answers {}.
struct Listener {
    std::optional<Asked> question;
    std::ostringstream out;
    std::ostringstream err;

    Exit run_words(const Words& words) {
        return run(words, {out, err}, [this](const Endpoint& endpoint, std::string_view verb, const Json& arguments) {
            question = Asked{endpoint.path, endpoint.force, std::string(verb), arguments};
            return Outcome<Json>(Json::object());
        });
    }
};

struct Request {
    const char* sentence;
    Words words;
    const char* verb;
    const char* arguments; ///< JSON; "" to look at the verb only
    const char* path = "/run/pfild/default/control.sock";
};

/// Tests are listed by it.
void PrintTo(const Request& row, std::ostream* out) { *out << row.sentence; }

class Asking : public testing::TestWithParam<Request> {};

TEST_P(Asking, sends_what_was_meant) {
    const Request& row = GetParam();
    SCOPED_TRACE(row.sentence);
    Listener daemon;
    EXPECT_EQ(daemon.run_words(row.words), Exit::kOk) << daemon.err.str();
    ASSERT_TRUE(daemon.question);
    EXPECT_EQ(daemon.question->verb, row.verb);
    EXPECT_EQ(daemon.question->path, row.path);
    if (*row.arguments != '\0') {
        EXPECT_EQ(daemon.question->arguments, Json::parse(row.arguments)) << daemon.question->arguments;
    }
    EXPECT_EQ(daemon.err.str(), "");
}

constexpr const char* kLinkIn = R"({"hook":"cbpf:a","head":"inet","directions":["in"],"append":false})";

INSTANTIATE_TEST_SUITE_P(
    Words, Asking,
    testing::Values(
        Request{"no arguments", {"status"}, "status", "{}"}, Request{"a list", {"heads"}, "heads", "{}"},
        Request{"another", {"hooks"}, "hooks", "{}"}, Request{"counters", {"stats", "--all"}, "stats", "{}"},
        Request{"versions", {"version"}, "version", "{}"},
        Request{"attach leaves unknown to the configuration", {"attach", "eth0"}, "attach", R"({"interface":"eth0"})"},
        Request{"attach says silent",
                {"attach", "eth0", "--silent", "closed"},
                "attach",
                R"({"interface":"eth0","silent":"closed"})"},
        Request{"attach says unknown",
                {"attach", "eth0", "--unknown", "drop"},
                "attach",
                R"({"interface":"eth0","unknown":"drop"})"},
        Request{"options may come first, with =",
                {"at", "--unknown=pass", "eth0"},
                "attach",
                R"({"interface":"eth0","unknown":"pass"})"},
        Request{"detach", {"detach", "eth0"}, "detach", R"({"interface":"eth0"})"},
        Request{"an operand that looks like an option", {"detach", "--", "-x"}, "detach", R"({"interface":"-x"})"},
        Request{"link in", {"link", "-i", "cbpf:a", "inet"}, "link", kLinkIn},
        Request{"the options of link may come last", {"link", "cbpf:a", "inet", "-i"}, "link", kLinkIn},
        Request{"saying it twice is saying it", {"link", "-i", "-i", "cbpf:a", "inet"}, "link", kLinkIn},
        Request{"link in both directions, appended, in one word",
                {"link", "-ioa", "cbpf:a", "inet"},
                "link",
                R"({"hook":"cbpf:a","head":"inet","directions":["in","out"],"append":true})"},
        Request{"unlink out",
                {"unlink", "-o", "cbpf:a", "eth0"},
                "unlink",
                R"({"hook":"cbpf:a","head":"eth0","directions":["out"]})"},
        Request{"hook delete", {"hook", "delete", "cbpf:a"}, "hook-delete", R"({"name":"cbpf:a"})"},
        Request{"hook add compiles for RAW at inet",
                {"hook", "add", "cbpf:a", "--filter", "ip[0] = 5", "--on-match", "drop", "--type", "inet"},
                "hook-add",
                R"({"name":"cbpf:a","type":"inet","on_match":"drop","filter":"ip[0] = 5","program":
                    [[48,0,0,0],[84,0,0,240],[21,0,3,64],[48,0,0,0],[21,0,1,5],[6,0,0,262144],[6,0,0,0]],"dlt":12,"run":"auto","neighbours":"auto","compiled":"optimised"})"},
        Request{"hook add compiles for EN10MB at ethernet",
                {"hook", "add", "cbpf:a", "--filter", "ether[0] = 5", "--on-match", "count", "--type", "ethernet",
                 "--run", "kernel"},
                "hook-add",
                R"({"name":"cbpf:a","type":"ethernet","on_match":"count","filter":"ether[0] = 5","program":
                    [[48,0,0,0],[21,0,1,5],[6,0,0,262144],[6,0,0,0]],"dlt":1,"run":"kernel","neighbours":"auto","compiled":"optimised"})"},
        Request{"all flows", {"flows"}, "flows", R"({"from":0,"most":256})"},
        Request{"flows are picked here, not by the daemon",
                {"flows", "tcp", "port", "80"},
                "flows",
                R"({"from":0,"most":256})"},
        Request{"an expression in one word, and an option", {"fl", "--json", "tcp or udp"}, "flows", ""},
        Request{"flows flush", {"flows", "flush"}, "flows-flush", "{}"}, Request{"open devices", {"pe"}, "peers", "{}"},
        Request{"all variables", {"sysctl"}, "sysctl", "{}"},
        Request{"some of them", {"sy", "net.bpf.stats", "bufsize", "net.bpf"}, "sysctl", "{}"},
        Request{"both that can be set",
                {"sysctl", "-w", "net.bpf.maxbufsize=8192", "bufsize=4096"},
                "sysctl-set",
                R"({"maxbufsize":8192,"bufsize":4096})"},
        Request{"one, and another to look at", {"sysctl", "bufsize=32", "stats"}, "sysctl-set", R"({"bufsize":32})"},
        Request{"panic", {"panic", "on"}, "panic", R"({"on":true})"},
        Request{"panic is over", {"pa", "off"}, "panic", R"({"on":false})"},
        Request{"an instance before the verb", {"-N", "lab", "status"}, "status", "{}", "/run/pfild/lab/control.sock"},
        Request{"an instance after it", {"status", "-Nlab"}, "status", "{}", "/run/pfild/lab/control.sock"},
        Request{"a socket", {"--socket", "/tmp/s", "status"}, "status", "{}", "/tmp/s"},
        Request{"a socket and an instance: the socket",
                {"-N", "lab", "status", "--socket=/tmp/s"},
                "status",
                "{}",
                "/tmp/s"}));

TEST(Forcing, goes_past_the_lock_out_guard_where_it_would_be_asked) {
    const std::vector<Words> guarded{{"attach", "eth0"},
                                     {"link", "-i", "cbpf:a", "inet"},
                                     {"unlink", "-i", "cbpf:a", "inet"},
                                     {"hook", "delete", "cbpf:a"}};
    for (Words words : guarded) {
        Listener daemon;
        EXPECT_EQ(daemon.run_words(words), Exit::kOk);
        EXPECT_FALSE(daemon.question->force);
        words.emplace_back("--force");
        EXPECT_EQ(daemon.run_words(words), Exit::kOk) << daemon.err.str();
        EXPECT_TRUE(daemon.question->force);
    }
    for (const Words& words : {Words{"status", "--force"}, Words{"detach", "eth0", "--force"}}) {
        Listener daemon;
        EXPECT_EQ(daemon.run_words(words), Exit::kUsage);
    }
}

struct Mistake {
    const char* sentence;
    Words words;
    const char* line; ///< part of the error line
};

/// Tests are listed by it.
void PrintTo(const Mistake& row, std::ostream* out) { *out << row.sentence; }

class Mistaken : public testing::TestWithParam<Mistake> {};

INSTANTIATE_TEST_SUITE_P(
    Variables, Mistaken,
    testing::Values(
        Mistake{"a variable that there is not", {"sysctl", "net.bpf.jit"}, "'net.bpf.jit' is not one of maxbufsize, "},
        Mistake{"a value that is none", {"sysctl", "bufsize=4k"}, "net.bpf.bufsize: '4k' is no number of bytes"},
        Mistake{"nor is nothing", {"sysctl", "bufsize="}, "net.bpf.bufsize: '' is no number of bytes"},
        Mistake{"nor less than nothing", {"sysctl", "bufsize=-1"}, "'-1' is no number of bytes"},
        Mistake{"two values", {"sysctl", "bufsize=32", "net.bpf.bufsize=64"}, "net.bpf.bufsize is set twice"},
        Mistake{"-w sets", {"sysctl", "-w", "bufsize"}, "-w needs NAME=VALUE, not 'bufsize'"},
        Mistake{"and something", {"sysctl", "-w"}, "-w needs NAME=VALUE"}));

TEST_P(Mistaken, asks_nobody_and_says_what_is_wrong_in_one_line) {
    const Mistake& row = GetParam();
    SCOPED_TRACE(row.sentence);
    Listener daemon;
    EXPECT_EQ(daemon.run_words(row.words), Exit::kUsage);
    EXPECT_FALSE(daemon.question);
    EXPECT_EQ(daemon.out.str(), "");
    const std::string line = daemon.err.str();
    EXPECT_THAT(line, StartsWith("bpfctl: "));
    EXPECT_THAT(line, HasSubstr(row.line));
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
}

INSTANTIATE_TEST_SUITE_P(
    Words, Mistaken,
    testing::Values(
        Mistake{"an unknown verb", {"frob"}, "verb 'frob': there is no such verb (there are: "},
        Mistake{"an ambiguous verb", {"st"}, "ambiguous: status, stats"},
        Mistake{"options without a verb", {"-N", "x"}, "verb: there is none (see `bpfctl help`)"},
        Mistake{"an unknown global option", {"--frob", "status"}, "not expected here: --frob"},
        Mistake{"an instance without a name", {"-N"}, "--name: its value is missing"},
        Mistake{"an instance that leaves its folder", {"-N", "../x", "status"}, "'../x' is no instance name"},
        Mistake{"an instance that is the folder", {"-N", ".", "status"}, "'.' is no instance name"},
        Mistake{"an empty instance", {"-N", "", "status"}, "is no instance name"},
        Mistake{"an instance after the verb is checked, too", {"status", "-N", "a/b"}, "'a/b' is no instance name"},
        Mistake{"status takes no operands", {"status", "eth0"}, "status: not expected here: eth0"},
        Mistake{"--all is for stats", {"heads", "--all"}, "heads: not expected here: --all"},
        Mistake{"attach needs an interface", {"attach"}, "attach: IFACE is missing (see `bpfctl attach --help`)"},
        Mistake{"and only one", {"attach", "a", "b"}, "attach: not expected here: b"},
        Mistake{"unknown needs a value", {"attach", "a", "--unknown"}, "--unknown: its value is missing"},
        Mistake{"unknown is pass, drop or closed", {"attach", "a", "--unknown", "x"}, "'x' is not one of pass, drop"},
        Mistake{"contradictions are not settled",
                {"attach", "a", "--unknown", "pass", "--unknown", "drop"},
                "--unknown: given more than once"},
        Mistake{"detach needs an interface", {"detach"}, "detach: IFACE is missing"},
        Mistake{
            "link needs a direction (PF-09)", {"link", "cbpf:a", "inet"}, "link: no direction: give -i, -o or both"},
        Mistake{"so does unlink", {"unlink", "cbpf:a", "inet"}, "unlink: no direction"},
        Mistake{"link needs a hook", {"link", "-i"}, "link: HOOK is missing"},
        Mistake{"and a head", {"link", "-i", "cbpf:a"}, "link: HEAD is missing"},
        Mistake{"and no more", {"link", "-i", "cbpf:a", "inet", "x"}, "not expected here: x"},
        Mistake{"append is not for unlink", {"unlink", "-i", "-a", "cbpf:a", "inet"}, "not expected here: -a"},
        Mistake{"a hook name has two parts (PF-31)", {"link", "-i", "a", "inet"}, "'a' is no hook name"},
        Mistake{"of which none is empty", {"hook", "delete", "cbpf:"}, "'cbpf:' is no hook name"},
        Mistake{"neither the first", {"unlink", "-i", ":a", "inet"}, "':a' is no hook name"},
        Mistake{"hook needs a second word", {"hook"}, "hook: which? hook add, hook show, hook replace"},
        Mistake{"hook delete needs a hook", {"hook", "delete"}, "hook delete: HOOK is missing"},
        Mistake{"hook add needs a name", {"hook", "add"}, "hook add: HOOK is missing"},
        Mistake{"and on-match",
                {"hook", "add", "cbpf:a", "--filter", "tcp", "--type", "inet"},
                "hook add: --on-match is missing"},
        Mistake{"and a type", {"hook", "add", "cbpf:a", "--filter", "tcp", "--on-match", "drop"}, "--type is missing"},
        Mistake{"and a filter",
                {"hook", "add", "cbpf:a", "--type", "inet", "--on-match", "drop"},
                "give either --filter or --bytecode"},
        Mistake{"but not two of them",
                {"hook", "add", "cbpf:a", "--type", "inet", "--on-match", "drop", "--filter", "tcp", "--bytecode", "-"},
                "give either --filter or --bytecode"},
        Mistake{"bytecode has no names to resolve",
                {"hook", "add", "cbpf:a", "--type", "inet", "--on-match", "drop", "--bytecode", "-", "--resolve"},
                "--resolve is for --filter only"},
        Mistake{"an unknown action",
                {"hook", "add", "cbpf:a", "--filter", "tcp", "--type", "inet", "--on-match", "reject"},
                "'reject' is not one of drop, pass, count"},
        Mistake{"an unknown type",
                {"hook", "add", "cbpf:a", "--filter", "tcp", "--type", "ip", "--on-match", "drop"},
                "'ip' is not one of inet, inet6, ethernet"},
        Mistake{"a name without its module",
                {"hook", "add", "a", "--filter", "tcp", "--type", "inet", "--on-match", "drop"},
                "'a' is no hook name"},
        Mistake{"flows flush forgets all", {"flows", "flush", "tcp"}, "flows flush: not expected here: tcp"},
        Mistake{"--all is not for flows", {"flows", "--all"}, "flows: not expected here: --all"},
        Mistake{"capture needs an interface", {"capture"}, "capture: IFACE is missing"},
        Mistake{"of a name that can be one", {"capture", std::string(128, 'a')}, "has 1 to 127 characters"},
        Mistake{"no packets are not captured", {"capture", "a", "-c", "0"}, "--count: '0' is no number from 1 to "},
        Mistake{"nor half of one", {"capture", "a", "-c", "1.5"}, "'1.5' is no number"},
        Mistake{"more than there are", {"capture", "a", "-s", "262145"}, "'262145' is no number from 0 to 262144"},
        Mistake{"a buffer size beyond all numbers",
                {"capture", "a", "--buffer-size", "99999999999999999999"},
                "is no number from 1 to 1073741824"},
        Mistake{"two modes", {"attach", "a", "--mode", "xdp", "--tap"}, "attach: give either --mode or --tap"},
        Mistake{"a third direction", {"capture", "a", "--direction", "up"}, "'up' is not one of in, out, both"},
        Mistake{"two files", {"capture", "a", "-w", "x", "-w", "y"}, "--write: given more than once"},
        Mistake{"peers takes no operands", {"peers", "eth0"}, "peers: not expected here: eth0"},
        Mistake{"help of an unknown verb", {"help", "frob"}, "verb 'frob': there is no such verb"},
        Mistake{"a line break does not break the line", {"attach", "a", "b\nbpfctl: c"}, "b?bpfctl: c"}));

TEST(CommandLine, finds_json_anywhere_but_behind_the_end_of_options) {
    EXPECT_TRUE(wants_json({"status", "--json"}));
    EXPECT_TRUE(wants_json({"--json", "frob"}));
    EXPECT_FALSE(wants_json({"attach", "--", "--json"}));
    EXPECT_FALSE(wants_json({"status"}));
}

TEST(CommandLine, leaves_the_words_of_another_program_alone) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"devbpf", "run", "ls", "--help", "-N", "--", "-h"},
          {"dev", "run", "-N", "lab", "ls", "--help", "--no-such"},
          {"devbpf", "run", "--", "-ls", "--help"}}) {
        const auto parsed = parse(words);
        ASSERT_TRUE(parsed && std::holds_alternative<Invocation>(*parsed)) << words[2];
        EXPECT_EQ(std::get<Invocation>(*parsed).verb, &kDevbpfRun);
        EXPECT_EQ(std::get<Invocation>(*parsed).options.instance, words[2] == "-N" ? "lab" : "default");
        EXPECT_TRUE(std::get<Invocation>(*parsed).arguments());
    }
    const auto help = parse({"devbpf", "run", "--help", "ls"});
    EXPECT_TRUE(help && std::holds_alternative<Shown>(*help));
    const auto nothing = parse({"devbpf", "run", "-N", "lab"});
    EXPECT_EQ(nothing.error().exit, Exit::kUsage);
}

} // namespace
} // namespace pfild::bpfctl
