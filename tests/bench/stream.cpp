// SPDX-License-Identifier: BSD-2-Clause
// One TCP stream: `stream receive` reads what comes and answers readings of the bytes (load.h), `stream send` writes
// for a bounded time. Payload is zeros that nobody looks at.

#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/bench/load.h"

namespace {

using namespace pfild::bench;

constexpr std::size_t kChunk = 128 << 10; // bytes a system call

struct Options {
    std::string address = "192.0.2.2";
    std::uint16_t port = 5001;
    double seconds = 1;
    unsigned cpu = 0;
};

/// Takes one connection after the other, each to its end.
[[noreturn]] void receive_all(int listener, std::atomic<std::uint64_t>& bytes) {
    std::vector<char> buffer(kChunk);
    for (;;) {
        const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        ssize_t got = 0;
        while ((got = recv(connection, buffer.data(), buffer.size(), 0)) > 0) {
            add_to(bytes, static_cast<std::uint64_t>(got));
        }
        close(connection);
    }
}

int receive(const Options& options) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(options.port);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) != 0 || listen(listener, 4) != 0) {
        return die("listen", errno);
    }
    static std::atomic<std::uint64_t> bytes{0}; // outlives main, as the thread does
    std::thread([listener] { receive_all(listener, bytes); }).detach();
    answer_readings([] { return bytes.load(std::memory_order_relaxed); });
    return 0;
}

int send_for(const Options& options) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 1, .tv_usec = 0}; // a stream that stands still must not hold the bench
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.address.c_str(), &to.sin_addr) != 1 || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
        return die("connect", errno);
    }
    std::printf("{\"running\": true}\n");
    std::fflush(stdout);
    const std::vector<char> buffer(kChunk);
    const std::uint64_t start_ns = now_ns();
    const auto end_ns = start_ns + static_cast<std::uint64_t>(options.seconds * kNanosPerSecond);
    std::uint64_t sent = 0;
    while (now_ns() < end_ns) {
        const ssize_t done = send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL);
        if (done < 0) {
            return die("send", errno);
        }
        sent += static_cast<std::uint64_t>(done);
    }
    const linger reset{.l_onoff = 1, .l_linger = 0}; // what is still queued is not sent after the window
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
    std::printf("{\"sent\": %lu, \"seconds\": %.6f}\n", sent,
                static_cast<double>(now_ns() - start_ns) / kNanosPerSecond);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"One TCP stream"};
    app.require_subcommand(1);
    CLI::App* send = app.add_subcommand("send", "send for a bounded time");
    CLI::App* receiver = app.add_subcommand("receive", "receive and count");
    send->add_option("address", options.address, "IPv4 address to send to")->required();
    send->add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.01, 60.0));
    for (CLI::App* side : {send, receiver}) {
        side->add_option("--port", options.port, "TCP port of the receiver");
        side->add_option("--cpu", options.cpu, "CPU to stay on");
    }
    CLI11_PARSE(app, argc, argv);
    if (!stay_on(options.cpu)) {
        return die("stay on the CPU", errno);
    }
    return send->parsed() ? send_for(options) : receive(options);
}
