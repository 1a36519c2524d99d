// SPDX-License-Identifier: BSD-2-Clause
// A numbered flow of UDP packets and its judge: `udp_flow send` paces packets that carry a number and the time they
// were sent, `udp_flow receive` says which of them were lost, came twice or came late. Reports are one line of JSON on
// stdout. Both end by themselves (count, idle time) or on SIGTERM and SIGINT, and report in either case; a receiver
// with --told then waits for what is still on its way. One thread each.
//
// payload   0        8        16       24
//           | magic  | number | ns     | zeros to the size asked for |        host byte order: both ends are on one
//           machine

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::uint64_t kMagic = 0x776f6c6664696670;
constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kMostPackets = 100'000'000; ///< bounds the receiver's memory
constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestPayload = 9000;
constexpr int kSocketBufferBytes = 64 << 20;

struct Header {
    std::uint64_t magic;
    std::uint64_t number;
    std::uint64_t sent_ns;
};

struct Options {
    std::string address;
    std::uint16_t port = 9000;
    std::uint16_t source_port = 0;
    std::uint64_t count = 1000;
    std::uint64_t rate_pps = 1000;
    std::size_t size_bytes = 64;
    std::uint64_t idle_ms = 1000;
    bool told = false;
};

// Set by the signal handler only: the one thing that a handler may touch.
volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int /*signal*/) { stop_requested = 1; }

void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = request_stop; // no SA_RESTART: a blocked receive returns
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
}

std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

int die(const char* what) {
    std::fprintf(stderr, "udp_flow: %s: %s\n", what, std::strerror(errno));
    return 1;
}

/// An address of either family as the kernel wants it; IPv4 is mapped, so that one IPv6 socket serves both.
bool parse_address(const std::string& text, std::uint16_t port, sockaddr_in6& address) {
    address = {};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    const std::string mapped = text.find(':') == std::string::npos ? "::ffff:" + text : text;
    return inet_pton(AF_INET6, mapped.c_str(), &address.sin6_addr) == 1;
}

/// A UDP socket for both families, bound to `port` of any address; -1 and errno on failure.
int open_socket(std::uint16_t port) {
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int off = 0;
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBufferBytes, sizeof kSocketBufferBytes);
    return fd;
}

/// The buffers of one sendmmsg or recvmmsg. Points into itself, so it does not move.
class Batch {
  public:
    explicit Batch(std::size_t size_bytes) : bytes_(kBatch * size_bytes), size_bytes_(size_bytes) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            parts_[i] = {.iov_base = slot(i), .iov_len = size_bytes};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    Batch(Batch&&) = delete;
    Batch& operator=(Batch&&) = delete;
    ~Batch() = default;

    void send_to(sockaddr_in6& address) {
        for (mmsghdr& message : messages_) {
            message.msg_hdr.msg_name = &address;
            message.msg_hdr.msg_namelen = sizeof address;
        }
    }
    void write(std::size_t i, const Header& header) { std::memcpy(slot(i), &header, sizeof header); }
    [[nodiscard]] Header read(std::size_t i) const {
        Header header{};
        std::memcpy(&header, &bytes_[i * size_bytes_], sizeof header);
        return header;
    }
    [[nodiscard]] std::size_t received_bytes(std::size_t i) const { return messages_[i].msg_len; }
    mmsghdr* messages() { return messages_.data(); }

  private:
    std::uint8_t* slot(std::size_t i) { return &bytes_[i * size_bytes_]; }

    std::vector<std::uint8_t> bytes_;
    std::size_t size_bytes_;
    std::array<iovec, kBatch> parts_{};
    std::array<mmsghdr, kBatch> messages_{};
};

