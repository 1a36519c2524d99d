// SPDX-License-Identifier: BSD-2-Clause
// services(5) and protocols(5), from texts written here.
#include "filter/name_files.h"

#include <gtest/gtest.h>

namespace pfild::filter {
namespace {

constexpr std::string_view kServices = "# a comment\n"
                                       "ssh\t\t22/tcp\t\t\t# SSH\n"
                                       "domain\t\t53/tcp\n"
                                       "domain\t\t53/udp\n"
                                       "www\t80/tcp http # telnet\n"
                                       "split 1/tcp\n"
                                       "split 2/udp\n"
                                       "broken\n"
                                       "broken 23\n"
                                       "broken x/tcp\n"
                                       "broken 65536/tcp\n"
                                       "late 9/tcp";

TEST(Services, are_found_by_name_alias_and_protocol) {
    struct Row {
        const char* sentence;
        std::string_view name, protocol;
        std::optional<std::uint16_t> port;
    };
    const Row rows[] = {
        {"by name", "ssh", "tcp", 22},
        {"by alias", "http", "tcp", 80},
        {"the protocol decides between two lines", "split", "udp", 2},
        {"without a protocol the first line wins", "split", "", 1},
        {"the last line needs no newline", "late", "tcp", 9},
        {"a name of another protocol only is unknown", "ssh", "udp", std::nullopt},
        {"a word in a comment is no alias", "telnet", "tcp", std::nullopt},
        {"the number is no alias", "22/tcp", "tcp", std::nullopt},
        {"lines without a valid port are skipped", "broken", "", std::nullopt},
        {"part of a name is not the name", "ss", "tcp", std::nullopt},
        {"the empty name is unknown", "", "", std::nullopt},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(service_port(kServices, row.name, row.protocol), row.port) << row.sentence;
    }
}

TEST(Protocols, are_found_by_name_and_alias) {
    constexpr std::string_view kProtocols = "ip 0 IP\ntcp 6 TCP # transmission\nodd\nodd x\nlast 99";
    EXPECT_EQ(protocol_number(kProtocols, "ip"), 0);
    EXPECT_EQ(protocol_number(kProtocols, "TCP"), 6);
    EXPECT_EQ(protocol_number(kProtocols, "last"), 99);
    EXPECT_EQ(protocol_number(kProtocols, "transmission"), std::nullopt);
    EXPECT_EQ(protocol_number(kProtocols, "odd"), std::nullopt);
}

TEST(NameFiles, that_cannot_be_read_are_empty) { EXPECT_EQ(read_name_file("/nonexistent/services"), ""); }

} // namespace
} // namespace pfild::filter
