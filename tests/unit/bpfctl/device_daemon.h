// SPDX-License-Identifier: BSD-2-Clause
// A daemon on a socket of the test for `bpfctl capture`, and the packets that it gives.
#pragma once

#include <array>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <sstream>

#include <gmock/gmock.h>
#include <pcap/pcap.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "bpfctl/run.h"
#include "client/descriptor.h"
#include "tests/unit/client/fake_daemon.h"

namespace pfild::bpfctl {

using client::Bytes;
using client::bytes_of_value;
using client::FakePeer;
using client::FakeRequest;
using CaptureWords = std::vector<std::string>;

/// UDP from 192.0.2.1:1 to 192.0.2.2:53, or what is left of it.
inline Bytes frame(std::size_t size = 60) {
    Bytes bytes{2, 0,  0,  0, 0, 2,   2, 0, 0, 0,   0, 1, 8, 0, 0x45, 0, 0,  46, 0,  0, 0,
                0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 1,    0, 53, 0,  26, 0, 0};
    bytes.resize(size, 0);
    return bytes;
}

inline Bytes record(std::uint32_t number, std::uint32_t length = 60) {
    const Bytes packet = frame();
    const pfild_record header{1'700'000'000 + number, 123'456'789,     60, length,
                              sizeof(pfild_record),   PFILD_RECORD_IN, 0,  4};
    Bytes bytes = bytes_of_value(header);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    bytes.resize(PFILD_RECORD_ALIGN(bytes.size()), 0);
    return bytes;
}

inline Bytes records(std::uint32_t first, std::uint32_t count) {
    Bytes all;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Bytes one = record(first + i);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

/// A daemon with one device, which answers reads in this order and lets the last one wait.
class DeviceDaemon {
  public:
    using Answer = std::function<void(const FakePeer&, const FakeRequest&)>;

    std::deque<Answer> reads;
    std::function<void()> when_idle = [] {};
    pfild_stats stats{.received = 10, .dropped = 1, .captured = 5, .filtered = 5, .lost = 1};
    std::uint32_t data_link = 1;
    static constexpr std::uint32_t kSharedBytes = 8192;
    int shared = -1; ///< a descriptor of so many bytes; negative: they are not
    std::function<bool(const FakePeer&, const FakeRequest&)> refuses = [](const auto&, const auto&) { return false; };
    std::vector<FakeRequest> requests;

    DeviceDaemon() {
        EXPECT_NE(mkdtemp(folder_.data()), nullptr);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder_ + "/bpf.sock").copy(address.sun_path, sizeof address.sun_path - 1);
        listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(listener_, 1), 0);
    }
    DeviceDaemon(const DeviceDaemon&) = delete;
    DeviceDaemon& operator=(const DeviceDaemon&) = delete;
    ~DeviceDaemon() {
        close(listener_);
        (void)std::system(("rm -rf " + folder_).c_str());
    }

    struct Ended {
        Exit exit;
        std::string out;
        std::string err;
    };

    Ended run_words(CaptureWords words) {
        words.insert(words.begin(), {"--socket", folder_ + "/control.sock", "capture", "eth0"});
        std::thread thread = client::deaf_thread([this] { serve(); });
        std::ostringstream out;
        std::ostringstream err;
        const auto nobody = [](const Endpoint&, std::string_view, const Json&) {
            return Outcome<Json>(fail(Exit::kUnreachable, {"nobody", "", "must be asked", "", EIO}));
        };
        const Exit exit = run(words, {out, err}, nobody);
        shutdown(listener_, SHUT_RDWR); // if nobody came
        thread.join();
        return {exit, out.str(), err.str()};
    }

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + '/' + name; }
    [[nodiscard]] std::vector<int> ops() const {
        std::vector<int> all;
        for (const FakeRequest& request : requests) {
            all.push_back(request.header.op);
        }
        return all;
    }
    /// The first request with this op.
    [[nodiscard]] FakeRequest request(int op) const {
        for (const FakeRequest& request : requests) {
            if (request.header.op == op) {
                return request;
            }
        }
        ADD_FAILURE() << "never asked: " << op;
        return {};
    }

  private:
    void serve() {
        const int connection = accept(listener_, nullptr, nullptr);
        if (connection < 0) {
            return;
        }
        const FakePeer peer(connection);
        std::optional<FakeRequest> waiting;
        bool goes_on = true;
        while (goes_on) {
            const auto request = peer.next();
            if (!request) {
                break;
            }
            requests.push_back(*request);
            if (request->header.op == PFILD_OP_CANCEL) {
                EXPECT_TRUE(waiting);
                peer.answer(*request);
                peer.refuse(*waiting, EINTR, "read: interrupted");
            } else if (request->header.op == PFILD_OP_READ && reads.empty()) {
                waiting = *request;
                when_idle();
            } else if (request->header.op == PFILD_OP_READ) {
                const Answer next = reads.front();
                reads.pop_front();
                goes_on = next != nullptr;
                if (goes_on) {
                    next(peer, *request);
                }
            } else if (!refuses(peer, *request)) {
                answer(peer, *request);
            }
        }
        close(connection);
    }

    void answer(const FakePeer& peer, const FakeRequest& request) const {
        switch (request.header.op) {
        case PFILD_OP_OPEN:
            peer.answer_open(request);
            break;
        case PFILD_OP_SET_BUFFER_SIZE:
            peer.answer(request, request.payload);
            break;
        case PFILD_OP_GET_DATA_LINK:
            peer.answer(request, bytes_of_value(data_link));
            break;
        case PFILD_OP_GET_STATS:
            peer.answer(request, bytes_of_value(stats));
            break;
        case PFILD_OP_SHARE:
            share(peer, request);
            break;
        default:
            peer.answer(request);
        }
    }

    void share(const FakePeer& peer, const FakeRequest& request) const {
        if (shared < 0) {
            peer.refuse(request, EOPNOTSUPP, "share buffers: their memory cannot be shared");
        } else {
            peer.send(FakePeer::header_for(request), bytes_of_value(kSharedBytes), {shared});
        }
    }

    std::string folder_ = "/tmp/pfild-unit.XXXXXX"; // short: a socket's path has 107 characters
    int listener_ = -1;
};

inline DeviceDaemon::Answer gives(const Bytes& bytes) {
    return [bytes](const FakePeer& peer, const FakeRequest& request) { peer.answer(request, bytes); };
}

inline DeviceDaemon::Answer refused(int code, const std::string& sentence) {
    return [code, sentence](const FakePeer& peer, const FakeRequest& request) { peer.refuse(request, code, sentence); };
}

/// Seconds of the packets in a capture file.
inline std::vector<std::int64_t> seconds_in(const std::string& path) {
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    pcap_t* const file =
        pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
    if (file == nullptr) {
        ADD_FAILURE() << error.data();
        return {};
    }
    std::vector<std::int64_t> found;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    while (pcap_next_ex(file, &header, &bytes) == 1) {
        EXPECT_EQ(header->ts.tv_usec, 123'456'789);
        EXPECT_EQ(Bytes(bytes, bytes + header->caplen), frame());
        found.push_back(header->ts.tv_sec - 1'700'000'000);
    }
    pcap_close(file);
    return found;
}

} // namespace pfild::bpfctl
