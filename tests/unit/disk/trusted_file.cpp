// SPDX-License-Identifier: BSD-2-Clause
// Which files are read, and which somebody else could have written.
#include "disk/trusted_file.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "disk/durable.h"

namespace pfild::disk {
namespace {

namespace fs = std::filesystem;

class TrustedFile : public testing::Test {
  protected:
    TrustedFile() {
        std::string name = "/tmp/pfild-trusted-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        put("good", "content");
    }
    ~TrustedFile() override { fs::remove_all(folder_); }

    void put(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
    [[nodiscard]] int code(const std::string& name) const {
        const auto read = read_trusted_file((folder_ / name).string());
        return read ? 0 : read.error().code;
    }

    fs::path folder_;
};

TEST_F(TrustedFile, is_read_also_through_links_of_its_owner_and_by_other_ways) {
    fs::create_directory(folder_ / "sub");
    fs::create_symlink("good", folder_ / "link");
    fs::create_symlink(folder_ / "link", folder_ / "sub" / "link");
    for (const char* name : {"good", "link", "sub/link", "sub/../good", "./good", "sub//link"}) {
        EXPECT_EQ(code(name), 0) << name;
    }
    EXPECT_EQ(*read_trusted_file((folder_ / "sub/link").string()), "content");
}

TEST_F(TrustedFile, that_others_can_write_is_refused) {
    fs::permissions(folder_ / "good", fs::perms::others_write, fs::perm_options::add);
    EXPECT_EQ(code("good"), EACCES);
    put("other", "");
    fs::permissions(folder_, fs::perms::others_all, fs::perm_options::add);
    EXPECT_EQ(code("other"), EACCES) << "the folder";
    fs::permissions(folder_, fs::perms::sticky_bit, fs::perm_options::add);
    EXPECT_EQ(code("other"), 0) << "there nobody can take another's file away";
}

TEST_F(TrustedFile, of_others_is_refused_wherever_it_is_on_the_way) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving a file away needs root";
    }
    constexpr uid_t kNobody = 65534;
    put("theirs", "x");
    ASSERT_EQ(::chown((folder_ / "theirs").c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(code("theirs"), EACCES);
    fs::create_symlink("good", folder_ / "link");
    ASSERT_EQ(::lchown((folder_ / "link").c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(code("link"), EACCES);
    fs::create_directory(folder_ / "sub");
    fs::create_symlink("../good", folder_ / "sub" / "link");
    ASSERT_EQ(::chown((folder_ / "sub").c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(code("sub/link"), EACCES);
    EXPECT_EQ(code("good"), 0);
}

TEST_F(TrustedFile, that_is_no_file_or_has_no_end_is_refused) {
    EXPECT_EQ(code("none"), ENOENT);
    EXPECT_EQ(code("."), EINVAL);
    EXPECT_EQ(code("good/x"), ENOTDIR);
    fs::create_symlink("loop", folder_ / "loop");
    EXPECT_EQ(code("loop"), ELOOP);
    EXPECT_FALSE(read_trusted_file("/dev/zero"));
    EXPECT_FALSE(read_trusted_file(""));
    fs::resize_file(folder_ / "good", (16U << 20U) + 1);
    EXPECT_EQ(code("good"), EFBIG);
}

TEST_F(TrustedFile, names_of_a_folder_are_sorted_and_those_that_begin_with_a_dot_left_out) {
    for (const char* name : {"b.toml", "a.toml", ".c.toml", "d.txt", ".toml"}) {
        put(name, "");
    }
    EXPECT_EQ(*trusted_names(folder_.string(), ".toml"), (std::vector<std::string>{"a.toml", "b.toml"}));
    EXPECT_TRUE(trusted_names((folder_ / "none").string(), ".toml")->empty());
}

TEST_F(TrustedFile, that_was_written_durably_is_there_whole) {
    const std::string path = (folder_ / "durable").string();
    ASSERT_TRUE(write_durably(path, "one"));
    ASSERT_TRUE(write_durably(path, std::string(100000, 'x')));
    EXPECT_EQ(read_trusted_file(path)->size(), 100000U);
    EXPECT_FALSE(fs::exists(path + ".new"));
    EXPECT_FALSE(write_durably((folder_ / "none" / "file").string(), ""));
}

} // namespace
} // namespace pfild::disk
