// SPDX-License-Identifier: BSD-2-Clause
// What the kernel holds when the programs are loaded: their names, types and sizes, and those of the tables behind
// them.
#include <map>
#include <set>

#include <bpf/bpf.h>

#include "core/flow/flow_index.h"
#include "pfild/chain.h"
#include "pfild/tap.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

constexpr std::uint32_t kMostInstructions = 2304; ///< of a program as loaded; a head has about 2,085
constexpr std::uint32_t kMostVerified = 65536;    ///< steps of the verifier, of its million; a head has 40,249 on 6.1
constexpr std::size_t kMostMaps = 16;             ///< behind one program
constexpr std::size_t kInstruction = 8;           ///< bytes

class LoadedObjects : public KernelProgramsTest {
  protected:
    struct Program {
        bpf_prog_info info{};
        std::vector<std::uint32_t> map_ids;
    };

    [[nodiscard]] static Program describe(int fd) {
        Program program;
        program.map_ids.resize(kMostMaps);
        program.info.nr_map_ids = kMostMaps;
        program.info.map_ids = reinterpret_cast<std::uintptr_t>(program.map_ids.data());
        std::uint32_t length = sizeof(program.info);
        EXPECT_EQ(bpf_obj_get_info_by_fd(fd, &program.info, &length), 0);
        program.map_ids.resize(program.info.nr_map_ids);
        return program;
    }

    [[nodiscard]] std::vector<Program> all() {
        return {describe(heads().fd(core::Direction::kIn)),
                describe(heads().fd(core::Direction::kOut)),
                describe(programs().reentry_fd(core::Direction::kIn)),
                describe(programs().reentry_fd(core::Direction::kOut)),
                describe(programs().port_up_fd()),
                describe(programs().unmark_fd()),
                describe(programs().set_clock_fd())};
    }
};

bool is_identity(const bpf_map_info& info) { return std::string_view(info.name).starts_with(".rodata"); }

TEST_F(LoadedObjects, every_program_says_whose_it_is_and_that_its_daemon_lives) {
    for (const Program& program : all()) {
        const auto owner = kernel::owner_of(program.info.id);
        ASSERT_TRUE(owner) << program.info.name;
        EXPECT_TRUE(owner->living) << program.info.name;
        const bool head = std::string_view(program.info.name).starts_with("pfild_");
        EXPECT_EQ(owner->identity.attachment, head ? kNumber : 0) << program.info.name;
        EXPECT_EQ(owner->identity.slot, head ? kSlot : 0) << program.info.name;
        EXPECT_EQ(kernel::whose(*owner, programs().identity()), kernel::Whose::kOurs) << program.info.name;
    }
}

TEST_F(LoadedObjects, an_identity_cannot_be_changed) {
    const Program program = describe(heads().fd(core::Direction::kIn));
    std::size_t identities = 0;
    for (const std::uint32_t id : program.map_ids) {
        const sys::Fd fd(bpf_map_get_fd_by_id(id));
        bpf_map_info info{};
        std::uint32_t length = sizeof(info);
        ASSERT_EQ(bpf_obj_get_info_by_fd(fd.get(), &info, &length), 0);
        if (is_identity(info)) {
            identities++;
            const std::uint32_t only = 0;
            const pfild_identity forged{};
            EXPECT_NE(bpf_map_update_elem(fd.get(), &only, &forged, BPF_ANY), 0);
        }
    }
    EXPECT_EQ(identities, 1U);
}

