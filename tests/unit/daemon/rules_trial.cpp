// SPDX-License-Identifier: BSD-2-Clause
// A model on trial: what is recorded of it, and how the trial ends.
#include <gtest/gtest.h>

#include "../config/any_model.h"
#include "daemon/rules/start.h"
#include "daemon/rules/transaction.h"
#include "rules_world.h"

namespace pfild::rules {
namespace {

using config::Model;
using config::Owner;

Model one_hook(const char* name) {
    return {.hooks = {{.name = name, .program = {{0x06, 0, 0, 1}}, .owner = Owner::kBpfctl}}};
}

struct TrialFixture {
    test::Steps steps;
    test::FakeWorld world{steps};
    test::FakeStore store{steps};
    Transaction transaction{world, store, "this boot"};

    [[nodiscard]] std::optional<Trial> recorded() const { return kept_model_of(store.in_force())->trial; }
    [[nodiscard]] core::Result<Outcome> begin(const Model& next) {
        const Trial trial{.ends_ns = 5, .files = "digest", .before = transaction.model()};
        return transaction.change(next, {.trial = trial});
    }
};

TEST(Trial, is_read_as_it_was_written) {
    config::test::AnyModel any(21);
    for (int i = 0; i < 100; ++i) {
        const KeptModel kept{.boot = "b",
                             .files = "f",
                             .attached = {},
                             .model = any.next(),
                             .trial = Trial{.ends_ns = any.below(1000), .files = "g", .before = any.next()}};
        const auto read = kept_model_of(text_of(kept));
        ASSERT_TRUE(read) << read.error().line();
        ASSERT_EQ(*read, kept);
    }
}

TEST(Trial, is_recorded_with_the_model_before_and_other_changes_keep_it) {
    TrialFixture fixture;
    ASSERT_TRUE(fixture.transaction.change(one_hook("a:old"), {}));
    ASSERT_TRUE(fixture.begin(one_hook("a:new")));
    ASSERT_TRUE(fixture.recorded());
    EXPECT_EQ(fixture.recorded()->before, one_hook("a:old"));
    ASSERT_TRUE(fixture.transaction.change(Model(), {}));
    EXPECT_EQ(fixture.recorded(), fixture.transaction.trial());
    ASSERT_TRUE(fixture.transaction.change(one_hook("a:old"), {.ends_trial = true}));
    EXPECT_FALSE(fixture.recorded() || fixture.transaction.trial());
}

TEST(Trial, of_the_model_that_is_in_force_already_is_one_too) {
    TrialFixture fixture;
    ASSERT_TRUE(fixture.transaction.change(one_hook("a:old"), {}));
    ASSERT_TRUE(fixture.begin(one_hook("a:old")));
    EXPECT_TRUE(fixture.recorded());
    ASSERT_TRUE(fixture.transaction.end_trial());
    EXPECT_FALSE(fixture.recorded() || fixture.transaction.trial());
}

TEST(Trial, goes_on_if_its_end_cannot_be_recorded) {
    TrialFixture fixture;
    ASSERT_TRUE(fixture.begin(one_hook("a:new")));
    fixture.steps.failing = fixture.steps.taken + 1;
    EXPECT_FALSE(fixture.transaction.end_trial());
    EXPECT_TRUE(fixture.transaction.trial());
    EXPECT_TRUE(fixture.recorded());
}

TEST(Trial, that_cannot_begin_leaves_none) {
    for (std::size_t failing = 1;; ++failing) {
        TrialFixture fixture;
        ASSERT_TRUE(fixture.transaction.change(one_hook("a:old"), {}));
        fixture.steps.failing = fixture.steps.taken + failing;
        if (fixture.begin(one_hook("a:new"))) {
            break;
        }
        EXPECT_FALSE(fixture.recorded() || fixture.transaction.trial());
    }
}

TEST(Trial, goes_on_after_a_start_whatever_the_files_say) {
    Found found{.running = KeptModel{.boot = "b",
                                     .files = "old",
                                     .attached = {},
                                     .model = one_hook("a:new"),
                                     .trial = Trial{.ends_ns = 5, .files = "old", .before = Model()}},
                .files = config::Source{.model = {}, .digest = "new"}};
    const auto plan = plan_start(found);
    ASSERT_TRUE(plan);
    EXPECT_FALSE(plan->then);
    EXPECT_TRUE(plan->take_over->trial);
    EXPECT_EQ(plan->from, "running model, on trial");
}

} // namespace
} // namespace pfild::rules
