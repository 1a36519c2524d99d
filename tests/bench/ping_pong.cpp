// SPDX-License-Identifier: BSD-2-Clause
// Round trips of single UDP packets: `ping_pong echo` sends back what comes, `ping_pong ask` sends one packet, waits
// for it, pauses, and so on. Both block in recv(2), as most programs do, so waking them up is part of every round trip.
// `ask` prints {"samples": n, "lost": n, "p50_us": t, "p99_us": t}.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/bench/load.h"

namespace {

using namespace pfild::bench;

struct Options {
    std::string address = "192.0.2.2";
    std::uint16_t port = 5002;
    std::uint64_t count = 2000;
    std::uint64_t pause_us = 300;
    unsigned cpu = 0;
};

constexpr std::uint64_t kWarmUp = 50; ///< round trips that do not count

int echo(const Options& options) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(options.port);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0) {
        return die("bind", errno);
    }
    std::printf("{\"ready\": true}\n");
    std::fflush(stdout);
    for (;;) {
        std::uint64_t number = 0;
        sockaddr_in from{};
        socklen_t size = sizeof(from);
        const ssize_t got = recvfrom(fd, &number, sizeof(number), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got == sizeof(number)) {
            sendto(fd, &number, sizeof(number), 0, reinterpret_cast<const sockaddr*>(&from), size);
        }
    }
}

/// The round trip of packet `number` in ns; 0: it did not come back.
std::uint64_t round_trip(int fd, std::uint64_t number) {
    const std::uint64_t start_ns = now_ns();
    if (send(fd, &number, sizeof(number), 0) != sizeof(number)) {
        return 0;
    }
    for (std::uint64_t answer = ~number; answer != number;) { // one that is late belongs to an earlier question
        if (recv(fd, &answer, sizeof(answer), 0) != sizeof(answer)) {
            return 0;
        }
    }
    return now_ns() - start_ns;
}

int ask(const Options& options) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.address.c_str(), &to.sin_addr) != 1 || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
        return die("connect", errno);
    }
    std::vector<std::uint64_t> samples;
    std::uint64_t lost = 0;
    for (std::uint64_t i = 0; i < kWarmUp + options.count && lost < 100; i++) {
        const std::uint64_t took_ns = round_trip(fd, i);
        if (took_ns == 0) {
            lost++;
        } else if (i >= kWarmUp) {
            samples.push_back(took_ns);
        }
        const timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(options.pause_us) * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
    }
    std::sort(samples.begin(), samples.end());
    const auto at = [&](std::size_t percent) {
        return samples.empty() ? 0.0 : static_cast<double>(samples[(samples.size() - 1) * percent / 100]) / 1000;
    };
    std::printf("{\"samples\": %zu, \"lost\": %lu, \"p50_us\": %.2f, \"p99_us\": %.2f}\n", samples.size(), lost, at(50),
                at(99));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Round trips of single UDP packets"};
    app.require_subcommand(1);
    CLI::App* asker = app.add_subcommand("ask", "ask and measure");
    CLI::App* echoer = app.add_subcommand("echo", "send back what comes");
    asker->add_option("address", options.address, "IPv4 address of the echo")->required();
    asker->add_option("--count", options.count, "round trips")->check(CLI::Range(1, 1'000'000));
    asker->add_option("--pause-us", options.pause_us, "pause after each")->check(CLI::Range(0, 100'000));
    for (CLI::App* side : {asker, echoer}) {
        side->add_option("--port", options.port, "UDP port of the echo");
        side->add_option("--cpu", options.cpu, "CPU to stay on");
    }
    CLI11_PARSE(app, argc, argv);
    if (!stay_on(options.cpu)) {
        return die("stay on the CPU", errno);
    }
    return asker->parsed() ? ask(options) : echo(options);
}
