// SPDX-License-Identifier: BSD-2-Clause
// One command from words to exit code: what is on which stream, as text and as JSON, whatever the daemon says.
#include "bpfctl/run.h"

#include <cerrno>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Words = std::vector<std::string>;

struct Ended {
    Exit exit;
    std::string out;
    std::string err;
};

Ended run_with(const Words& words, const Outcome<Json>& answer) {
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit =
        run(words, {out, err}, [&answer](const Endpoint&, std::string_view, const Json&) { return answer; });
    return {exit, out.str(), err.str()};
}

Outcome<Json> refused() {
    Failure failure{Exit::kRefused, {"attach", "eth0", "it is already attached", "see `bpfctl status`", EIO}, "EEXIST"};
    return tl::make_unexpected(failure);
}

TEST(Run, prints_the_result_of_the_daemon_as_it_is_with_json) {
    const auto ended = run_with({"heads", "--json"}, Json::parse(R"({"zebra": 1, "ant": [true, null], "new": {}})"));
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_EQ(ended.out, "{\n  \"zebra\": 1,\n  \"ant\": [\n    true,\n    null\n  ],\n  \"new\": {}\n}\n");
    EXPECT_EQ(ended.err, "");
}

TEST(Run, says_what_the_daemon_remarks_beside_the_answer) {
    const Json answer = Json::parse(R"({"remark": "nothing\nto check"})");
    const auto ended = run_with({"hook", "delete", "cbpf:a"}, answer);
    EXPECT_EQ(ended.exit, Exit::kOk);
    EXPECT_THAT(ended.out, testing::Not(HasSubstr("to check"))) << "a script reads it";
    EXPECT_EQ(ended.err, "bpfctl: nothing?to check\n");
    const auto as_json = run_with({"hook", "delete", "cbpf:a", "--json"}, answer);
    EXPECT_EQ(Json::parse(as_json.out), answer);
    EXPECT_EQ(as_json.err, "");
}

TEST(Run, reports_a_refusal_in_one_line) {
    const auto ended = run_with({"attach", "eth0"}, refused());
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err, "bpfctl: attach eth0: it is already attached (see `bpfctl status`)\n");
}

TEST(Run, reports_a_refusal_as_json_with_the_daemons_errno) {
    const auto ended = run_with({"attach", "eth0", "--json"}, refused());
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(ended.err, R"({"error":{"errno":"EEXIST","what":"attach","object":"eth0",)"
                         R"("why":"it is already attached","advice":"see `bpfctl status`"}})"
                         "\n");
}

TEST(Run, reports_usage_errors_as_json_too) {
    const auto ended = run_with({"--json", "frob"}, Json::object());
    EXPECT_EQ(ended.exit, Exit::kUsage);
    EXPECT_EQ(ended.out, "");
    const auto error = Json::parse(ended.err);
    EXPECT_EQ(error["error"]["errno"], "EINVAL");
    EXPECT_EQ(error["error"]["object"], "'frob'");
}

TEST(Run, says_once_that_its_output_could_not_be_written) {
    std::ostream nowhere(nullptr);
    std::ostringstream err;
    EXPECT_EQ(run({"help"}, {nowhere, err}, ask_daemon), Exit::kRefused);
    EXPECT_EQ(err.str(), "bpfctl: write standard output: Input/output error\n");
    nowhere.clear();
    err.str("");
    EXPECT_EQ(run({"--json", "filter", "compile", "ip"}, {nowhere, err}, ask_daemon), Exit::kRefused);
    EXPECT_EQ(Json::parse(err.str())["error"]["object"], "standard output");
    std::ofstream full("/dev/full");
    err.str("");
    EXPECT_EQ(run({"help"}, {full, err}, ask_daemon), Exit::kRefused);
    EXPECT_EQ(err.str(), "bpfctl: write standard output: No space left on device\n");
}

TEST(Run, refuses_a_bad_filter_without_asking_the_daemon) {
    const Words words{"hook", "add", "cbpf:a", "--filter", "host localhost", "--on-match", "drop", "--type", "inet"};
    const auto ended = run_with(words, fail(Exit::kUnreachable, {"nobody", "", "must be asked", "", EIO}));
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_EQ(ended.err,
              "bpfctl: filter 'host localhost': unknown host 'localhost' (names are not looked up: write the "
              "address, or add --resolve)\n");
}

