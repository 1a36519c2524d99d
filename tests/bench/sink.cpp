// SPDX-License-Identifier: BSD-2-Clause
// Takes all packets of an interface in the cheapest way there is of one kind, and counts them:
//
//   xdp-drop   a native XDP program that drops      counted by the interface
//   tc-drop    a TC ingress program that drops      counted by the interface
//   af-xdp     an AF_XDP socket in copy mode: received, counted, given back; nothing is looked at
//   nobody     attaches nothing                     counted by the interface
//
// Answers readings (load.h) until stdin ends; what it attached goes with it. The main thread answers, a second one
// receives.

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <xdp/xsk.h>

#include "pfild/bench_sink.skel.h"
#include "tests/bench/load.h"

namespace {

using namespace pfild::bench;

constexpr std::uint32_t kFrames = 4096;
constexpr std::uint32_t kFrameSize = 4096;
constexpr std::uint32_t kBatch = 64;

struct Options {
    std::string device;
    std::string by = "xdp-drop";
    std::uint32_t pref = 1;
    unsigned cpu = 1;
};

using Skeleton = std::unique_ptr<bench_sink, void (*)(bench_sink*)>;

/// Packets that the interface has received, also those that XDP dropped.
std::uint64_t received_packets(const std::string& device) {
    std::ifstream table("/proc/thread-self/net/dev");
    for (std::string line; std::getline(table, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos || line.substr(0, colon).find(device) == std::string::npos) {
            continue;
        }
        unsigned long long bytes = 0;
        unsigned long long packets = 0;
        std::sscanf(line.c_str() + colon + 1, "%llu %llu", &bytes, &packets); // NOLINT(cert-err34-c): the kernel's text
        return packets;
    }
    return 0;
}

int answer_for_interface(const Options& options) {
    answer_readings([&] { return received_packets(options.device); });
    return 0;
}

/// An XDP program on an interface, native mode; taken off at the end.
class XdpAttachment {
  public:
    XdpAttachment(int ifindex, const bpf_program* program)
        : ifindex_(ifindex), error_(bpf_xdp_attach(ifindex, bpf_program__fd(program), kFlags, nullptr)) {}
    XdpAttachment(const XdpAttachment&) = delete;
    XdpAttachment& operator=(const XdpAttachment&) = delete;
    ~XdpAttachment() {
        if (error_ == 0) {
            bpf_xdp_detach(ifindex_, kFlags, nullptr);
        }
    }
    [[nodiscard]] int error() const { return error_; }

  private:
    static constexpr std::uint32_t kFlags = XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST;
    int ifindex_;
    int error_;
};

int drop_in_xdp(const Options& options, int ifindex, const bench_sink& skeleton) {
    const XdpAttachment attachment(ifindex, skeleton.progs.bench_xdp_drop);
    return attachment.error() == 0 ? answer_for_interface(options) : die("attach XDP", attachment.error());
}

/// A TC program at the ingress of an interface; taken off at the end.
class TcAttachment {
  public:
    TcAttachment(int ifindex, const bpf_program* program, std::uint32_t pref) : pref_(pref) {
        hook_.ifindex = ifindex;
        LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program), .handle = 1, .priority = pref);
        error_ = bpf_tc_hook_create(&hook_);
        if (error_ == 0 || error_ == -EEXIST) { // another's clsact is fine too
            error_ = bpf_tc_attach(&hook_, &options);
        }
    }
    TcAttachment(const TcAttachment&) = delete;
    TcAttachment& operator=(const TcAttachment&) = delete;
    ~TcAttachment() {
        if (error_ == 0) {
            LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = pref_);
            bpf_tc_detach(&hook_, &options);
        }
    }
    [[nodiscard]] int error() const { return error_; }

  private:
    bpf_tc_hook hook_{.sz = sizeof(bpf_tc_hook), .ifindex = 0, .attach_point = BPF_TC_INGRESS, .parent = 0};
    std::uint32_t pref_;
    int error_ = 0;
};

int drop_in_tc(const Options& options, int ifindex, const bench_sink& skeleton) {
    const TcAttachment attachment(ifindex, skeleton.progs.bench_tc_drop, options.pref);
    return attachment.error() == 0 ? answer_for_interface(options) : die("attach TC", attachment.error());
}

/// What passed is dropped by TC right behind: the stack's own work is not measured.
int pass_in_xdp(const Options& options, int ifindex, const bench_sink& skeleton) {
    const XdpAttachment attachment(ifindex, skeleton.progs.bench_xdp_pass);
    return attachment.error() == 0 ? drop_in_tc(options, ifindex, skeleton) : die("attach XDP", attachment.error());
}

int pass_in_tc(const Options& options, int ifindex, const bench_sink& skeleton) {
    const TcAttachment first(ifindex, skeleton.progs.bench_tc_pass, options.pref - 1);
    return first.error() == 0 ? drop_in_tc(options, ifindex, skeleton) : die("attach TC", first.error());
}

/// An AF_XDP socket on queue 0 with packet memory of its own.
class Receiver {
  public:
    Receiver() = default;
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    ~Receiver() {
        if (socket_ != nullptr) {
            xsk_socket__delete(socket_);
        }
        if (umem_ != nullptr) {
            xsk_umem__delete(umem_);
        }
    }

