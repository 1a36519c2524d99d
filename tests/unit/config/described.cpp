// SPDX-License-Identifier: BSD-2-Clause
// Canonical JSON: written, read, written again; and what is refused.
#include "config/described.h"

#include <gtest/gtest.h>

#include "any_model.h"
#include "config/digest.h"

namespace pfild::config {
namespace {

TEST(CanonicalJson, of_1000_models_is_read_and_written_again_the_same) {
    test::AnyModel any(4);
    for (int i = 0; i < 1000; ++i) {
        const Model model = any.next();
        const std::string text = canonical_json(model);
        const auto read = model_of_json(text);
        ASSERT_TRUE(read) << read.error().line();
        ASSERT_EQ(*read, model);
        ASSERT_EQ(canonical_json(*read), text);
        if (i % 20 == 0) {
            ASSERT_EQ(canonical_json(*model_of_json(canonical_page(model))), text);
        }
    }
}

TEST(CanonicalJson, is_the_same_whatever_order_interfaces_and_hooks_came_in) {
    test::AnyModel any(5);
    Model model = any.next();
    Model other = model;
    std::reverse(other.interfaces.begin(), other.interfaces.end());
    std::reverse(other.hooks.begin(), other.hooks.end());
    put_in_order(other);
    EXPECT_EQ(digest_of(other), digest_of(model));
    model.settings.buffers ^= 1;
    EXPECT_NE(digest_of(other), digest_of(model));
}

TEST(CanonicalJson, with_a_flaw_is_refused_and_the_flaw_told) {
    test::AnyModel any(6);
    Model model = any.next();
    model.hooks = {any.hook("cbpf:a")};
    const auto refused = [](const Model& flawed) { return model_of_json(canonical_json(flawed)).error().why; };
    Model to_nothing = model;
    to_nothing.links = {{.hook = "cbpf:none", .head = "inet", .directions = {true, false}}};
    EXPECT_EQ(refused(to_nothing), "hook: there is no hook of that name");
    Model jumps_out = model;
    jumps_out.links.clear();
    jumps_out.hooks[0].program = {{0x05, 0, 0, 9}};
    EXPECT_NE(refused(jumps_out), "");
    Model not_compiled = model;
    not_compiled.links.clear();
    not_compiled.hooks[0].filter = "udp";
    not_compiled.hooks[0].program.clear();
    EXPECT_EQ(refused(not_compiled), "its filter is not compiled");
    EXPECT_EQ(model_of_json("{}").error().why, "settings: is missing");
    EXPECT_FALSE(model_of_json("["));
}

TEST(Digest, is_sha_256) {
    EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest_of(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

} // namespace
} // namespace pfild::config