void sleep_until(std::uint64_t deadline_ns) {
    const timespec deadline{.tv_sec = static_cast<std::time_t>(deadline_ns / kNanosPerSecond),
                            .tv_nsec = static_cast<long>(deadline_ns % kNanosPerSecond)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
}

/// Sends packet `i` no earlier than `i / rate` after the start; catches up in batches after a pause of the scheduler.
int run_sender(const Options& options) {
    sockaddr_in6 target{};
    if (!parse_address(options.address, options.port, target)) {
        std::fprintf(stderr, "udp_flow: not an address: %s\n", options.address.c_str());
        return 2;
    }
    const int fd = open_socket(options.source_port);
    if (fd < 0) {
        return die("socket");
    }
    Batch batch(options.size_bytes);
    batch.send_to(target);
    std::fprintf(stderr, "sending\n"); // signals end it in order from here on
    const std::uint64_t start_ns = now_ns();
    std::uint64_t sent = 0;
    while (sent < options.count && stop_requested == 0) {
        const std::uint64_t at_ns = now_ns();
        const std::uint64_t due = (at_ns - start_ns) * options.rate_pps / kNanosPerSecond + 1;
        if (due <= sent) {
            sleep_until(start_ns + sent * kNanosPerSecond / options.rate_pps);
            continue;
        }
        const std::size_t wanted = std::min({due - sent, options.count - sent, std::uint64_t{kBatch}});
        for (std::size_t i = 0; i < wanted; ++i) {
            batch.write(i, {.magic = kMagic, .number = sent + i, .sent_ns = at_ns});
        }
        const int done = sendmmsg(fd, batch.messages(), static_cast<unsigned>(wanted), 0);
        if (done < 0 && errno != EINTR && errno != ENOBUFS) {
            return die("sendmmsg");
        }
        sent += static_cast<std::uint64_t>(std::max(done, 0));
    }
    const double seconds = static_cast<double>(now_ns() - start_ns) / kNanosPerSecond;
    std::printf("{\"sent\": %lu, \"seconds\": %.6f}\n", sent, seconds);
    close(fd);
    return 0;
}

/// What has arrived of a flow of `count` packets.
class Judge {
  public:
    explicit Judge(std::uint64_t count) : seen_(count) { latencies_us_.reserve(std::min(count, kMostPackets)); }

    void judge(const Header& header, std::uint64_t at_ns) {
        if (header.magic != kMagic || header.number >= seen_.size()) {
            ++foreign_;
            return;
        }
        if (seen_[header.number]) {
            ++duplicated_;
            return;
        }
        seen_[header.number] = true;
        ++received_;
        out_of_order_ += header.number < next_ ? 1 : 0;
        next_ = std::max(next_, header.number + 1);
        latencies_us_.push_back(static_cast<std::uint32_t>((at_ns - header.sent_ns) / 1000));
    }
    void count_foreign() { ++foreign_; }
    [[nodiscard]] std::uint64_t received() const { return received_; }

    /// "lost" counts up to the flow's last number, so it is right only if all of the count were sent.
    void print() {
        std::printf(R"({"received": %lu, "lost": %lu, "duplicated": %lu, "out_of_order": %lu, "foreign": %lu, )",
                    received_, seen_.size() - received_, duplicated_, out_of_order_, foreign_);
        std::sort(latencies_us_.begin(), latencies_us_.end());
        std::printf(R"("latency_us": {"p50": %u, "p99": %u, "max": %u}, "missing": [)", latency_us(0.5),
                    latency_us(0.99), latency_us(1));
        print_gaps();
        std::printf("]}\n");
    }

  private:
    [[nodiscard]] std::uint32_t latency_us(double part) const {
        const auto last = static_cast<double>(latencies_us_.size()) - 1;
        return latencies_us_.empty() ? 0 : latencies_us_[static_cast<std::size_t>(part * last)];
    }

    /// The first ten ranges that did not come, as [first, last].
    void print_gaps() const {
        constexpr int kMostGaps = 10;
        int gaps = 0;
        for (std::size_t i = 0; i < seen_.size() && gaps < kMostGaps; ++i) {
            if (seen_[i]) {
                continue;
            }
            const std::size_t first = i;
            while (i + 1 < seen_.size() && !seen_[i + 1]) {
                ++i;
            }
            std::printf("%s[%zu, %zu]", gaps++ == 0 ? "" : ", ", first, i);
        }
    }

    std::vector<bool> seen_;
    std::vector<std::uint32_t> latencies_us_;
    std::uint64_t received_ = 0;
    std::uint64_t duplicated_ = 0;
    std::uint64_t out_of_order_ = 0;
    std::uint64_t foreign_ = 0;
    std::uint64_t next_ = 0;
};

/// What the receiver waits for. The idle time runs from the first packet on, or from the sender's end: how long that
/// takes to start is not the receiver's business.
struct Expected {
    std::uint64_t packets;
    std::uint64_t idle_ms;
    std::optional<std::uint64_t> since_ns;

    /// Nothing has come for long enough. A complete flow is watched a little longer: a duplicate comes after its
    /// original.
    [[nodiscard]] bool over(std::uint64_t received) const {
        constexpr std::uint64_t kTailMs = 100;
        const std::uint64_t patience_ms = received >= packets ? std::min(idle_ms, kTailMs) : idle_ms;
        return since_ns && now_ns() - *since_ns > patience_ms * 1'000'000;
    }
};

/// The sender has ended; a line on stdin says after how many packets. Those that are missing may be late, unless none
/// has come at all: that is a flow that is blocked.
Expected expected_at_end(std::uint64_t count, std::uint64_t received) {
    constexpr std::uint64_t kLateMs = 1000;
    constexpr std::uint64_t kBlockedMs = 300;
    std::uint64_t sent = count;
    std::cin >> sent;
    return {.packets = std::cin ? std::min(sent, count) : count,
            .idle_ms = received > 0 ? kLateMs : kBlockedMs,
            .since_ns = now_ns()};
}

/// Judges one batch of what came; false when nothing came within the socket's timeout.
bool receive_batch(int fd, Batch& batch, Judge& judge) {
    const int received = recvmmsg(fd, batch.messages(), kBatch, MSG_WAITFORONE, nullptr);
    const std::uint64_t at_ns = now_ns();
    for (int i = 0; i < received; ++i) {
        const auto slot = static_cast<std::size_t>(i);
        if (batch.received_bytes(slot) < sizeof(Header)) {
            judge.count_foreign();
        } else {
            judge.judge(batch.read(slot), at_ns);
        }
    }
    return received > 0;
}

int run_receiver(const Options& options) {
    const int fd = open_socket(options.port);
    const timeval tick{.tv_sec = 0, .tv_usec = 20'000}; // bounds how long a signal waits
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick) != 0) {
        return die("socket");
    }
    std::printf("{\"listening\": %u}\n", options.port);
    std::fflush(stdout);
    Judge judge(options.count);
    Batch batch(kLargestPayload);
    Expected expected{.packets = options.count, .idle_ms = options.idle_ms, .since_ns = {}};
    bool ending = false;
    while (stop_requested == 0 || options.told) {
        if (stop_requested != 0 && !ending) {
            expected = expected_at_end(options.count, judge.received());
            ending = true;
        }
        if (receive_batch(fd, batch, judge)) {
            expected.since_ns = now_ns();
        } else if (expected.over(judge.received())) {
            break;
        }
    }
    judge.print();
    close(fd);
    return 0;
}

