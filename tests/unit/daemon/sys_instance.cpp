// SPDX-License-Identifier: BSD-2-Clause
// The name and the lock of an instance.
#include "daemon/sys/instance.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pfild::sys {
namespace {

namespace fs = std::filesystem;

class InstanceTest : public ::testing::Test {
  protected:
    fs::path top_;

    void SetUp() override {
        std::string pattern = "/tmp/pfild-instance-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        top_ = pattern;
    }
    void TearDown() override { fs::remove_all(top_); }

    [[nodiscard]] std::string folder() const { return top_ / "run"; }
};

TEST(InstanceName, is_what_fits_into_a_path_and_a_command_line) {
    for (const char* good : {"default", "a", "A-Z_0.9", "-", "...", "12345678901234567890123456789012"}) {
        EXPECT_TRUE(is_instance_name(good)) << good;
    }
    for (const char* bad : {"", ".", "..", "a/b", "/", "a b", "é", "a\n", "123456789012345678901234567890123"}) {
        EXPECT_FALSE(is_instance_name(bad)) << bad;
    }
    EXPECT_FALSE(is_instance_name(std::string_view("a\0b", 3)));
}

TEST_F(InstanceTest, makes_its_folders_for_all_to_enter_whatever_the_umask) {
    const mode_t before = ::umask(0077);
    const auto instance = Instance::take(folder(), "lab");
    ::umask(before);
    ASSERT_TRUE(instance) << instance.error().line();
    EXPECT_EQ(instance->folder(), folder() + "/lab");
    for (const std::string& path : {folder(), folder() + "/lab"}) {
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777U, 0755U) << path;
    }
}

TEST_F(InstanceTest, a_second_one_of_the_name_is_refused_with_the_pid_of_the_first) {
    const auto first = Instance::take(folder(), "lab");
    ASSERT_TRUE(first);
    const auto second = Instance::take(folder(), "lab");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().line(), "start lab: process " + std::to_string(::getpid()) +
                                         " runs an instance of this name already (stop it, or choose another name "
                                         "with --name)");
    EXPECT_EQ(second.error().code, EBUSY);
    EXPECT_TRUE(Instance::take(folder(), "other")) << "another name is another instance";
}

TEST_F(InstanceTest, what_a_dead_daemon_left_does_not_hold_the_name) {
    { ASSERT_TRUE(Instance::take(folder(), "lab")); }
    std::ofstream(folder() + "/lab/lock") << "4194304123456789 a long rest of an earlier life\n";
    const auto again = Instance::take(folder(), "lab");
    ASSERT_TRUE(again) << again.error().line();
    std::ostringstream content;
    content << std::ifstream(folder() + "/lab/lock").rdbuf();
    EXPECT_EQ(content.str(), std::to_string(::getpid()) + "\n");
}

TEST_F(InstanceTest, an_orderly_stop_leaves_no_file_and_the_name_can_be_taken_while_the_old_one_still_runs) {
    auto first = Instance::take(folder(), "lab");
    ASSERT_TRUE(first);
    first->remove();
    EXPECT_FALSE(fs::exists(folder() + "/lab"));
    const auto second = Instance::take(folder(), "lab");
    ASSERT_TRUE(second) << second.error().line();
    EXPECT_FALSE(Instance::take(folder(), "lab")) << "and only once";
}

TEST_F(InstanceTest, a_folder_that_holds_something_else_stays) {
    auto instance = Instance::take(folder(), "lab");
    ASSERT_TRUE(instance);
    std::ofstream(folder() + "/lab/model") << "x";
    instance->remove();
    EXPECT_TRUE(fs::exists(folder() + "/lab/model"));
}

TEST_F(InstanceTest, a_file_in_the_way_is_told) {
    std::ofstream(folder()) << "x";
    const auto refused = Instance::take(folder(), "lab");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().line(), "make " + folder() + ": not a directory");
}

TEST_F(InstanceTest, a_lock_that_is_a_symbolic_link_is_not_followed) {
    fs::create_directories(folder() + "/lab");
    std::ofstream(top_ / "precious") << "keep";
    fs::create_symlink(top_ / "precious", folder() + "/lab/lock");
    ASSERT_FALSE(Instance::take(folder(), "lab"));
    EXPECT_EQ(fs::file_size(top_ / "precious"), 4U);
}

} // namespace
} // namespace pfild::sys
