// SPDX-License-Identifier: BSD-2-Clause
// `bpfctl capture` by signals, with the buffer that it got, promiscuous or not: against a daemon of the test.
#include <algorithm>
#include <csignal>

#include <gmock/gmock.h>

#include "tests/unit/bpfctl/device_daemon.h"

namespace pfild::bpfctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A process that ignores a signal, as a background job of a shell does; => no other thread looks at it.
class Ignored {
  public:
    explicit Ignored(int signal) : signal_(signal) {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        EXPECT_EQ(sigaction(signal, &ignore, &before_), 0);
    }
    Ignored(const Ignored&) = delete;
    Ignored& operator=(const Ignored&) = delete;
    ~Ignored() { (void)sigaction(signal_, &before_, nullptr); }

  private:
    int signal_;
    struct sigaction before_ {};
};

TEST(Capture, ends_by_an_interrupt_that_was_ignored_but_not_by_a_hangup) {
    const Ignored interrupt(SIGINT);
    const Ignored hangup(SIGHUP);
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 1))};
    daemon.when_idle = [self = pthread_self()] {
        pthread_kill(self, SIGHUP); // does nothing
        pthread_kill(self, SIGINT);
    };
    EXPECT_EQ(daemon.run_words({"-w", "/dev/null"}).exit, Exit::kOk);
}

TEST(Capture, says_what_it_has_counted_and_writes_what_is_buffered_when_it_is_asked) {
    DeviceDaemon daemon;
    daemon.stats.buffered = 2;
    const std::string file = daemon.path("a.pcap");
    std::vector<std::int64_t> flushed;
    std::deque<int> signals{SIGUSR2, SIGUSR1, SIGINT};
    daemon.when_idle = [&, self = pthread_self()] {
        const int signal = signals.front();
        signals.pop_front();
        if (signal == SIGUSR2) {
            daemon.reads = {gives(records(1, 2))};
        } else if (signal == SIGUSR1) {
            flushed = seconds_in(file);
        } else {
            daemon.reads = {refused(EAGAIN, "read: nothing")};
        }
        pthread_kill(self, signal);
    };
    daemon.reads = {gives(records(0, 1))};
    const auto ended = daemon.run_words({"-w", file});
    EXPECT_THAT(flushed, ElementsAre(0, 1, 2));
    EXPECT_THAT(ended.err, HasSubstr("\nbpfctl: 3 packets captured, 10 packets received by filter, 1 packet dropped by "
                                     "kernel\n"));
}

TEST(Capture, says_that_it_got_a_smaller_buffer) {
    DeviceDaemon daemon;
    daemon.reads = {gives(records(0, 1))};
    daemon.refuses = [](const FakePeer& peer, const FakeRequest& request) {
        const bool is_size = request.header.op == PFILD_OP_SET_BUFFER_SIZE;
        if (is_size) {
            peer.answer(request, bytes_of_value(std::uint32_t{1048576}));
        }
        return is_size;
    };
    const auto ended = daemon.run_words({"-w", "/dev/null", "-c", "1"});
    EXPECT_THAT(ended.err, HasSubstr(", 2 buffers of 1 MiB (asked for 4 MiB)\n"));
}

TEST(Capture, is_promiscuous_unless_it_shall_not_be) {
    for (const bool promiscuous : {true, false}) {
        DeviceDaemon daemon;
        daemon.reads = {gives(records(0, 1))};
        const CaptureWords words{"-w", "/dev/null", "-c", "1"};
        EXPECT_EQ(daemon.run_words(promiscuous ? words : CaptureWords{"-w", "/dev/null", "-c", "1", "-p"}).exit,
                  Exit::kOk);
        const auto ops = daemon.ops();
        EXPECT_EQ(std::count(ops.begin(), ops.end(), PFILD_OP_SET_PROMISCUOUS), promiscuous ? 1 : 0);
    }
    DeviceDaemon refusing;
    refusing.refuses = [](const FakePeer& peer, const FakeRequest& request) {
        const bool refused = request.header.op == PFILD_OP_SET_PROMISCUOUS;
        if (refused) {
            peer.refuse(request, EOPNOTSUPP, "set promiscuous eth0: it cannot be");
        }
        return refused;
    };
    EXPECT_EQ(refusing.run_words({"-w", "/dev/null"}).err,
              "bpfctl: set promiscuous eth0: it cannot be (-p captures without that)\n");
}

} // namespace
} // namespace pfild::bpfctl
