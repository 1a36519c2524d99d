// SPDX-License-Identifier: BSD-2-Clause
// "Per flow" put to the test: programs of people and of chance run over packets that differ in everything but their
// flow. One result that is not the flow's result refutes the analysis. Only the interpreter runs them: that all back
// ends agree is tested elsewhere.
#include <gtest/gtest.h>

#include <algorithm>

#include "cbpf/interpret.h"
#include "cbpf/mnemonic.h"
#include "tests/unit/cbpf/flow_dependence_filters.h"
#include "tests/unit/cbpf/flow_dependence_packets.h"
#include "tests/unit/cbpf/flow_dependence_programs.h"

namespace pfild::cbpf {
namespace {

using tests::CanonicalPackets;

/// Packets of one form, several of each of several flows.
struct Traffic {
    std::vector<std::vector<std::vector<std::uint8_t>>> flows; ///< by flow and packet, from where the form begins

    Traffic(PacketForm form, std::uint32_t seed, std::size_t flow_count) {
        constexpr std::size_t kPacketsPerFlow = 6;
        CanonicalPackets packets(seed);
        while (flows.size() < flow_count) {
            const tests::RandomFlow flow = packets.flow(form);
            const std::vector<std::uint8_t> first = packets.frame(flow);
            flows.emplace_back();
            while (flows.back().size() < kPacketsPerFlow) {
                const std::vector<std::uint8_t> frame = packets.frame(flow);
                const auto key = tests::key_of(frame);
                if (!key || key != tests::key_of(first)) {
                    ADD_FAILURE() << "packets of one flow are expected to read as one key";
                    return;
                }
                flows.back().emplace_back(frame.begin() + (form == PacketForm::kEthernet ? 0 : 14), frame.end());
            }
        }
    }
};

struct Results {
    bool differ_in_flow = false;
    bool differ_between_flows = false;
};

Results results(const Program& program, const Traffic& traffic) {
    Results found;
    std::optional<std::uint32_t> first;
    for (const auto& flow : traffic.flows) {
        std::optional<std::uint32_t> first_of_flow;
        for (const std::vector<std::uint8_t>& packet : flow) {
            const std::uint32_t result = interpret(program, Packet(packet));
            found.differ_in_flow |= first_of_flow.value_or(result) != result;
            found.differ_between_flows |= first.value_or(result) != result;
            first_of_flow = first_of_flow.value_or(result);
            first = first.value_or(result);
        }
    }
    return found;
}

constexpr PacketForm kForms[] = {PacketForm::kInet, PacketForm::kInet6, PacketForm::kEthernet};
constexpr const char* kFormNames[] = {"inet", "inet6", "ethernet"};

std::string listing(const Program& program) {
    std::string text;
    for (const Instruction& instruction : program.instructions()) {
        text += mnemonic(instruction) + "; ";
    }
    return text;
}

TEST(FlowDependence, filters_of_people_that_are_per_flow_answer_packets_of_a_flow_alike) {
    for (const PacketForm form : kForms) {
        const Traffic traffic(form, 7, 150);
        const bool ethernet = form == PacketForm::kEthernet;
        for (const tests::CompiledFilter& row : ethernet ? tests::filters_of_ethernet() : tests::filters_of_ip()) {
            const Program program = tests::program_of(row);
            if (!why_per_packet(program, form)) {
                EXPECT_FALSE(results(program, traffic).differ_in_flow) << row.expression << ' ' << row.options;
            }
        }
    }
}

TEST(FlowDependence, random_programs_that_are_per_flow_answer_packets_of_a_flow_alike) {
    constexpr int kRounds = 2000;
    for (const PacketForm form : kForms) {
        const char* name = kFormNames[static_cast<std::size_t>(form)];
        const Traffic traffic(form, 1, 50);
        tests::FlowProgram random(2, form);
        int per_flow = 0;
        int of_the_key = 0;
        int refuted = 0;
        for (int round = 0; round < kRounds; ++round) {
            const std::vector<Instruction> code = random.program();
            const auto program = Program::verify(code);
            ASSERT_TRUE(program) << name << " round " << round << ": " << program.error().message();
            const std::optional<PerPacket> why = why_per_packet(*program, form);
            const Results found = results(*program, traffic);
            ASSERT_TRUE(why || !found.differ_in_flow) << name << " round " << round << ": " << listing(*program);
            per_flow += why ? 0 : 1;
            of_the_key += !why && found.differ_between_flows ? 1 : 0;
            refuted += found.differ_in_flow ? 1 : 0;
        }
        RecordProperty(std::string(name) + "_per_flow", per_flow);
        RecordProperty(std::string(name) + "_of_the_key", of_the_key);
        RecordProperty(std::string(name) + "_refuted", refuted);
        EXPECT_GT(per_flow, kRounds / 5) << name << ": too few programs are said to be per flow";
        EXPECT_GT(of_the_key, kRounds / 12) << name << ": too few of them depend on the key";
        EXPECT_GT(refuted, (kRounds - per_flow) / 3) << name << ": the packets do not tell enough of the others apart";
    }
}

} // namespace
} // namespace pfild::cbpf