void add_options(CLI::App& send, CLI::App& receive, Options& options) {
    send.add_option("address", options.address, "IPv4 or IPv6 address to send to")->required();
    send.add_option("--rate", options.rate_pps, "packets a second")->check(CLI::Range(1, 10'000'000));
    send.add_option("--size", options.size_bytes, "bytes of payload")
        ->check(CLI::Range(sizeof(Header), kLargestPayload));
    send.add_option("--source-port", options.source_port, "0: any");
    receive.add_option("--idle-ms", options.idle_ms, "end when nothing came for so long")
        ->check(CLI::Range(1, 600'000));
    receive.add_flag("--told", options.told, "at SIGTERM, a line on stdin says how many were sent");
    for (CLI::App* side : {&send, &receive}) {
        side->add_option("--port", options.port, "UDP port of the receiver");
        side->add_option("--count", options.count, "packets in the flow")
            ->check(CLI::Range(std::uint64_t{1}, kMostPackets));
    }
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"A numbered flow of UDP packets and its judge"};
    app.require_subcommand(1);
    CLI::App* send = app.add_subcommand("send", "send a flow");
    CLI::App* receive = app.add_subcommand("receive", "receive a flow and say what is missing");
    add_options(*send, *receive, options);
    CLI11_PARSE(app, argc, argv);
    stop_on_signals();
    return send->parsed() ? run_sender(options) : run_receiver(options);
}
