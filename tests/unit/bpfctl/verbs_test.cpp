// SPDX-License-Identifier: BSD-2-Clause
// How words find their verb.
#include "bpfctl/verbs.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/verbs.h"

namespace pfild::bpfctl {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

TEST(Verbs, are_found_by_any_prefix_that_is_not_ambiguous) {
    struct Row {
        const char* sentence;
        Words words;
        const Verb* verb;
        std::size_t used;
    };
    const Row rows[] = {
        {"a whole name", {"attach", "eth0"}, &kAttach, 1},
        {"two letters", {"at"}, &kAttach, 1},
        {"three letters, where two verbs begin with de", {"det"}, &kDetach, 1},
        {"one letter, if nothing else begins with it", {"l"}, &kLink, 1},
        {"one letter of unlink", {"u"}, &kUnlink, 1},
        {"one letter of version", {"v"}, &kVersion, 1},
        {"up to the letter that differs: stats", {"stats"}, &kStats, 1},
        {"up to the letter that differs: status", {"statu"}, &kStatus, 1},
        {"up to the letter that differs: heads", {"hea"}, &kHeads, 1},
        {"up to the letter that differs: help", {"hel"}, &kHelp, 1},
        {"hooks is hooks", {"hooks"}, &kHooks, 1},
        {"hook is not hooks: the exact word wins", {"hook", "add"}, &kHookAdd, 2},
        {"the second word may be short", {"hook", "a"}, &kHookAdd, 2},
        {"and is a verb of its own", {"hook", "de", "cbpf:a"}, &kHookDelete, 2},
        {"operands are not looked at", {"link", "add"}, &kLink, 1},
        {"flows is a verb", {"flows"}, &kFlows, 1},
        {"and begins another", {"flows", "flush"}, &kFlowsFlush, 2},
        {"the first word may be short", {"fl", "flush"}, &kFlowsFlush, 2},
        {"filter has four verbs", {"fi", "c", "ip"}, &kFilterCompile, 2},
        {"of which each may be short", {"filter", "e"}, &kFilterExplain, 2},
        {"filter is not flows", {"filter", "run", "a.pcap"}, &kFilterRun, 2},
        {"the second must be whole, it could be an operand", {"flows", "flus"}, &kFlows, 1},
        {"an expression is an operand", {"flows", "tcp", "flush"}, &kFlows, 1},
        {"an option is none of its words", {"flows", "--json"}, &kFlows, 1},
        {"an empty operand is one", {"flows", ""}, &kFlows, 1},
    };
    for (const Row& row : rows) {
        const auto resolved = resolve(row.words);
        ASSERT_TRUE(resolved) << row.sentence << ": " << line_of(resolved.error());
        EXPECT_EQ(resolved->verb, row.verb) << row.sentence;
        EXPECT_EQ(resolved->words, row.used) << row.sentence;
    }
}

TEST(Verbs, that_are_unknown_or_ambiguous_list_what_they_could_be) {
    struct Row {
        const char* sentence;
        Words words;
        const char* line;
    };
    const Row rows[] = {
        {"two verbs", {"st"}, "bpfctl: verb 'st': ambiguous: status, stats (write more of it)"},
        {"a verb and a group of verbs", {"hoo"}, "bpfctl: verb 'hoo': ambiguous: hooks, hook (write more of it)"},
        {"three of them", {"h"}, "bpfctl: verb 'h': ambiguous: heads, hooks, hook, help (write more of it)"},
        {"a group without its second word",
         {"hook"},
         "bpfctl: hook: which? hook add, hook show, hook replace, hook disable, hook enable, hook delete (see `bpfctl "
         "help`)"},
        {"an option in place of the second word",
         {"hook", "--json"},
         "bpfctl: hook: which? hook add, hook show, hook replace, hook disable, hook enable, hook delete (see `bpfctl "
         "help`)"},
        {"an unknown second word",
         {"hook", "edit"},
         "bpfctl: verb 'hook edit': there is no such verb (there are: hook add, hook show, hook replace, hook disable, "
         "hook enable, hook delete)"},
        {"more than a verb's name", {"attached"}, "bpfctl: verb 'attached': there is no such verb (there are: status,"},
        {"another case", {"Attach"}, "bpfctl: verb 'Attach': there is no such verb"},
        {"an empty word", {""}, "bpfctl: verb '': there is no such verb"},
        {"two words in one", {"hook add"}, "bpfctl: verb 'hook add': there is no such verb"},
    };
    for (const Row& row : rows) {
        const auto resolved = resolve(row.words);
        ASSERT_FALSE(resolved) << row.sentence;
        EXPECT_EQ(resolved.error().exit, Exit::kUsage) << row.sentence;
        EXPECT_THAT(line_of(resolved.error()), HasSubstr(row.line)) << row.sentence;
    }
}

TEST(Verbs, have_each_a_name_a_summary_and_a_row_of_the_protocol) {
    std::set<std::string_view> names;
    std::set<std::string_view> requests;
    for (const Verb* verb : verbs()) {
        EXPECT_TRUE(names.insert(verb->name).second) << verb->name;
        const std::set<const Verb*> local{&kHelp,   &kCapture,       &kDevbpfRun,  &kExtcap,
                                          &kRescue, &kConfigCompile, &kConfigCheck};
        const std::set<const Verb*> as_another{&kFilterShow, &kConfigDiff, &kConfigSave}; // as hook show, config show
        const bool is_of_filters = verb->name.substr(0, 7) == "filter " && verb != &kFilterShow;
        const bool asks = local.count(verb) == 0 && !is_of_filters;
        EXPECT_TRUE(!asks || requests.insert(verb->request).second != as_another.contains(verb)) << verb->name;
        EXPECT_FALSE(verb->summary.empty()) << verb->name;
        EXPECT_TRUE(verb->notes.empty() || verb->notes.back() == '\n') << verb->name;
        EXPECT_EQ(verb->request.empty(), !asks) << verb->name;
    }
    EXPECT_TRUE(requests.insert("sysctl-set").second) << "of sysctl, where there is a value";
    const std::vector<std::string_view> protocol = control::verb_names();
    EXPECT_EQ(requests, std::set<std::string_view>(protocol.begin(), protocol.end()));
}

} // namespace
} // namespace pfild::bpfctl
