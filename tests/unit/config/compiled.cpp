// SPDX-License-Identifier: BSD-2-Clause
// The compiled model: programs for hooks that have filters, bound to the files.
#include "config/compiled.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace pfild::config {
namespace {

Hook filter(const char* name, const char* text) { return {.name = name, .filter = text}; }

Model compiled(Model model) {
    for (Hook& hook : model.hooks) {
        hook.program = {{0x06, 0, 0, 7}};
        hook.compiled = core::Compiled::kReduced;
    }
    return model;
}

TEST(Compiled, gives_hooks_their_programs) {
    const Model model{.hooks = {filter("a:a", "udp"), {.name = "a:b", .program = {{0x06, 0, 0, 1}}}}};
    Source source{model, "digest"};
    EXPECT_TRUE(needs_programs(source.model));
    const auto taken = take_programs(source, compiled_text("digest", compiled(model)));
    ASSERT_TRUE(taken) << taken.error().line();
    EXPECT_FALSE(needs_programs(source.model));
    EXPECT_EQ(source.model.hooks[0].program.front().k, 7U);
    EXPECT_EQ(source.model.hooks[0].compiled, core::Compiled::kReduced);
    EXPECT_EQ(source.model.hooks[1].program.front().k, 1U) << "it has its own";
}

TEST(Compiled, of_other_files_or_for_other_hooks_is_refused) {
    const Model model{.hooks = {filter("a:a", "udp")}};
    const auto error = [&](const std::string& text) {
        Source source{model, "digest"};
        return take_programs(source, text).error();
    };
    EXPECT_EQ(error(compiled_text("other", compiled(model))).code, ESTALE);
    EXPECT_EQ(error(compiled_text("digest", compiled({.hooks = {filter("a:a", "tcp")}}))).code, EINVAL);
    EXPECT_EQ(error(compiled_text("digest", {})).code, EINVAL);
    EXPECT_EQ(error("{}").code, EINVAL);
    EXPECT_EQ(error("").code, EINVAL);
}

} // namespace
} // namespace pfild::config