TEST(Run, puts_the_pages_of_flows_together) {
    const std::string flow = R"({"interface":"eth0","family":"inet","protocol":6,"tags":[],"remote":"192.0.2.1",)"
                             R"("remote_port":443,"local":"198.51.100.7","local_port":51034})";
    const std::string other = R"({"interface":"eth0","family":"inet","protocol":1,"tags":[],"remote":"192.0.2.1",)"
                              R"("remote_port":null,"local":"198.51.100.7","local_port":null})";
    const auto daemon = [&](const Endpoint&, std::string_view, const Json& arguments) {
        const bool first = arguments["from"] == 0;
        return Outcome<Json>(Json::parse(first ? R"({"flows": [)" + flow + R"(], "next": 300})"
                                               : R"({"flows": [)" + other + R"(], "next": null})"));
    };
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run({"flows", "--json"}, {out, err}, daemon), Exit::kOk) << err.str();
    EXPECT_EQ(out.str(), pretty(Json::parse(R"({"count": 2, "flows": [)" + flow + ',' + other + "]}")) + '\n');
    out.str("");
    EXPECT_EQ(run({"flows", "--json", "icmp"}, {out, err}, daemon), Exit::kOk) << err.str();
    EXPECT_EQ(out.str(), pretty(Json::parse(R"({"count": 2, "flows": [)" + other + "]}")) + '\n');
    out.str("");
    EXPECT_EQ(run({"flows", "udp"}, {out, err}, daemon), Exit::kOk) << err.str();
    EXPECT_EQ(out.str(), "None of 2 flows matches.\n");
    EXPECT_EQ(err.str(), "");
}

TEST(Run, refuses_a_question_that_is_not_about_flows_without_asking_the_daemon) {
    const auto nobody = fail(Exit::kUnreachable, {"nobody", "", "must be asked", "", EIO});
    const auto ended = run_with({"flows", "tcp[tcpflags] & tcp-syn != 0"}, nobody);
    EXPECT_EQ(ended.exit, Exit::kRefused);
    EXPECT_THAT(ended.err, StartsWith("bpfctl: filter 'tcp[tcpflags] & tcp-syn != 0': instruction "));
    EXPECT_EQ(run_with({"flows", ""}, nobody).err,
              "bpfctl: filter '': the expression is empty (to match every packet write 'greater 0')\n");
}

TEST(Run, does_not_guess_about_flows_that_it_cannot_read) {
    const auto answer = Json::parse(R"({"flows": [{"family": "inet7"}], "next": null})");
    EXPECT_EQ(run_with({"flows"}, answer).exit, Exit::kOk) << "all are wanted, whatever they are";
    const auto ended = run_with({"flows", "tcp"}, answer);
    EXPECT_EQ(ended.exit, Exit::kUnreachable);
    EXPECT_EQ(ended.err, "bpfctl: daemon: a flow in its answer cannot be understood (are bpfctl and pfild of the same "
                         "version?)\n");
}

TEST(Run, without_words_shows_usage_as_an_error) {
    const auto ended = run_with({}, Json::object());
    EXPECT_EQ(ended.exit, Exit::kUsage);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr("Usage: bpfctl [OPTIONS] VERB"));
}

TEST(Run, shows_help_and_version_without_a_daemon) {
    struct Row {
        const char* sentence;
        Words words;
        const char* part;
    };
    const Row rows[] = {
        {"help", {"help"}, "Exit status: 0 done, 1 refused, 2 the command line is wrong, 3 pfild cannot be\nreached"},
        {"--help", {"--help"}, "Usage: bpfctl [OPTIONS] VERB"},
        {"-h behind another option", {"-N", "x", "-h"}, "Usage: bpfctl [OPTIONS] VERB"},
        {"help of a verb", {"help", "attach"}, "Usage: bpfctl attach IFACE [--unknown pass|drop|closed]"},
        {"the verb's own --help, with nothing else", {"attach", "--help"}, "Usage: bpfctl attach IFACE"},
        {"behind wrong operands, too", {"attach", "a", "b", "-h"}, "Usage: bpfctl attach IFACE"},
        {"of a verb of two words", {"hook", "a", "--help"}, "pass   packets that match go on to the next hook; all"},
        {"of a group of verbs", {"hook", "--help"}, "bpfctl hook delete HOOK"},
        {"options with what they take", {"help", "hook", "add"}, "--on-match drop|pass|count  what"},
        {"help of a verb that begins another", {"help", "flows"}, "Usage: bpfctl flows [--resolve] [EXPR]"},
        {"help of the other", {"help", "flows", "flush"}, "The table of flows is a cache: no connection breaks."},
        {"help behind an expression", {"flows", "tcp", "-h"}, "Usage: bpfctl flows [--resolve] [EXPR]"},
        {"a verb that does more than ask", {"help", "cap"}, "Usage: bpfctl capture IFACE|any [-w FILE|-] [-c N]"},
        {"help of help", {"help", "help"}, "Usage: bpfctl [OPTIONS] VERB"},
        {"--version", {"--version"}, "bpfctl " PFILD_VERSION "\n"},
    };
    const auto nobody = fail(Exit::kUnreachable, {"nobody", "", "must be asked", "", EIO});
    for (const Row& row : rows) {
        const auto ended = run_with(row.words, nobody);
        EXPECT_EQ(ended.exit, Exit::kOk) << row.sentence;
        EXPECT_THAT(ended.out, HasSubstr(row.part)) << row.sentence;
        EXPECT_EQ(ended.err, "") << row.sentence;
    }
}

