// SPDX-License-Identifier: BSD-2-Clause
// Sends 60-byte UDP packets out of a veth as fast as one CPU can: BPF_PROG_RUN makes live frames, and the program
// (generate.bpf.c) redirects each into the veth. No socket, no qdisc, no copy: 5 to 12 million a second, where a socket
// reaches 0.8.
//
// The kernel is told to repeat for ever and is interrupted: by the timer that bounds the run, or by SIGTERM. Prints
// {"sent": packets, "seconds": s} at the end.
//
//   0        14       34      42       60
//   | Ethernet | IPv4 | UDP | zeros     |        a new source port each time, no UDP checksum (RFC 768 allows that)

#include <CLI/CLI.hpp>

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/time.h>

#include "pfild/bench_generate.skel.h"
#include "tests/bench/load.h"

namespace {

using namespace pfild::bench;

constexpr std::size_t kFrameSize = 60; ///< the shortest
constexpr std::size_t kLongestFrame = 1514;
constexpr std::uint32_t kKeyBits = 20; ///< the most flows
constexpr std::uint16_t kFirstSource = 10'000;
constexpr std::uint16_t kDestination = 9;
constexpr std::uint16_t kFirstId = 0x4000;

struct Options {
    std::string device;
    std::string source = "192.0.2.64"; ///< of the first 32,768 flows; more of them have the next addresses
    std::string source_mac = "02:00:00:00:01:01";
    std::string destination = "192.0.2.2";
    std::string destination_mac = "02:00:00:00:01:02";
    double seconds = 1;
    std::uint32_t flows = 1;
    std::uint32_t batch = 64;
    std::uint32_t size = kFrameSize;
    std::uint32_t rate = 0;
    bool scattered_order = false;
    bool scattered_keys = false;
    unsigned cpu = 0;
};

struct __attribute__((packed)) Packet {
    ether_header ethernet;
    iphdr ip;
    udphdr udp;
    std::array<std::uint8_t, kFrameSize - sizeof(ether_header) - sizeof(iphdr) - sizeof(udphdr)> payload;
};
static_assert(sizeof(Packet) == kFrameSize);

// Set by the signal handler only.
volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int /*signal*/) { stop_requested = 1; }

/// RFC 1071, of a header whose checksum field is 0.
std::uint16_t checksum(std::span<const std::uint8_t> header) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < header.size(); i += 2) {
        sum += static_cast<std::uint32_t>(header[i] << 8U | header[i + 1]);
    }
    while (sum >> 16U != 0) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return htons(static_cast<std::uint16_t>(~sum));
}

bool fill(Packet& packet, const Options& options) {
    packet = {};
    packet.ethernet.ether_type = htons(ETHERTYPE_IP);
    packet.ip.version = 4;
    packet.ip.ihl = sizeof(iphdr) / 4;
    packet.ip.ttl = 64;
    packet.ip.protocol = IPPROTO_UDP;
    packet.ip.id = htons(kFirstId);
    packet.ip.tot_len = htons(static_cast<std::uint16_t>(options.size - sizeof(ether_header)));
    packet.udp.dest = htons(kDestination);
    packet.udp.len = htons(static_cast<std::uint16_t>(options.size - sizeof(ether_header) - sizeof(iphdr)));
    in_addr from{};
    in_addr to{};
    ether_addr from_mac{};
    ether_addr to_mac{};
    if (inet_pton(AF_INET, options.source.c_str(), &from) != 1 ||
        inet_pton(AF_INET, options.destination.c_str(), &to) != 1 ||
        ether_aton_r(options.source_mac.c_str(), &from_mac) == nullptr ||
        ether_aton_r(options.destination_mac.c_str(), &to_mac) == nullptr) {
        return false;
    }
    packet.ip.saddr = from.s_addr;
    packet.ip.daddr = to.s_addr;
    std::memcpy(packet.ethernet.ether_shost, &from_mac, sizeof(from_mac));
    std::memcpy(packet.ethernet.ether_dhost, &to_mac, sizeof(to_mac));
    std::array<std::uint8_t, sizeof(iphdr)> header{};
    std::memcpy(header.data(), reinterpret_cast<const std::uint8_t*>(&packet) + sizeof(ether_header), header.size());
    packet.ip.check = checksum(header);
    return true;
}

