// SPDX-License-Identifier: BSD-2-Clause
// Reads bsd-contract-vectors.json: the 168 vectors of the contract's section 3.6, for every test that runs them.
//
// PFILD_TEST_DATA is the folder of the file. Throws nlohmann's exceptions on a malformed file, which fails the test.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cbpf/instruction.h"

namespace pfild::tests {

/// A program and whether it is to be accepted.
struct ValidationVector {
    std::string id;
    std::string what;
    std::vector<cbpf::Instruction> program;
    bool accepted = false;
    bool accepted_by_linux = false;
};

/// A program, a packet and the result that they must have.
struct RunVector {
    std::string id;
    std::string what;
    std::vector<cbpf::Instruction> program;
    std::vector<std::uint8_t> packet;
    std::uint32_t wire_length = 0;
    std::uint32_t result = 0;
    std::optional<std::uint32_t> linux_length; ///< bytes Linux delivered; nothing where it cannot run the vector
    bool linux_a_differs = false;              ///< the accumulator was seen to differ, whatever was delivered
};

struct ContractVectors {
    std::vector<ValidationVector> validation;
    std::vector<RunVector> run;
};

inline std::vector<std::uint8_t> bytes_of_hex(const std::string& hex) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
    }
    return bytes;
}

inline std::vector<cbpf::Instruction> program_of_json(const nlohmann::json& rows) {
    std::vector<cbpf::Instruction> program;
    for (const nlohmann::json& row : rows) {
        program.push_back({row.at(0).get<std::uint16_t>(), row.at(1).get<std::uint8_t>(), row.at(2).get<std::uint8_t>(),
                           row.at(3).get<std::uint32_t>()});
    }
    return program;
}

inline RunVector run_vector_of_json(const nlohmann::json& row) {
    const nlohmann::json& results = row.at("results");
    RunVector vector{row.at("id"), row.at("desc"), program_of_json(row.at("program")), bytes_of_hex(row.at("packet"))};
    vector.wire_length = row.at("wirelen");
    vector.result = row.at("contract_return");
    if (results.at("linux_6_18_delivered_len").is_number()) {
        vector.linux_length = results.at("linux_6_18_delivered_len").get<std::uint32_t>();
    }
    vector.linux_a_differs = results.at("linux_A_equals_seed") == false;
    return vector;
}

inline ContractVectors read_contract_vectors() {
    std::ifstream file(PFILD_TEST_DATA "/bsd-contract-vectors.json");
    const nlohmann::json document = nlohmann::json::parse(file);
    ContractVectors vectors;
    for (const nlohmann::json& row : document.at("vectors")) {
        if (row.at("kind") == "validate") {
            vectors.validation.push_back({row.at("id"), row.at("desc"), program_of_json(row.at("program")),
                                          row.at("contract") == "accept", row.at("results").at("linux_6_18")});
        } else {
            vectors.run.push_back(run_vector_of_json(row));
        }
    }
    return vectors;
}

} // namespace pfild::tests
