// SPDX-License-Identifier: BSD-2-Clause
// The configuration file that a verb is about when nobody names one.
#include "bpfctl/config/instance_file.h"

#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

const Json kSaid{{"file", "/srv/lab.toml"}};
const Json kUnsaid{{"file", nullptr}};

TEST(InstanceFile, is_the_one_that_is_named) {
    EXPECT_EQ(file_or_that_of_instance("my.toml", "lab"), "my.toml");
    EXPECT_EQ(file_or_that_of_instance("my.toml", "lab", kSaid), "my.toml");
    EXPECT_EQ(file_or_that_of_instance("-", "lab", kSaid), "-") << "standard input is named, too";
}

TEST(InstanceFile, is_else_the_one_that_the_daemon_has_read) {
    EXPECT_EQ(file_or_that_of_instance("", "lab", kSaid), "/srv/lab.toml");
}

TEST(InstanceFile, is_else_in_etc_by_the_name_of_the_instance) {
    EXPECT_EQ(file_or_that_of_instance("", "lab"), "/etc/pfild/lab.toml");
    EXPECT_EQ(file_or_that_of_instance("", "default", kUnsaid), "/etc/pfild/default.toml");
    EXPECT_EQ(file_or_that_of_instance("", "default", Json::object()), "/etc/pfild/default.toml");
}

} // namespace
} // namespace pfild::bpfctl
