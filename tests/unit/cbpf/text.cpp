// SPDX-License-Identifier: BSD-2-Clause
// The decimal form there and back, what it refuses and where, and the notation of every opcode.
#include "cbpf/text.h"
#include "cbpf/mnemonic.h"

#include <gtest/gtest.h>

#include "tests/data/contract_vectors.h"

namespace pfild::cbpf {
namespace {

const std::vector<Instruction> kIp{{40, 0, 0, 12}, {21, 0, 1, 2048}, {6, 0, 0, 262144}, {6, 0, 0, 0}};

TEST(DecimalText, reads_what_tcpdump_prints) {
    EXPECT_EQ(parse_decimal("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n"), kIp);
}

TEST(DecimalText, prints_what_tcpdump_prints) {
    EXPECT_EQ(print_decimal(kIp), "4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n");
    EXPECT_EQ(print_decimal({}), "0\n");
}

TEST(DecimalText, blanks_blank_lines_and_comments_count_for_nothing) {
    EXPECT_EQ(parse_decimal("# IPv4\r\n\n \t 4 # instructions\r\n40\t0 0  12\n\n21 0 1 2048# jeq\n6 0 0 262144\n"
                            "  # and now nothing\n6 0 0 0"),
              kIp);
}

TEST(DecimalText, every_vector_of_the_contract_survives_there_and_back) {
    for (const tests::ValidationVector& vector : tests::read_contract_vectors().validation) {
        EXPECT_EQ(parse_decimal(print_decimal(vector.program)), vector.program) << vector.id;
    }
}

struct Refused {
    const char* what;
    std::string_view text;
    const char* message;
};

TEST(DecimalText, says_line_column_and_reason_of_what_it_refuses) {
    const Refused table[] = {
        {"nothing", "", "line 1, column 1: no instructions: the first line must say how many there are"},
        {"nothing but comments", "# a\n# b\n",
         "line 3, column 1: no instructions: the first line must say how many there are"},
        {"fewer than announced", "2\n6 0 0 0\n", "line 3, column 1: only 1 of the announced 2 instructions"},
        {"more than announced", "1\n6 0 0 0\n6 0 0 0\n", "line 3, column 1: more than the announced 1 instructions"},
        {"a count that would fill memory", "4294967295\n",
         "line 2, column 1: only 0 of the announced 4294967295 instructions"},
        {"no count line", "40 0 0 12\n", "line 1, column 4: '0' after the number of instructions"},
        {"code too large", "1\n65536 0 0 0\n",
         "line 2, column 1: instruction 0: code is 65536, the largest is 65535 (CF-02)"},
        {"jt too large", "1\n21 256 0 0\n",
         "line 2, column 4: instruction 0 (jeq, 0x15): jt is 256, the largest is 255 (CF-06)"},
        {"jf too large", "1\n21 0 999 0\n",
         "line 2, column 6: instruction 0 (jeq, 0x15): jf is 999, the largest is 255 (CF-06)"},
        {"k too large", "1\n6 0 0 4294967296\n",
         "line 2, column 7: instruction 0 (ret, 0x06): k is 4294967296, the largest is 4294967295"},
        {"a number of any length", "1\n6 0 0 123456789012345678901234567890\n",
         "line 2, column 7: instruction 0 (ret, 0x06): k is 12345678901234567890..., the largest is 4294967295"},
        {"a line that ends early", "1\n6 0 0\n", "line 2, column 6: instruction 0 (ret, 0x06): the line ends before k"},
        {"an instruction over two lines", "1\n6 0\n0 0\n",
         "line 2, column 4: instruction 0 (ret, 0x06): the line ends before jf"},
        {"a line that goes on", "1\n6 0 0 0 0\n",
         "line 2, column 9: instruction 0 (ret, 0x06): '0' after the four numbers of an instruction"},
        {"a negative number", "1\n6 0 0 -1\n", "line 2, column 7: instruction 0 (ret, 0x06): '-' in place of k"},
        {"hexadecimal", "1\n6 0 0 0x10\n", "line 2, column 8: instruction 0 (ret, 0x06): 'x' in k"},
        {"the C form of tcpdump -dd", "{ 0x6, 0, 0, 0x0 },\n",
         "line 1, column 1: '{' in place of the number of instructions"},
        {"a control character", "1\n6 0 0 \x1b[2J\n",
         "line 2, column 7: instruction 0 (ret, 0x06): byte 27 in place of k"},
        {"a byte of a UTF-8 character", "1\n6 0 0 0\xc3\xa4\n",
         "line 2, column 8: instruction 0 (ret, 0x06): byte 195 in k"},
    };
    for (const Refused& row : table) {
        const auto parsed = parse_decimal(row.text);
        ASSERT_FALSE(parsed) << row.what;
        EXPECT_EQ(parsed.error().message(), row.message) << row.what;
    }
}

TEST(DecimalText, a_nul_byte_is_refused_like_any_other) {
    using namespace std::string_view_literals;
    EXPECT_EQ(parse_decimal("1\n6 0 0 0\0\n"sv).error().message(),
              "line 2, column 8: instruction 0 (ret, 0x06): byte 0 in k");
}

TEST(DecimalText, the_largest_numbers_are_accepted) {
    EXPECT_EQ(parse_decimal("1\n65535 255 255 4294967295\n"),
              (std::vector<Instruction>{{0xffff, 255, 255, 0xffffffff}}));
}

TEST(Mnemonic, writes_every_opcode_as_bpf_asm_does) {
    const std::string_view wanted[kOpcodeCount] = {
        "ld [14]",
        "ldh [14]",
        "ldb [14]",
        "ld [x+14]",
        "ldh [x+14]",
        "ldb [x+14]",
        "ld #0xe",
        "ld M[14]",
        "ld len",
        "ldx #0xe",
        "ldx M[14]",
        "ldx len",
        "ldx 4*([14]&0xf)",
        "st M[14]",
        "stx M[14]",
        "add #0xe",
        "add x",
        "sub #0xe",
        "sub x",
        "mul #0xe",
        "mul x",
        "div #0xe",
        "div x",
        "or #0xe",
        "or x",
        "and #0xe",
        "and x",
        "lsh #0xe",
        "lsh x",
        "rsh #0xe",
        "rsh x",
        "neg",
        "mod #0xe",
        "mod x",
        "xor #0xe",
        "xor x",
        "ja +14",
        "jeq #0xe,1,2",
        "jeq x,1,2",
        "jgt #0xe,1,2",
        "jgt x,1,2",
        "jge #0xe,1,2",
        "jge x,1,2",
        "jset #0xe,1,2",
        "jset x,1,2",
        "ret #0xe",
        "ret a",
        "tax",
        "txa",
    };
    for (std::size_t row = 0; row < kOpcodeCount; ++row) {
        EXPECT_EQ(mnemonic({kOpcodes[row].code, 1, 2, 14}), wanted[row]);
    }
}

TEST(Mnemonic, writes_small_constants_in_decimal_and_others_in_hexadecimal) {
    EXPECT_EQ(mnemonic({0x06, 0, 0, 9}), "ret #9");
    EXPECT_EQ(mnemonic({0x06, 0, 0, 10}), "ret #0xa");
    EXPECT_EQ(mnemonic({0x06, 0, 0, 0xffffffff}), "ret #0xffffffff");
}

TEST(Mnemonic, writes_the_fields_of_what_is_no_opcode) { EXPECT_EQ(mnemonic({0x27, 1, 255, 7}), "{0x0027,1,255,7}"); }

} // namespace
} // namespace pfild::cbpf
