// SPDX-License-Identifier: BSD-2-Clause
// Whose sockets are whose, in a folder that is made as /proc is.
#include "daemon/guard/processes.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace pfild::guard {
namespace {

namespace fs = std::filesystem;

constexpr int kNoTerminal = 0;
constexpr int terminal(int number) { return 136 << 8 | number; } // as the kernel writes /dev/pts/NUMBER, up to 255

class ProcessesTest : public ::testing::Test {
  protected:
    ProcessesTest() {
        std::string pattern = testing::TempDir() + "/proc-XXXXXX";
        root_ = ::mkdtemp(pattern.data());
    }
    ~ProcessesTest() override { fs::remove_all(root_); }

    void process(int pid, int parent, const std::string& name, int controlled_by,
                 const std::vector<std::string>& open) {
        const fs::path folder = fs::path(root_) / std::to_string(pid);
        fs::create_directories(folder / "fd");
        set_stat(pid, parent, name, controlled_by);
        for (std::size_t i = 0; i < open.size(); ++i) {
            fs::create_symlink(open[i], folder / "fd" / std::to_string(i));
        }
    }
    void set_stat(int pid, int parent, const std::string& name, int controlled_by) {
        std::ofstream(fs::path(root_) / std::to_string(pid) / "stat")
            << pid << " (" << name << ") S " << parent << " 7 7 " << controlled_by << " -1 4194304 0\n";
    }
    [[nodiscard]] Inodes ancestry(std::uint32_t pid, bool lives = true) const {
        return Processes(root_).sockets_of_ancestry(pid, [lives] { return lives; });
    }

    std::string root_;
};

TEST_F(ProcessesTest, who_has_a_socket_open_has_others_beside_it) {
    process(1, 0, "systemd", kNoTerminal, {"socket:[50]", "socket:[1]"});
    process(50, 1, "ssh", kNoTerminal, {"socket:[50]", "socket:[51]"});
    process(60, 1, "proxy", kNoTerminal, {"socket:[60]", "socket:[61]"});
    EXPECT_EQ(Processes(root_).sockets_beside({51, 99}), (Inodes{50, 51}));
    EXPECT_EQ(Processes(root_).sockets_beside({1}), Inodes()) << "the first process relays nothing";
}

TEST_F(ProcessesTest, sockets_of_all_ancestors_are_the_callers) {
    process(1, 0, "systemd", kNoTerminal, {"socket:[1]"});
    process(50, 1, "sshd", kNoTerminal, {"socket:[50]", "/dev/null"});
    process(51, 50, "sshd", kNoTerminal, {"socket:[51]", "socket:[52]"});
    process(60, 51, "bash", terminal(3), {"/dev/pts/3"});
    process(70, 60, "sudo", terminal(3), {"/dev/pts/3", "socket:[70]", "/dev/ptmx"});
    process(80, 70, "bpfctl", terminal(4), {"/dev/pts/4", "pipe:[9]", "socket:[80]"});
    process(99, 50, "sshd", kNoTerminal, {"socket:[99]"});
    EXPECT_EQ(ancestry(80), (Inodes{1, 50, 51, 52, 70, 80})) << "and not those of another session";
}

TEST_F(ProcessesTest, a_multiplexer_is_left_by_the_terminal_that_it_has_open) {
    process(1, 0, "init", kNoTerminal, {});
    process(51, 1, "sshd", kNoTerminal, {"socket:[51]"});
    process(60, 51, "bash", terminal(3), {"/dev/pts/3"});
    process(61, 60, "tmux: client", terminal(3), {"/dev/pts/3", "socket:[61]"});
    process(40, 1, "tmux: server", kNoTerminal, {"/dev/pts/3", "/dev/ptmx", "socket:[40]"});
    process(41, 40, "bash", terminal(5), {"/dev/pts/5"});
    process(42, 41, "bpfctl", terminal(5), {"/dev/pts/5"});
    process(98, 1, "sshd", kNoTerminal, {"socket:[98]"});
    process(97, 98, "bash", terminal(9), {"/dev/pts/9"});
    EXPECT_EQ(ancestry(42), (Inodes{40, 51, 61}));
    fs::remove_all(fs::path(root_) / "40/fd");
    EXPECT_EQ(ancestry(42), Inodes{}) << "a multiplexer that nobody is attached to leads nowhere";
}

TEST_F(ProcessesTest, a_multiplexer_in_another_is_left_twice) {
    process(51, 1, "sshd", kNoTerminal, {"socket:[51]"});
    process(60, 51, "bash", terminal(3), {});
    process(40, 1, "outer", kNoTerminal, {"/dev/pts/3"});
    process(41, 40, "inner client", terminal(5), {});
    process(30, 1, "inner", kNoTerminal, {"/dev/pts/5"});
    process(31, 30, "bpfctl", terminal(6), {});
    EXPECT_EQ(ancestry(31), Inodes{51});
}

TEST_F(ProcessesTest, a_terminal_with_a_high_number_is_read_as_the_kernel_writes_it) {
    process(51, 1, "sshd", kNoTerminal, {"socket:[51]"});
    process(60, 51, "bash", 137 << 8 | 44, {}); // /dev/pts/300
    process(40, 1, "tmux: server", kNoTerminal, {"/dev/pts/300"});
    process(41, 40, "bpfctl", terminal(5), {});
    EXPECT_EQ(ancestry(41), Inodes{51});
}

TEST_F(ProcessesTest, a_process_that_is_no_more_has_no_ancestry_nor_has_who_got_its_number) {
    process(51, 1, "sshd", kNoTerminal, {"socket:[51]"});
    EXPECT_EQ(ancestry(51, false), Inodes{});
    EXPECT_EQ(ancestry(777), Inodes{});
    EXPECT_EQ(ancestry(0), Inodes{});
}

TEST_F(ProcessesTest, a_name_with_parentheses_and_blanks_leads_nowhere_else) {
    process(51, 1, "sshd", kNoTerminal, {"socket:[51]"});
    process(52, 51, "a) S 1 (b", kNoTerminal, {"socket:[52]", "socket:[x]", "socket:[", "/dev/pts/"});
    EXPECT_EQ(ancestry(52), (Inodes{0, 51, 52}));
}

TEST_F(ProcessesTest, a_circle_of_parents_ends) {
    process(10, 11, "a", kNoTerminal, {"socket:[10]"});
    process(11, 10, "b", kNoTerminal, {"socket:[11]"});
    EXPECT_EQ(ancestry(10), (Inodes{10, 11}));
}

TEST_F(ProcessesTest, sshd_is_known_by_its_name_in_old_and_new_versions) {
    process(50, 1, "sshd", kNoTerminal, {"socket:[50]"});
    process(51, 50, "sshd-session", kNoTerminal, {"socket:[51]"});
    process(52, 1, "sshdx", kNoTerminal, {"socket:[52]"});
    EXPECT_EQ(Processes(root_).sockets_of_named("sshd"), (Inodes{50, 51}));
}

} // namespace
} // namespace pfild::guard
