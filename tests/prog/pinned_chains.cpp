// SPDX-License-Identifier: BSD-2-Clause
// Chains that outlive their daemon: heads that it has left find them until there are other heads.
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "daemon/kernel/flow_maps.h"
#include "pfild/chain.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using ebpf::Place;

class PinnedChainsTest : public KernelProgramsTest {
  protected:
    static constexpr std::uint32_t kLane = PFILD_LANE_IN(kSlot);

    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        kernel::FlowPins killed = kernel::FlowPins::take(instance_);
        if (killed.folder().empty()) {
            GTEST_SKIP() << "there is no BPF file system";
        }
        folder_ = killed.folder();
        auto before = load();
        killed.take_over_chains(*before);
        killed.release_old_chains();
        const std::array<bpf_insn, 2> drop{
            {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = PFILD_CHAIN_DROP},
             {.code = BPF_JMP | BPF_EXIT}}};
        const sys::Fd chain(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "chain", "GPL", drop.data(), drop.size(), nullptr));
        ASSERT_TRUE(chain);
        ASSERT_TRUE(before->set_chain(Place::kTc, kLane, chain.get()));
        id_ = id_of(before->chains_fd(Place::kTc));
    }
    void TearDown() override {
        if (!folder_.empty()) {
            kernel::FlowPins::take(instance_).remove();
            EXPECT_FALSE(std::filesystem::exists(folder_));
        }
    }
    [[nodiscard]] const std::string& instance() const { return instance_; }
    [[nodiscard]] static std::unique_ptr<kernel::Programs> load() {
        return kernel::Programs::load({.flows = 16, .pin_folder = {}, .tap_bytes = kTapBytes}).value();
    }
    [[nodiscard]] static std::uint32_t id_of(int map_fd) {
        bpf_map_info info{};
        std::uint32_t size = sizeof(info);
        EXPECT_EQ(bpf_obj_get_info_by_fd(map_fd, &info, &size), 0);
        return info.id;
    }
    /// Whether heads of the killed daemon would still find their chain.
    [[nodiscard]] bool still_there() const {
        const sys::Fd map(bpf_map_get_fd_by_id(id_));
        const std::uint32_t lane = kLane;
        std::uint32_t program = 0;
        return map && bpf_map_lookup_elem(map.get(), &lane, &program) == 0;
    }
    /// The kernel lets go of what is not pinned any more a moment later.
    [[nodiscard]] bool goes() const {
        constexpr int kLooks = 500;
        for (int i = 0; i < kLooks && still_there(); i++) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return !still_there();
    }

  private:
    std::string instance_ = "prog-" + std::to_string(::getpid());
    std::string folder_;
    std::uint32_t id_ = 0;
};

TEST_F(PinnedChainsTest, of_a_killed_daemon_stay_when_the_next_one_cannot_start) {
    EXPECT_TRUE(still_there());
    {
        kernel::FlowPins failing = kernel::FlowPins::take(instance());
        const auto after = load();
        failing.take_over_chains(*after);
    }
    EXPECT_TRUE(still_there());
    {
        kernel::FlowPins starting = kernel::FlowPins::take(instance());
        const auto after = load();
        starting.take_over_chains(*after);
        EXPECT_TRUE(still_there()) << "until there are other heads";
        starting.release_old_chains();
        EXPECT_TRUE(goes()) << "the twin";
    }
}

} // namespace
} // namespace pfild::tests
