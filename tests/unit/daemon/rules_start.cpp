// SPDX-License-Identifier: BSD-2-Clause
// The table of starts: what is there, and with what a daemon begins.
#include "daemon/rules/start.h"

#include <gtest/gtest.h>

namespace pfild::rules {
namespace {

using config::Hook;
using config::Model;
using config::Owner;

Hook hook(const char* name, Owner owner) { return {.name = name, .program = {{0x06, 0, 0, 1}}, .owner = owner}; }

const Model kFiles{.hooks = {hook("f:new", Owner::kFile)}};
const Model kRan{.hooks = {hook("b:mine", Owner::kBpfctl), hook("f:old", Owner::kFile)}};

config::FileResult<config::Source> good() { return config::Source{kFiles, "new"}; }
config::FileResult<config::Source> bad() {
    return tl::make_unexpected(std::vector<config::FileMistake>{{"p.toml", 1, 1, "x", "is not known"}});
}
KeptModel kept(const char* files) { return {.boot = "now", .files = files, .model = kRan}; }

std::string names(const Model& model) {
    std::string text;
    for (const Hook& one : model.hooks) {
        text += one.name + ' ';
    }
    return text;
}

struct Row {
    const char* sentence;
    Found found;
    const char* take_over; ///< hooks, or "-"
    const char* then;
    const char* from;
};

std::vector<Row> rows() {
    return {
        {"a crash", {kept("new"), good(), kept("new"), false}, "b:mine f:old ", "-", "running model"},
        {"edited files",
         {kept("old"), good(), {}, false},
         "b:mine f:old ",
         "b:mine f:new ",
         "running model, files changed"},
        {"bad files after a crash", {kept("old"), bad(), {}, false}, "b:mine f:old ", "-", "running model"},
        {"a reboot", {{}, good(), kept("old"), false}, "-", "b:mine f:new ", "files and confirmed model"},
        {"a first start", {{}, good(), {}, false}, "-", "f:new ", "files"},
        {"stopped and started", {{}, good(), kept("old"), true}, "-", "f:new ", "files"},
        {"bad files after a reboot", {{}, bad(), kept("old"), false}, "b:mine f:old ", "-", "confirmed model"},
        {"bad files after a stop", {{}, bad(), kept("old"), true}, "b:mine f:old ", "-", "confirmed model"},
    };
}

TEST(Start, begins_as_the_table_says) {
    for (const Row& row : rows()) {
        SCOPED_TRACE(row.sentence);
        const auto plan = plan_start(row.found);
        ASSERT_TRUE(plan);
        EXPECT_EQ(plan->take_over ? names(plan->take_over->model) : "-", row.take_over);
        EXPECT_EQ(plan->then ? names(*plan->then) : "-", row.then);
        EXPECT_EQ(plan->from, row.from);
        EXPECT_EQ(plan->bad_files, !row.found.files);
    }
}

TEST(Start, with_bad_files_and_nothing_else_fails_with_the_mistakes) {
    const auto plan = plan_start({{}, bad(), {}, false});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().front().text(), "p.toml:1:1: x: is not known");
}

TEST(Start, with_files_that_cannot_be_had_falls_back_to_the_confirmed_model) {
    EXPECT_EQ(plan_start({{}, good(), kept("old"), false})->failsafe->model, kRan);
}

} // namespace
} // namespace pfild::rules