/// Results that are no results: every verb must render something, and nothing may throw or reach the terminal raw.
TEST(Run, survives_every_result_with_every_verb) {
    const Words commands[] = {{"status"},
                              {"attach", "eth0"},
                              {"detach", "eth0"},
                              {"heads"},
                              {"hooks"},
                              {"hook", "delete", "cbpf:a"},
                              {"link", "-i", "cbpf:a", "inet"},
                              {"unlink", "-i", "cbpf:a", "inet"},
                              {"stats"},
                              {"flows"},
                              {"flows", "flush"},
                              {"peers"},
                              {"sysctl"},
                              {"filter", "show", "--hook", "cbpf:a"},
                              {"version"}};
    const char* const results[] = {
        "{}",
        R"({"heads": 1, "hooks": "x", "interfaces": [1, "a", null], "buffers": [], "engine": 3, "name": {}})",
        R"({"heads": [1, [], {}], "hooks": [null, {"links": [1, {}], "counters": 4}], "interfaces": {"a": 1, "b": {}}})",
        R"({"name": "\u001b[2Jx\ny", "interfaces": {"\u001b]0;x": {"in": {"a\u0007": 5}}}, "in": ["\u009b1m", 5]})",
        R"({"engine": {"a": -1, "b": 1.5, "c": 18446744073709551615}, "buffers": {"total": 18446744073709551615}})",
        R"({"flows": [null, 5, [], {"tags": 7, "in": []}, {"tags": [1, {}], "idle_s": -1, "limit_s": 1e300}]})",
        R"({"flows": [{"remote": "\u001b[2J", "remote_port": "\u0007", "protocol": 1.5, "interface": "\u009b1m"}]})",
        R"({"devices": [null, 5, {}, {"pid": -1, "interface": "\u001b[2J", "state": "orphaned", "directions": ["\u0007"]}]})",
        R"({"program": [1, [], [1, 2, 3], [70000, 0, 0, 0], [6, 0, 0, -1]]})",
        R"({"program": "x"})",
        R"({"flows": {"capacity": "x", "memory_bytes": 1}, "hooks": [{"answers": 1, "because": "\u001b[2J"}]})",
    };
    for (const Words& words : commands) {
        for (const char* result : results) {
            const auto ended = run_with(words, Json::parse(result));
            EXPECT_EQ(ended.exit, Exit::kOk) << words[0] << result;
            EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << words[0] << result;
            EXPECT_EQ(ended.out.find('\x07'), std::string::npos) << words[0] << result;
            EXPECT_EQ(ended.out.find("\xc2\x9b"), std::string::npos) << words[0] << result;
        }
    }
}

TEST(Run, reports_a_newline_in_the_daemons_error_as_no_newline) {
    Failure failure{Exit::kRefused, {"attach", "eth0", "a\nbpfctl: forged\x1b[2J", "", EIO}, "EIO"};
    const auto ended = run_with({"attach", "eth0"}, tl::make_unexpected(failure));
    EXPECT_EQ(ended.err, "bpfctl: attach eth0: a?bpfctl: forged?[2J\n");
}

/// A file that is gone at the end of the test.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& content) {
        const int fd = mkstemp(path_.data());
        EXPECT_GE(fd, 0);
        close(fd);
        std::ofstream(path_) << content;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { unlink(path_.c_str()); }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = testing::TempDir() + "bytecode.XXXXXX";
};

TEST(Run, judges_bytecode_before_the_daemon_does) {
    struct Row {
        const char* sentence;
        const char* content;
        Exit exit;
        const char* part;
    };
    const Row rows[] = {
        {"a program is sent", "2\n48 0 0 9\n22 0 0 0\n", Exit::kOk, ""},
        {"a text that is none names line and column", "1\n6 0 0\n", Exit::kRefused, "line 2, column "},
        {"a program that does not end names instruction and rule", "1\n4 0 0 0\n", Exit::kRefused,
         "hook add cbpf:a: the program does not verify: instruction 0 (add #0, 0x04): "},
        {"a division by 0 names its rule", "2\n52 0 0 0\n6 0 0 0\n", Exit::kRefused, "(CF-11)"},
        {"an empty file is no program", "", Exit::kRefused, "bytecode "},
    };
    for (const Row& row : rows) {
        const TemporaryFile file(row.content);
        const auto ended =
            run_with({"hook", "add", "cbpf:a", "--bytecode", file.path(), "--on-match", "drop", "--type", "inet"},
                     Json::object());
        EXPECT_EQ(ended.exit, row.exit) << row.sentence << ": " << ended.err;
        EXPECT_THAT(ended.err, HasSubstr(row.part)) << row.sentence;
    }
    const auto missing =
        run_with({"hook", "add", "cbpf:a", "--bytecode", "/nonexistent", "--on-match", "drop", "--type", "inet"},
                 Json::object());
    EXPECT_EQ(missing.err, "bpfctl: bytecode /nonexistent: No such file or directory\n");
    EXPECT_EQ(missing.exit, Exit::kRefused);
}

} // namespace
} // namespace pfild::bpfctl