    /// 0 or a negative errno.
    [[nodiscard]] int open(const std::string& device) {
        constexpr std::size_t kBytes = std::size_t{kFrames} * kFrameSize;
        void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) {
            return -errno;
        }
        const xsk_umem_config umem{
            .fill_size = kFrames, .comp_size = kBatch, .frame_size = kFrameSize, .frame_headroom = 0, .flags = 0};
        if (const int error = xsk_umem__create(&umem_, memory, kBytes, &fill_, &completion_, &umem); error != 0) {
            return error;
        }
        const xsk_socket_config config{.rx_size = kFrames,
                                       .tx_size = 0,
                                       .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
                                       .xdp_flags = 0,
                                       .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP};
        const int error = xsk_socket__create(&socket_, device.c_str(), 0, umem_, &rx_, nullptr, &config);
        std::uint32_t position = 0;
        if (error == 0 && xsk_ring_prod__reserve(&fill_, kFrames, &position) == kFrames) {
            for (std::uint64_t frame = 0; frame < kFrames; frame++) {
                *xsk_ring_prod__fill_addr(&fill_, position++) = frame * kFrameSize;
            }
            xsk_ring_prod__submit(&fill_, kFrames);
        }
        return error;
    }
    [[nodiscard]] int fd() const { return xsk_socket__fd(socket_); }
    [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
    void stop() { stop_.store(true, std::memory_order_relaxed); }

    /// Until stop(): takes batches, and sleeps when there is none.
    void run() {
        constexpr int kTick = 20; // ms
        pollfd polled{.fd = fd(), .events = POLLIN, .revents = 0};
        while (!stop_.load(std::memory_order_relaxed)) {
            if (take_batch() == 0) {
                poll(&polled, 1, kTick);
            }
        }
    }

  private:
    std::uint32_t take_batch() {
        std::uint32_t from = 0;
        std::uint32_t to = 0;
        const auto ready = static_cast<std::uint32_t>(xsk_ring_cons__peek(&rx_, kBatch, &from));
        if (ready == 0 || xsk_ring_prod__reserve(&fill_, ready, &to) != ready) {
            return 0;
        }
        for (std::uint32_t i = 0; i < ready; i++) {
            const std::uint64_t address = xsk_ring_cons__rx_desc(&rx_, from + i)->addr;
            *xsk_ring_prod__fill_addr(&fill_, to + i) = address & ~std::uint64_t{kFrameSize - 1};
        }
        xsk_ring_cons__release(&rx_, ready);
        xsk_ring_prod__submit(&fill_, ready);
        add_to(count_, ready);
        return ready;
    }

    xsk_umem* umem_ = nullptr;
    xsk_socket* socket_ = nullptr;
    xsk_ring_prod fill_{};
    xsk_ring_cons completion_{};
    xsk_ring_cons rx_{};
    std::atomic<std::uint64_t> count_{0};
    std::atomic<bool> stop_{false};
};

int receive(const Options& options, int ifindex, const bench_sink& skeleton) {
    Receiver receiver;
    if (const int error = receiver.open(options.device); error != 0) {
        return die("open an AF_XDP socket", error);
    }
    const std::uint32_t queue = 0;
    const int socket = receiver.fd();
    if (bpf_map_update_elem(bpf_map__fd(skeleton.maps.bench_socket), &queue, &socket, BPF_ANY) != 0) {
        return die("announce the socket", errno);
    }
    const XdpAttachment attachment(ifindex, skeleton.progs.bench_to_socket);
    if (attachment.error() != 0) {
        return die("attach XDP", attachment.error());
    }
    std::thread thread([&] { receiver.run(); });
    answer_readings([&] { return receiver.count(); });
    receiver.stop();
    thread.join();
    return 0;
}

int sink(const Options& options) {
    const Skeleton skeleton(bench_sink__open_and_load(), bench_sink__destroy);
    const auto ifindex = static_cast<int>(if_nametoindex(options.device.c_str()));
    if (!skeleton || ifindex == 0) {
        return die(options.device.c_str(), errno);
    }
    if (!stay_on(options.cpu)) {
        return die("stay on the CPU", errno);
    }
    if (options.by == "xdp-drop") {
        return drop_in_xdp(options, ifindex, *skeleton);
    }
    if (options.by == "tc-drop") {
        return drop_in_tc(options, ifindex, *skeleton);
    }
    if (options.by == "xdp-pass") {
        return pass_in_xdp(options, ifindex, *skeleton);
    }
    if (options.by == "tc-pass") {
        return pass_in_tc(options, ifindex, *skeleton);
    }
    return options.by == "af-xdp" ? receive(options, ifindex, *skeleton) : answer_for_interface(options);
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Takes all packets of an interface in the cheapest way there is of one kind"};
    app.add_option("device", options.device, "the interface")->required();
    app.add_option("--by", options.by, "how")
        ->check(CLI::IsMember({"xdp-drop", "xdp-pass", "tc-drop", "tc-pass", "af-xdp", "nobody"}));
    app.add_option("--pref", options.pref, "place among the TC filters of the interface");
    app.add_option("--cpu", options.cpu, "CPU to stay on");
    CLI11_PARSE(app, argc, argv);
    return sink(options);
}
