// SPDX-License-Identifier: BSD-2-Clause
// What goes into capture files beside packets: blocks of pcapng, cooked headers, names of interfaces; and what is in a
// file whose disk is full.
#include "bpfctl/capture/pcapng.h"

#include <array>
#include <cstring>
#include <map>
#include <string>

#include <gmock/gmock.h>

#include "bpfctl/capture/cooked.h"
#include "bpfctl/capture/interfaces.h"
#include "bpfctl/capture/output.h"

namespace pfild::bpfctl {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::ElementsAre;

template <typename T>
T value_at(const Bytes& bytes, std::size_t at) {
    T value{};
    EXPECT_LE(at + sizeof value, bytes.size());
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

/// The only block, and its options from this offset on.
std::map<int, Bytes> options_of(const Bytes& block, std::uint32_t type, std::size_t at) {
    EXPECT_EQ(value_at<std::uint32_t>(block, 0), type);
    EXPECT_EQ(value_at<std::uint32_t>(block, 4), block.size());
    EXPECT_EQ(value_at<std::uint32_t>(block, block.size() - 4), block.size());
    EXPECT_EQ(block.size() % 4, 0U);
    std::map<int, Bytes> options;
    for (;;) {
        const auto code = value_at<std::uint16_t>(block, at);
        const auto length = value_at<std::uint16_t>(block, at + 2);
        if (code == 0) {
            EXPECT_EQ(length, 0);
            EXPECT_EQ(at + 8, block.size());
            return options;
        }
        options[code] = Bytes(block.begin() + static_cast<std::ptrdiff_t>(at) + 4,
                              block.begin() + static_cast<std::ptrdiff_t>(at) + 4 + length);
        at += 4 + (length + 3U) / 4 * 4;
    }
}

Bytes text(const std::string& of) { return {of.begin(), of.end()}; }

TEST(Pcapng, begins_with_a_section_that_says_its_byte_order) {
    pcapng::Block block;
    pcapng::append_section(block, "bpfctl 1");
    EXPECT_EQ(options_of(block, 0x0a0d0d0a, 24)[4], text("bpfctl 1"));
    EXPECT_EQ(value_at<std::uint32_t>(block, 8), 0x1a2b3c4dU);
}

TEST(Pcapng, has_the_name_link_type_and_filter_of_an_interface) {
    struct Row {
        filter::LinkType link_type;
        std::uint16_t number;
        std::string expression;
    };
    for (const Row& row : {Row{filter::kEthernet, 1, "udp"}, Row{filter::kRaw, 101, ""}}) {
        pcapng::Block block;
        pcapng::append_interface(block, {"eth0", row.link_type, 96, row.expression});
        const auto options = options_of(block, 1, 16);
        EXPECT_EQ(value_at<std::uint16_t>(block, 8), row.number);
        EXPECT_EQ(value_at<std::uint32_t>(block, 12), 96U);
        EXPECT_EQ(options.at(2), text("eth0"));
        EXPECT_EQ(options.at(9), Bytes{9}) << "nanoseconds";
        EXPECT_EQ(options.contains(11), !row.expression.empty());
        EXPECT_TRUE(row.expression.empty() || options.at(11) == text(std::string(1, '\0') + row.expression));
    }
}

TEST(Pcapng, has_time_lengths_direction_and_what_is_said_of_a_packet) {
    for (const auto direction : {PFILD_RECORD_NO_DIRECTION, PFILD_RECORD_IN, PFILD_RECORD_OUT}) {
        const Bytes bytes{1, 2, 3, 4, 5};
        pcapng::Block block;
        pcapng::append_packet(block, {.record = {.seconds = 1'700'000'000,
                                                 .nanoseconds = 123'456'789,
                                                 .length = 1500,
                                                 .bytes = bytes,
                                                 .direction = direction},
                                      .interface = 3,
                                      .comment = direction == PFILD_RECORD_IN ? "dropped" : ""});
        const auto options = options_of(block, 6, 36);
        EXPECT_EQ(value_at<std::uint32_t>(block, 8), 3U);
        const std::uint64_t time = std::uint64_t{value_at<std::uint32_t>(block, 12)} << 32U;
        EXPECT_EQ(time | value_at<std::uint32_t>(block, 16), 1'700'000'000'123'456'789U);
        EXPECT_EQ(value_at<std::uint32_t>(block, 20), 5U);
        EXPECT_EQ(value_at<std::uint32_t>(block, 24), 1500U);
        EXPECT_EQ(Bytes(block.begin() + 28, block.begin() + 36), (Bytes{1, 2, 3, 4, 5, 0, 0, 0}));
        EXPECT_EQ(options.at(2), (Bytes{static_cast<std::uint8_t>(direction), 0, 0, 0})) << "1 in, 2 out";
        EXPECT_EQ(options.contains(1), direction == PFILD_RECORD_IN);
    }
}

TEST(Pcapng, has_of_the_statistics_those_that_are_known) {
    pcapng::Block block;
    pcapng::append_statistics(block, {.interface = 1, .nanoseconds = 5, .received = 7, .dropped = 2});
    const auto options = options_of(block, 5, 20);
    EXPECT_EQ(options.size(), 2U);
    EXPECT_EQ(options.at(4), (Bytes{7, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(options.at(5), (Bytes{2, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Pcapng, cuts_a_text_that_is_longer_than_an_option) {
    pcapng::Block block;
    pcapng::append_section(block, std::string(70'000, 'x'));
    EXPECT_EQ(options_of(block, 0x0a0d0d0a, 24)[4].size(), 65'535U);
}

TEST(Cooked, tells_interface_direction_and_source_of_a_frame) {
    struct Row {
        const char* sentence;
        Bytes destination;
        Bytes type;
        pfild_record_direction direction;
        Bytes protocol;
        std::uint8_t kind;
    };
    const Row rows[] = {
        {"to this host", {2, 0, 0, 0, 0, 2}, {8, 0}, PFILD_RECORD_IN, {8, 0}, 0},
        {"to all", {255, 255, 255, 255, 255, 255}, {8, 6}, PFILD_RECORD_IN, {8, 6}, 1},
        {"to many", {0x33, 0x33, 0, 0, 0, 1}, {0x86, 0xdd}, PFILD_RECORD_IN, {0x86, 0xdd}, 2},
        {"from this host, to all", {255, 255, 255, 255, 255, 255}, {8, 0}, PFILD_RECORD_OUT, {8, 0}, 4},
        {"a length in place of a type", {1, 0x80, 0xc2, 0, 0, 0}, {0, 38}, PFILD_RECORD_IN, {0, 4}, 2},
    };
    for (const Row& row : rows) {
        Bytes frame = row.destination;
        frame.insert(frame.end(), {2, 0, 0, 0, 0, 1, row.type[0], row.type[1], 7, 8, 9});
        Bytes bytes;
        const auto made =
            cooked({.seconds = 4, .length = 100, .bytes = frame, .direction = row.direction, .ifindex = 0x10203},
                   filter::kEthernet, bytes);
        EXPECT_EQ(Bytes(made.bytes.begin(), made.bytes.end()), (Bytes{row.protocol[0],
                                                                      row.protocol[1],
                                                                      0,
                                                                      0,
                                                                      0,
                                                                      1,
                                                                      2,
                                                                      3,
                                                                      0,
                                                                      1,
                                                                      row.kind,
                                                                      6,
                                                                      2,
                                                                      0,
                                                                      0,
                                                                      0,
                                                                      0,
                                                                      1,
                                                                      0,
                                                                      0,
                                                                      7,
                                                                      8,
                                                                      9}))
            << row.sentence;
        EXPECT_EQ(made.length, 106U) << row.sentence;
        EXPECT_EQ(made.seconds, 4);
    }
}

TEST(Cooked, takes_packets_of_ip_and_what_is_cut_off) {
    Bytes bytes;
    const Bytes ipv6{0x60, 1, 2};
    EXPECT_EQ(cooked({.length = 3, .bytes = ipv6}, filter::kRaw, bytes).length, 23U);
    EXPECT_EQ(Bytes(bytes.begin(), bytes.begin() + 2), (Bytes{0x86, 0xdd}));
    const Bytes runt(13, 1);
    const auto cut = cooked({.length = 1000, .bytes = runt}, filter::kEthernet, bytes);
    EXPECT_EQ(cut.bytes.size(), 33U);
    EXPECT_EQ(cut.length, 1020U);
    EXPECT_EQ(cooked({}, filter::kRaw, bytes).length, 20U);
}

TEST(Interfaces, are_called_as_they_were_given_and_those_of_any_as_the_daemon_says) {
    int asked = 0;
    Interfaces::Known attached{{4, "eth0"}};
    Interfaces names({"any"}, [&] {
        ++asked;
        return attached;
    });
    EXPECT_TRUE(names.several());
    EXPECT_EQ(names.name_of(0, 4), "eth0");
    EXPECT_EQ(names.name_of(0, 5), "if5") << "nobody knows";
    EXPECT_EQ(names.name_of(0, 5), "if5");
    EXPECT_EQ(asked, 2);
    attached = {{0x7fffffff, "eth0"}};
    EXPECT_FALSE(names.are_those_here()) << "a number that no interface here has";
    Interfaces two({"eth0", "tun0"}, [] { return Interfaces::Known(); });
    EXPECT_EQ(two.text(), "eth0, tun0");
    EXPECT_EQ(two.name_of(1, 4), "tun0");
    EXPECT_FALSE(two.are_those_here()) << "nobody says";
}

TEST(Output, knows_what_is_whole_in_it_when_the_disk_is_full) {
    auto output = Output::create("/dev/full");
    ASSERT_TRUE(output);
    output->buffer().assign(100, 1);
    EXPECT_TRUE(output->commit(true));
    EXPECT_EQ(output->kept(), 1U);
    EXPECT_EQ(output->size(), 100U);
    const auto flushed = output->flush();
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().line(), "write /dev/full: No space left on device (what was written before can be read)");
    EXPECT_EQ(output->kept(), 0U);
    EXPECT_FALSE(output->flush());
}

} // namespace
} // namespace pfild::bpfctl
