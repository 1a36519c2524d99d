// SPDX-License-Identifier: BSD-2-Clause
// No look-up leaves the process: each expression is compiled in a child that dies by SIGSYS at its first socket(2).
// The negative twin, with look-ups asked for, does die: so the trap works.
#include "filter/numeric_names.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter/expression.h"

namespace pfild::filter {
namespace {

/// From now on this process is killed by SIGSYS when it makes a socket. False if the kernel does not allow the filter.
bool die_at_first_socket() {
    std::array<sock_filter, 4> program{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_socket},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    sock_fprog filter{program.size(), program.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

enum class Outcome { kCompiled, kRefused, kSocket, kNoTrap, kOther };

/// What became of compiling the expression in a child that may not make a socket.
Outcome compile_without_sockets(const char* expression, LinkType link_type, Names names) {
    const pid_t child = fork();
    if (child == 0) {
        if (!die_at_first_socket()) {
            _exit(static_cast<int>(Outcome::kNoTrap));
        }
        const bool compiled = compile(expression, link_type, names).has_value();
        _exit(static_cast<int>(compiled ? Outcome::kCompiled : Outcome::kRefused));
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFEXITED(status)) {
        return static_cast<Outcome>(WEXITSTATUS(status));
    }
    return child > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? Outcome::kSocket : Outcome::kOther;
}

struct NumberRow {
    const char* sentence;
    const char* expression;
    LinkType link_type;
    Outcome outcome;
};

TEST(NumericNames, never_make_a_socket) {
    const NumberRow rows[] = {
        {"a host in /etc/hosts", "host localhost", kRaw, Outcome::kRefused},
        {"a host in the DNS", "host example.com", kRaw, Outcome::kRefused},
        {"a network", "net loopback", kRaw, Outcome::kRefused},
        {"an Ethernet host", "ether host router", kEthernet, Outcome::kRefused},
        {"a host and a port of it", "dst host example.com and port 80", kRaw, Outcome::kRefused},
        {"a typo that reads as a host", "tcp dst porrt 23", kRaw, Outcome::kRefused},
        {"a service that is not there", "port no-such-service", kRaw, Outcome::kRefused},
        {"a range of services that are not there", "portrange no-such-a-no-such-b", kRaw, Outcome::kRefused},
        {"a protocol that is not there", "ip proto no-such-protocol", kRaw, Outcome::kRefused},
        {"an IPv4 address", "host 192.0.2.1", kRaw, Outcome::kCompiled},
        {"an IPv6 address", "host 2001:db8::1", kRaw, Outcome::kCompiled},
        {"an IPv6 prefix", "net 2001:db8::/32", kRaw, Outcome::kCompiled},
        {"a port", "tcp dst port 23", kRaw, Outcome::kCompiled},
        {"a MAC address", "ether host 02:00:00:00:00:01", kEthernet, Outcome::kCompiled},
        {"a protocol by name", "ip proto \\tcp", kRaw, Outcome::kCompiled},
    };
    for (const NumberRow& row : rows) {
        const Outcome outcome = compile_without_sockets(row.expression, row.link_type, Names::kNumeric);
        ASSERT_NE(outcome, Outcome::kNoTrap) << "the kernel refused the seccomp filter";
        EXPECT_EQ(outcome, row.outcome) << row.sentence << ": " << row.expression;
    }
}

TEST(NumericNames, are_what_keeps_the_socket_away) {
    EXPECT_EQ(compile_without_sockets("host example.com", kRaw, Names::kResolve), Outcome::kSocket);
}

TEST(NumericNames, are_in_force_in_this_program) {
    const NumericNames numeric;
    EXPECT_TRUE(NumericNames::in_force());
}

TEST(NumericNames, end_with_their_scope) {
    const auto can_see_localhost = [] {
        addrinfo* result = nullptr;
        const int error = getaddrinfo("localhost", nullptr, nullptr, &result);
        if (error == 0) {
            freeaddrinfo(result);
        }
        return error == 0;
    };
    const bool before = can_see_localhost();
    {
        const NumericNames outer;
        {
            const NumericNames inner;
            EXPECT_FALSE(can_see_localhost());
        }
        EXPECT_FALSE(can_see_localhost());
    }
    EXPECT_EQ(can_see_localhost(), before);
}

TEST(NumericNames, answer_every_function_that_libpcap_asks) {
    const NumericNames numeric;
    std::array<char, 1024> buffer{};
    netent net{};
    netent* found_net = &net;
    int h_error = 0;
    EXPECT_EQ(getnetbyname_r("loopback", &net, buffer.data(), buffer.size(), &found_net, &h_error), 0);
    EXPECT_EQ(found_net, nullptr);
    EXPECT_EQ(gethostbyname("localhost"), nullptr);
    protoent protocol{};
    protoent* found = nullptr;
    if (getprotobyname_r("udp", &protocol, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        EXPECT_EQ(found->p_proto, 17);
        EXPECT_STREQ(found->p_name, "udp");
        EXPECT_EQ(found->p_aliases[0], nullptr);
        EXPECT_EQ(getprotobyname_r("udp", &protocol, buffer.data(), 4, &found), ERANGE);
    }
}

} // namespace
} // namespace pfild::filter