/// The timer goes on ticking after the first time, so that a signal just before the system call does no harm.
void end_after(double seconds) {
    struct sigaction action {};
    action.sa_handler = request_stop; // no SA_RESTART: the kernel's loop ends with EINTR
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGALRM, &action, nullptr);
    constexpr suseconds_t kTick = 20'000;
    const auto whole = static_cast<time_t>(seconds);
    const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = kTick},
                          .it_value = {.tv_sec = whole, .tv_usec = std::lround((seconds - std::floor(seconds)) * 1e6)}};
    setitimer(ITIMER_REAL, &timer, nullptr);
}

int generate(const Options& options) {
    Packet packet{};
    if (!fill(packet, options)) {
        return die("addresses", EINVAL);
    }
    const std::unique_ptr<bench_generate, void (*)(bench_generate*)> skeleton(bench_generate__open(),
                                                                              bench_generate__destroy);
    if (!skeleton) {
        return die("open the program", errno);
    }
    skeleton->rodata->out_ifindex = if_nametoindex(options.device.c_str());
    skeleton->rodata->flow_mask = options.flows - 1;
    skeleton->rodata->order_bits = options.scattered_order ? std::bit_width(options.flows - 1) : 0;
    skeleton->rodata->key_bits = options.scattered_keys ? kKeyBits : 0;
    skeleton->rodata->first_source = kFirstSource;
    skeleton->rodata->first_address = packet.ip.saddr;
    skeleton->rodata->first_id = kFirstId;
    skeleton->rodata->interval_ns = options.rate != 0 ? std::llround(kNanosPerSecond / options.rate) : 0;
    std::vector<std::uint8_t> frame(options.size);
    std::memcpy(frame.data(), &packet, sizeof(packet));
    if (skeleton->rodata->out_ifindex == 0) {
        return die(options.device.c_str(), errno);
    }
    if (const int error = bench_generate__load(skeleton.get()); error != 0) {
        return die("load the program", error);
    }
    if (!stay_on(options.cpu)) {
        return die("stay on the CPU", errno);
    }
    end_after(options.seconds);
    std::printf("{\"running\": true}\n");
    std::fflush(stdout);
    const std::uint64_t start_ns = now_ns();
    while (stop_requested == 0) {
        LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_size_in = static_cast<__u32>(frame.size()),
                    .repeat = std::numeric_limits<int>::max(), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
                    .batch_size = options.batch);
        const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.bench_generate), &run);
        if (error != 0 && error != -EINTR) {
            return die("BPF_PROG_RUN with live frames", error);
        }
    }
    const double seconds = static_cast<double>(now_ns() - start_ns) / kNanosPerSecond;
    std::printf("{\"sent\": %llu, \"seconds\": %.6f}\n", skeleton->bss->sent, seconds);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Sends UDP packets out of a veth"};
    app.add_option("device", options.device, "the sending veth; its other end runs XDP or has GRO on")->required();
    app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(0.01, 60.0));
    app.add_flag("--scattered-order", options.scattered_order, "flows come in an order without a pattern");
    app.add_flag("--scattered-keys", options.scattered_keys, "neighbouring flows have keys without a pattern");
    app.add_option("--flows", options.flows, "different source ports and addresses")
        ->check(CLI::IsMember({1, 16, 256, 4096, 32768, 65536, 1048576}));
    app.add_option("--batch", options.batch, "frames at a time")->check(CLI::Range(1, 256));
    app.add_option("--size", options.size, "bytes of a frame")->check(CLI::Range(kFrameSize, kLongestFrame));
    app.add_option("--rate", options.rate, "packets a second; 0: as many as one CPU can")
        ->check(CLI::Range(0, 20'000'000));
    app.add_option("--cpu", options.cpu, "CPU to stay on");
    app.add_option("--source", options.source, "IPv4 address");
    app.add_option("--source-mac", options.source_mac, "");
    app.add_option("--destination", options.destination, "IPv4 address");
    app.add_option("--destination-mac", options.destination_mac, "");
    CLI11_PARSE(app, argc, argv);
    return generate(options);
}
