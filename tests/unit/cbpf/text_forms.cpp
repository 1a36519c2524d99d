// SPDX-License-Identifier: BSD-2-Clause
// The three forms of tcpdump there and back, listings that people write, and what the assembler says of what is wrong:
// the line, the instruction, its opcode and the rule.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/mnemonic.h"
#include "cbpf/text.h"
#include "tests/data/contract_vectors.h"

namespace pfild::cbpf {
namespace {

using Instructions = std::vector<Instruction>;

const Instructions kTelnet{{0x28, 0, 0, 12}, {0x15, 0, 3, 0x800}, {0xb1, 0, 0, 14},    {0x48, 0, 0, 16},
                           {0x15, 1, 0, 23}, {0x06, 0, 0, 0},     {0x06, 0, 0, 262144}};

TEST(TextForms, are_those_of_tcpdump) {
    EXPECT_EQ(print(kTelnet, TextForm::kListing), "(000) ldh      [12]\n"
                                                  "(001) jeq      #0x800           jt 2\tjf 5\n"
                                                  "(002) ldxb     4*([14]&0xf)\n"
                                                  "(003) ldh      [x + 16]\n"
                                                  "(004) jeq      #0x17            jt 6\tjf 5\n"
                                                  "(005) ret      #0\n"
                                                  "(006) ret      #262144\n");
    EXPECT_EQ(print(kTelnet, TextForm::kC), "{ 0x28, 0, 0, 0x0000000c },\n"
                                            "{ 0x15, 0, 3, 0x00000800 },\n"
                                            "{ 0xb1, 0, 0, 0x0000000e },\n"
                                            "{ 0x48, 0, 0, 0x00000010 },\n"
                                            "{ 0x15, 1, 0, 0x00000017 },\n"
                                            "{ 0x6, 0, 0, 0x00000000 },\n"
                                            "{ 0x6, 0, 0, 0x00040000 },\n");
    EXPECT_EQ(print(kTelnet, TextForm::kDecimal),
              "7\n40 0 0 12\n21 0 3 2048\n177 0 0 14\n72 0 0 16\n21 1 0 23\n6 0 0 0\n6 0 0 262144\n");
}

TEST(TextForms, list_every_kind_of_instruction) {
    struct Row {
        const char* what;
        Instruction instruction;
        const char* line;
    };
    const Row rows[] = {
        {"no opcode", {0x27, 1, 255, 7}, "(003) { 0x27, 1, 255, 0x00000007 }"},
        {"a jump where there is none", {0x28, 1, 0, 12}, "(003) ldh      [12]"},
        {"a constant that is not used, as libpcap leaves them", {0x07, 0, 0, 1}, "(003) tax      "},
        {"the length into X", {0x81, 0, 0, 0}, "(003) ldx      #pktlen"},
        {"the result in A", {0x16, 0, 0, 0}, "(003) ret      "},
        {"an offset of the Linux kernel", {0x30, 0, 0, 0xfffff008}, "(003) ldb      [ifidx]"},
        {"one that is none", {0x30, 0, 0, 0xfffff009}, "(003) ldb      [-4087]"},
        {"a jump ahead", {0x05, 0, 0, 5}, "(003) ja       9"},
        {"a jump back", {0x05, 0, 0, 0xfffffffe}, "(003) ja       2"},
        {"the largest constant", {0x06, 0, 0, 0xffffffff}, "(003) ret      #-1"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(listing_line(row.instruction, 3), row.line) << row.what;
    }
}

/// The program with 0 in the fields that its opcodes do not use.
Instructions without_unused(Instructions program) {
    for (Instruction& in : program) {
        const auto opcode = opcode_of(in.code);
        if (!opcode) {
            continue;
        }
        const Operand operand = info(*opcode).operand;
        const bool branches = operand == Operand::kBranch || operand == Operand::kBranchX;
        in.jt = branches ? in.jt : 0;
        in.jf = branches ? in.jf : 0;
        for (const Operand without_k :
             {Operand::kNone, Operand::kLength, Operand::kX, Operand::kA, Operand::kBranchX}) {
            in.k = operand == without_k ? 0 : in.k;
        }
    }
    return program;
}

void expect_round_trip(const Instructions& program, const std::string& name) {
    for (const TextForm form : {TextForm::kListing, TextForm::kC, TextForm::kDecimal}) {
        const std::string text = print(program, form);
        const auto parsed = parse(text);
        ASSERT_TRUE(parsed) << name << ": " << parsed.error().message() << '\n' << text;
        const bool keeps_all = form != TextForm::kListing;
        EXPECT_EQ(parsed->instructions, keeps_all ? program : without_unused(program)) << name;
        EXPECT_EQ(print(parsed->instructions, form), text) << name;
    }
}

TEST(TextForms, give_every_vector_of_the_contract_back) {
    for (const tests::ValidationVector& vector : tests::read_contract_vectors().validation) {
        if (!vector.program.empty()) {
            expect_round_trip(vector.program, vector.id);
        }
    }
}

TEST(TextForms, give_any_instructions_back) {
    std::mt19937 random(5); // NOLINT: the same numbers every time
    constexpr std::uint32_t kEdges[] = {0, 1, 15, 16, 0x7fffffff, 0x80000000, 0xfffff004, 0xffffffff};
    for (int i = 0; i < 3'000; ++i) {
        Instructions program(1 + random() % 20);
        for (Instruction& in : program) {
            const bool known = random() % 8 != 0;
            const bool tidy = random() % 2 == 0;
            in.code = known ? kOpcodes[random() % kOpcodeCount].code : static_cast<std::uint16_t>(random());
            in.jt = static_cast<std::uint8_t>(tidy && in.code % 8 != 5 ? 0 : random());
            in.jf = static_cast<std::uint8_t>(tidy && in.code % 8 != 5 ? 0 : random());
            in.k = random() % 2 == 0 ? kEdges[random() % std::size(kEdges)] : static_cast<std::uint32_t>(random());
        }
        expect_round_trip(program, std::to_string(i));
    }
}

TEST(TextForms, remember_the_line_of_every_instruction) {
    const auto parsed = parse("; telnet\n\n(000) ldh [12]\n   ; its ethertype\n(001) ret #1\n");
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(parsed->lines, (std::vector<std::size_t>{3, 5}));
}

TEST(Listing, may_be_written_by_hand) {
    struct Row {
        const char* what;
        std::string_view text;
        Instructions program;
    };
    const Row rows[] = {
        {"without numbers and columns", "ldh [12]\nret #1", {{0x28, 0, 0, 12}, {0x06, 0, 0, 1}}},
        {"with a comment on every line", "ldh [12] ; type\nret a;\n;\n", {{0x28, 0, 0, 12}, {0x16, 0, 0, 0}}},
        {"jumps by what they skip", "jeq #0x800,0,3\nja +2\n", {{0x15, 0, 3, 0x800}, {0x05, 0, 0, 2}}},
        {"jumps by where they lead", "jgt x jt 1 jf 2\nja 4\n", {{0x2d, 0, 1, 0}, {0x05, 0, 0, 2}}},
        {"blanks inside an operand", "ld [ x+ 4 ]\nldx 4*( [ 14 ] &0xf)\n", {{0x40, 0, 0, 4}, {0xb1, 0, 0, 14}}},
        {"both names of the header's length", "ldxb 4*([0]&0xf)\nldx 4*([0]&0xf)", {{0xb1}, {0xb1}}},
        {"constants as one likes", "ld #10\nld #0xA\nld #-1\n", {{0, 0, 0, 10}, {0, 0, 0, 10}, {0, 0, 0, 0xffffffff}}},
        {"the length in two words", "ld len\nld #pktlen\nldx len\n", {{0x80}, {0x80}, {0x81}}},
        {"fields in C", "ret #0\n{0x27, 1, 2, 3}\n", {{0x06, 0, 0, 0}, {0x27, 1, 2, 3}}},
        {"no newline at the end, and Windows' ones", "st M[3]\r\nneg\r\ntxa", {{0x02, 0, 0, 3}, {0x84}, {0x87}}},
    };
    for (const Row& row : rows) {
        const auto parsed = parse(row.text);
        ASSERT_TRUE(parsed) << row.what << ": " << parsed.error().message();
        EXPECT_EQ(parsed->instructions, row.program) << row.what;
    }
}

TEST(Listing, reads_every_opcode_in_both_notations) {
    for (const OpcodeInfo& row : kOpcodes) {
        const bool branches = row.operand == Operand::kBranch || row.operand == Operand::kBranchX;
        const bool has_k = row.operand != Operand::kNone && row.operand != Operand::kX && row.operand != Operand::kA &&
                           row.operand != Operand::kLength && row.operand != Operand::kBranchX;
        const auto skips = static_cast<std::uint8_t>(branches ? 1 : 0);
        const Instruction in{row.code, skips, 0, has_k ? 14U : 0U};
        for (const std::string& text : {mnemonic(in), listing_line(in, 0)}) {
            const auto parsed = parse(text);
            ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
            EXPECT_EQ(parsed->instructions, Instructions{in}) << text;
        }
    }
}

struct RefusedForm {
    const char* what;
    std::string_view text;
    const char* message;
};

TEST(Assembler, names_line_instruction_opcode_and_rule_of_what_is_wrong) {
    using namespace std::string_view_literals;
    const RefusedForm table[] = {
        {"nothing", "", "line 1, column 1: there is no instruction in it"},
        {"nothing but comments", "; a\n",
         "line 1, column 1: program of 0 instructions: a program has 1 to 512 "
         "instructions (CF-01)"},
        {"no such opcode", "ld [0]\nfoo #1\n", "line 2, column 4: instruction 1: no such opcode: 'foo' (CF-02)"},
        {"an operand that it has not", "ld 4*([14]&0xf)\n",
         "line 1, column 16: instruction 0 (ld): there is no ld with such an operand (CF-02)"},
        {"a code that is none", "ld [0]\n{ 0x27, 0, 0, 0 }\n",
         "line 2, column 1: instruction 1 (0x27): no such opcode (CF-02)"},
        {"a code in C that is too large", "{ 0x10000, 0, 0, 0 },",
         "line 1, column 3: instruction 0: code is 0x10000, the largest is 65535 (CF-02)"},
        {"the end is missing", "\nldh [12]\n",
         "line 2, column 1: instruction 0 (ldh [12], 0x28): the program runs past its last instruction (CF-05)"},
        {"a jump to outside", "jeq #1 jt 1 jf 7\nret #0",
         "line 1, column 1: instruction 0 (jeq #1,0,6, 0x15): jump to outside the program (CF-06)"},
        {"a jump back", "ret #0\njeq #1 jt 1 jf 2\n",
         "line 2, column 12: instruction 1 (jeq): jt leads back to 1 (CF-06)"},
        {"a jump back, unconditional", "ld #0\nja 0\nret #0\n",
         "line 2, column 1: instruction 1 (ja +4294967294, 0x05): jump to outside the program (CF-06)"},
        {"a jump too far", "jeq #1 jt 1 jf 300\n",
         "line 1, column 19: instruction 0 (jeq): jf skips 299 instructions, the most is 255 (CF-06)"},
        {"too much skipped", "jeq #1,0,256\n",
         "line 1, column 10: instruction 0 (jeq): jf is 256, the largest is 255 (CF-06)"},
        {"less than nothing skipped", "jeq #1,-1,0\n",
         "line 1, column 10: instruction 0 (jeq): jt is negative (CF-06)"},
        {"memory that is not there", "ld #1\nst M[16]\nret a",
         "line 2, column 1: instruction 1 (st M[16], 0x02): memory has the words M[0] to M[15] (CF-08)"},
        {"memory that was not written", "ld M[0]\nret a",
         "line 1, column 1: instruction 0 (ld M[0], 0x60): reads a word of memory that may not have been written "
         "(CF-09)"},
        {"a division by 0", "; a\nld [0]\ndiv #0\nret a",
         "line 3, column 1: instruction 1 (div #0, 0x34): division by the constant 0 (CF-11)"},
        {"a shift by too much", "2\n100 0 0 32\n22 0 0 0\n",
         "line 2, column 1: instruction 0 (lsh #0x20, 0x64): shift by a constant of 32 or more (CF-12)"},
        {"a wrong number", "(000) ld [0]\n(002) ret a\n",
         "line 2, column 5: instruction 1: it says that it is number 2"},
        {"no target", "jeq #1\nret #0\n", "line 1, column 7: instruction 0 (jeq): the line ends before 'jt'"},
        {"an offset with a name that nobody knows", "ld [foo]\n",
         "line 1, column 8: instruction 0 (ld): no such offset: 'foo'"},
        {"more behind the instruction", "ret #0 x\n",
         "line 1, column 8: instruction 0 (ret): 'x' after the instruction"},
        {"a number too large", "ld #4294967296\n",
         "line 1, column 5: instruction 0 (ld): the constant is 4294967296, the largest is 4294967295"},
        {"a number too small", "ld #-2147483649\n",
         "line 1, column 5: instruction 0 (ld): the constant is -2147483649, the largest is 4294967295"},
        {"a control character", "\x1b[2J\n", "line 1, column 1: instruction 0: byte 27 in place of an opcode"},
        {"a byte of 0 in an operand", "ld [1\0]\n"sv, "line 1, column 6: instruction 0 (ld): byte 0 in place of ']'"},
    };
    for (const RefusedForm& row : table) {
        const auto program = assemble(row.text);
        ASSERT_FALSE(program) << row.what;
        EXPECT_EQ(program.error().message(), row.message) << row.what;
    }
}

TEST(Assembler, takes_what_verifies_in_any_form) {
    for (const TextForm form : {TextForm::kListing, TextForm::kC, TextForm::kDecimal}) {
        const auto program = assemble(print(kTelnet, form));
        ASSERT_TRUE(program) << program.error().message();
        EXPECT_TRUE(
            std::equal(program->instructions().begin(), program->instructions().end(), kTelnet.begin(), kTelnet.end()));
    }
}

TEST(Assembler, says_where_a_program_becomes_too_long) {
    std::string text;
    for (int i = 0; i < 513; ++i) {
        text += "ret #0\n";
    }
    EXPECT_EQ(assemble(text).error().message(),
              "line 513, column 1: program of 513 instructions: a program has 1 to 512 instructions (CF-01)");
    EXPECT_TRUE(assemble(text.substr(7)));
}

} // namespace
} // namespace pfild::cbpf
