// SPDX-License-Identifier: BSD-2-Clause
// The running model in its file: two texts that change places.
#include "daemon/rules/file_store.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace pfild::rules {
namespace {

class Stored : public testing::Test {
  protected:
    Stored() {
        std::string name = "/tmp/pfild-store-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~Stored() override { std::filesystem::remove_all(folder_); }

    std::string folder_;
};

TEST_F(Stored, is_what_was_exchanged_last_and_goes_back_by_exchanging_again) {
    FileStore store(folder_);
    EXPECT_EQ(store.read().error().code, ENOENT);
    ASSERT_TRUE(store.reserve());
    EXPECT_EQ(store.read().error().code, ENOENT) << "nothing is in it";
    ASSERT_TRUE(store.put_next("one\n"));
    EXPECT_EQ(store.read().error().code, ENOENT);
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), "one\n");
    const std::string longer(300000, 'x');
    ASSERT_TRUE(store.put_next(longer));
    EXPECT_EQ(*store.read(), "one\n");
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), longer);
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), "one\n");
    ASSERT_TRUE(store.put_next("two\n"));
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), "two\n") << "nothing is left of the longer one";
    ASSERT_TRUE(FileStore(folder_).reserve());
    EXPECT_EQ(*store.read(), "two\n") << "a successor finds it";
    ASSERT_TRUE(store.put_next("a long one\n"));
    ASSERT_TRUE(store.exchange());
    ASSERT_TRUE(store.exchange());
    ASSERT_TRUE(store.put_next("3\n"));
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), "3\n") << "nothing is left of one that is a little longer";
    store.remove();
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Stored, goes_on_when_somebody_has_removed_it) {
    FileStore store(folder_);
    ASSERT_TRUE(store.put_next("one\n"));
    ASSERT_TRUE(store.exchange());
    ASSERT_TRUE(store.put_next("two\n"));
    std::filesystem::remove(folder_ + "/model");
    ASSERT_TRUE(store.exchange());
    EXPECT_EQ(*store.read(), "two\n");
}

} // namespace
} // namespace pfild::rules