TEST_F(LoadedObjects, programs_have_their_whole_names_their_types_and_a_modest_size) {
    const std::map<std::string, std::uint32_t> types{
        {"pfild_in", BPF_PROG_TYPE_SCHED_CLS},   {"pfild_out", BPF_PROG_TYPE_SCHED_CLS},
        {"reentry_in", BPF_PROG_TYPE_SCHED_CLS}, {"reentry_out", BPF_PROG_TYPE_SCHED_CLS},
        {"port_up", BPF_PROG_TYPE_XDP},          {"set_clock", BPF_PROG_TYPE_SCHED_CLS},
        {"unmark", BPF_PROG_TYPE_SCHED_CLS}};
    std::set<std::string> seen;
    for (const Program& program : all()) {
        const std::string name = program.info.name;
        ASSERT_TRUE(types.contains(name)) << name;
        EXPECT_EQ(program.info.type, types.at(name)) << name;
        EXPECT_LE(name.size(), std::size_t{BPF_OBJ_NAME_LEN - 1}) << name;
        EXPECT_GT(program.info.xlated_prog_len, 0U) << name;
        EXPECT_LE(program.info.xlated_prog_len, kMostInstructions * kInstruction) << name;
        EXPECT_LE(program.info.verified_insns, kMostVerified) << name;
        EXPECT_EQ(program.info.gpl_compatible, 1U) << name;
        seen.insert(name);
    }
    EXPECT_EQ(seen.size(), types.size()) << "each is a program of its own";
}

TEST_F(LoadedObjects, tables_have_the_sizes_of_the_abi_and_are_one_each) {
    struct Table {
        std::uint32_t type, key, value, entries;
        bool operator==(const Table&) const = default;
    };
    const std::map<std::string, Table> tables{
        {"interfaces", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_interface), PFILD_MAX_INTERFACES}},
        {"stack_ports", {BPF_MAP_TYPE_HASH, 4, sizeof(pfild_port), PFILD_MAX_LANES}},
        {"engine_ports", {BPF_MAP_TYPE_HASH, 4, sizeof(pfild_port), PFILD_MAX_LANES}},
        {"secrets", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_secret), PFILD_MAX_LANES}},
        {"engine_beat", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_beat), 1}},
        {"sockets", {BPF_MAP_TYPE_XSKMAP, 4, 4, PFILD_MAX_LANES + 1}},
        {"flow_index", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_flow_bucket), core::flow_buckets(16)}},
        {"flow_entries", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_flow), 16}},
        {"flow_state", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_flow_state), 1}},
        {"tc_chains", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, PFILD_CHAIN_PLACES}},
        {"tap_ring", {BPF_MAP_TYPE_RINGBUF, 0, 0, kTapBytes}},
        {"tap_state", {BPF_MAP_TYPE_ARRAY, 4, sizeof(pfild_tap_state), 1}},
        {"tap_skipped", {BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(std::uint64_t), PFILD_MAX_LANES}},
        {"tc_filters", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, PFILD_MAX_LANES}},
        {"pfild_alive", {BPF_MAP_TYPE_SOCKMAP, 4, 8, 1}},
        {"counters", {BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(pfild_counters), PFILD_MAX_LANES}},
    };
    std::map<std::string, std::set<std::uint32_t>> ids;
    for (const Program& program : all()) {
        for (const std::uint32_t id : program.map_ids) {
            const sys::Fd fd(bpf_map_get_fd_by_id(id));
            ASSERT_TRUE(fd) << program.info.name;
            bpf_map_info info{};
            std::uint32_t length = sizeof(info);
            ASSERT_EQ(bpf_obj_get_info_by_fd(fd.get(), &info, &length), 0) << program.info.name;
            if (is_identity(info)) {
                continue;
            }
            ASSERT_TRUE(tables.contains(info.name)) << info.name << " of " << program.info.name;
            EXPECT_EQ((Table{info.type, info.key_size, info.value_size, info.max_entries}), tables.at(info.name))
                << info.name;
            ids[info.name].insert(id);
        }
    }
    EXPECT_EQ(ids.size(), tables.size());
    for (const auto& [name, one] : ids) {
        EXPECT_EQ(one.size(), 1U) << name << " is shared by all programs that use it";
    }
}

TEST_F(LoadedObjects, heads_use_what_they_decide_by_and_ports_nothing_of_interfaces) {
    constexpr std::size_t kOfAll = 2; // identity and sign of life
    const std::map<std::string, std::size_t> tables{{"pfild_in", 13},  {"pfild_out", 13},  {"port_up", 3},
                                                    {"reentry_in", 3}, {"reentry_out", 3}, {"set_clock", 1},
                                                    {"unmark", 0}};
    for (const Program& program : all()) {
        EXPECT_EQ(program.map_ids.size(), kOfAll + tables.at(program.info.name)) << program.info.name;
    }
}

} // namespace
} // namespace pfild::tests
