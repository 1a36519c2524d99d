// SPDX-License-Identifier: BSD-2-Clause
// A device over the socket: what each call says and takes, reads in pieces, cancelled ones; refusals in the daemon's
// words; and every way in which an answer can be none.
#include "client/remote_device.h"

#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "tests/unit/client/fake_daemon.h"

namespace pfild::client {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kLimit{20'000};

core::Result<RemoteDevice> open_at(const FakeDaemon& daemon, milliseconds limit = kLimit) {
    return RemoteDevice::open(DeviceConnection::adopt(Descriptor(daemon.client_end()), "pair", limit));
}

/// What a daemon does that opens a device and then follows the script.
std::function<void(FakePeer&)> after_open(std::function<void(FakePeer&)> script) {
    return [script = std::move(script)](FakePeer& peer) {
        const auto request = peer.next();
        ASSERT_TRUE(request);
        peer.answer_open(*request);
        script(peer);
    };
}

TEST(RemoteDevice, says_each_call_as_the_protocol_has_it) {
    std::vector<FakeRequest> requests;
    {
        const FakeDaemon daemon(after_open([&requests](FakePeer& peer) {
            while (const auto request = peer.next()) {
                requests.push_back(*request);
                switch (request->header.op) {
                case PFILD_OP_SET_BUFFER_SIZE:
                    peer.answer(*request, bytes_of_value<std::uint32_t>(4096));
                    break;
                case PFILD_OP_GET_DATA_LINK:
                    peer.answer(*request, bytes_of_value<std::uint32_t>(1));
                    break;
                case PFILD_OP_GET_STATS:
                    peer.answer(*request, bytes_of_value(pfild_stats{1, 2, 3, 4, 5, 6, 7, 8}));
                    break;
                default:
                    peer.answer(*request);
                }
            }
        }));
        auto device = open_at(daemon);
        ASSERT_TRUE(device) << device.error().line();
        EXPECT_EQ(device->number(), FakePeer::kDevice);
        EXPECT_GE(device->readiness(), 0);
        EXPECT_EQ(device->set_buffer_size(5000).value(), 4096U);
        const std::vector<pfild_instruction> program{{0x28, 0, 0, 12}, {6, 0, 0, 96}};
        EXPECT_TRUE(device->set_filter(program));
        EXPECT_TRUE(device->set_filter({}));
        EXPECT_TRUE(device->set_options({.immediate = 1, .incoming = 1, .nanoseconds = 1}));
        EXPECT_TRUE(device->set_read_timeout(milliseconds(1250)));
        EXPECT_TRUE(device->set_interface("eth0"));
        EXPECT_EQ(device->data_link().value(), 1U);
        EXPECT_EQ(device->stats().value().lost, 8U);
        EXPECT_TRUE(device->close());
        EXPECT_TRUE(device->connected());
    }
    const std::vector<int> ops{PFILD_OP_SET_BUFFER_SIZE, PFILD_OP_SET_FILTER,       PFILD_OP_SET_FILTER,
                               PFILD_OP_SET_OPTIONS,     PFILD_OP_SET_READ_TIMEOUT, PFILD_OP_SET_INTERFACE,
                               PFILD_OP_GET_DATA_LINK,   PFILD_OP_GET_STATS,        PFILD_OP_CLOSE};
    ASSERT_EQ(requests.size(), ops.size());
    for (std::size_t i = 0; i < ops.size(); ++i) {
        EXPECT_EQ(requests[i].header.op, ops[i]);
        EXPECT_EQ(requests[i].header.device, FakePeer::kDevice);
        EXPECT_EQ(requests[i].header.zero, 0);
        EXPECT_TRUE(i == 0 || requests[i].header.id != requests[i - 1].header.id);
    }
    EXPECT_EQ(requests[0].value<std::uint32_t>(), 5000U);
    EXPECT_EQ(requests[1].payload, (Bytes{0x28, 0, 0, 0, 12, 0, 0, 0, 6, 0, 0, 0, 96, 0, 0, 0}));
    EXPECT_EQ(requests[2].payload, Bytes());
    EXPECT_EQ(requests[3].payload, (Bytes{1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(requests[4].value<pfild_read_timeout>().seconds, 1);
    EXPECT_EQ(requests[4].value<pfild_read_timeout>().microseconds, 250'000);
    EXPECT_EQ(requests[5].text(), "eth0");
}

TEST(RemoteDevice, puts_a_read_in_pieces_together) {
    const FakeDaemon daemon(after_open([](FakePeer& peer) {
        const auto request = peer.next();
        ASSERT_TRUE(request);
        EXPECT_EQ(request->value<pfild_read>().size, 80'000U);
        EXPECT_EQ(request->value<pfild_read>().flags, 0U);
        peer.answer_in_chunks(*request, {Bytes(32768, 1), Bytes(32768, 2), Bytes(8, 3)});
        const auto second = peer.next();
        ASSERT_TRUE(second);
        EXPECT_EQ(second->value<pfild_read>().flags, static_cast<std::uint32_t>(PFILD_READ_NONBLOCKING));
        peer.refuse(*second, EAGAIN, "nothing there");
    }));
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    Bytes buffer(80'000, 0);
    const auto read = device->read(buffer);
    ASSERT_TRUE(read) << read.error().line();
    EXPECT_EQ(*read, 2U * 32768 + 8);
    EXPECT_EQ(buffer[0], 1);
    EXPECT_EQ(buffer[32768], 2);
    EXPECT_EQ(buffer[65543], 3);
    EXPECT_EQ(buffer[65544], 0);
    const auto nothing = device->read(buffer, {.nonblocking = true});
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, EAGAIN);
    EXPECT_TRUE(device->connected());
}

/// A descriptor that is readable from the start, or never.
class Wake {
  public:
    explicit Wake(unsigned readable) : descriptor_(eventfd(readable, EFD_CLOEXEC)) {}
    [[nodiscard]] int get() const { return descriptor_.get(); }

  private:
    Descriptor descriptor_;
};

TEST(RemoteDevice, cancels_a_read_when_it_is_woken) {
    struct Row {
        const char* sentence;
        std::function<void(const FakePeer&, const FakeRequest& read, const FakeRequest& cancel)> daemon;
        int code; ///< 0: the read brings records
    };
    const Row rows[] = {
        {"the read ends, then the cancel is answered",
         [](const FakePeer& peer, const FakeRequest& read, const FakeRequest& cancel) {
             peer.refuse(read, EINTR, "cancelled");
             peer.answer(cancel);
         },
         EINTR},
        {"the other way round",
         [](const FakePeer& peer, const FakeRequest& read, const FakeRequest& cancel) {
             peer.answer(cancel);
             peer.refuse(read, EINTR, "cancelled");
         },
         EINTR},
        {"it had ended before: the records are not lost",
         [](const FakePeer& peer, const FakeRequest& read, const FakeRequest& cancel) {
             peer.answer_in_chunks(read, {Bytes(8, 1), Bytes(8, 2)});
             peer.refuse(cancel, EINVAL, "no such read");
         },
         0},
    };
    for (const Row& row : rows) {
        const FakeDaemon daemon(after_open([&row](FakePeer& peer) {
            const auto read = peer.next();
            const auto cancel = peer.next();
            ASSERT_TRUE(read && cancel);
            EXPECT_EQ(cancel->header.op, PFILD_OP_CANCEL);
            EXPECT_EQ(cancel->value<std::uint32_t>(), read->header.id);
            row.daemon(peer, *read, *cancel);
            const auto stats = peer.next();
            ASSERT_TRUE(stats);
            peer.answer(*stats, bytes_of_value(pfild_stats{}));
        }));
        const Wake wake(1);
        auto device = open_at(daemon);
        ASSERT_TRUE(device);
        Bytes buffer(64, 0);
        const auto read = device->read(buffer, {.wake = wake.get()});
        EXPECT_EQ(read ? 0 : read.error().code, row.code) << row.sentence;
        EXPECT_EQ(read.value_or(16), 16U) << row.sentence;
        EXPECT_TRUE(device->stats()) << row.sentence << ": the connection goes on";
    }
}

TEST(RemoteDevice, repeats_the_daemons_words) {
    struct Row {
        const char* sentence;
        std::string said;
        int code;
        std::string line;
    };
    const Row rows[] = {
        {"its reason", "no such interface", ENXIO, "set interface eth9: no such interface"},
        {"what was refused, too", "attach eth9: no tap: see (help)", ENXIO, "attach eth9: no tap: see (help)"},
        {"none: the errno's words", "", EPERM, "set interface eth9: Operation not permitted"},
        {"nothing that a terminal obeys", "a\nb\x1b[2J", EINVAL, "set interface eth9: a?b?[2J"},
        {"not more than can be read", std::string(30'000, 'x'), EINVAL,
         "set interface eth9: " + std::string(1024, 'x')},
    };
    for (const Row& row : rows) {
        const FakeDaemon daemon(after_open([&row](FakePeer& peer) {
            const auto request = peer.next();
            ASSERT_TRUE(request);
            peer.refuse(*request, row.code, row.said);
        }));
        auto device = open_at(daemon);
        ASSERT_TRUE(device);
        const auto done = device->set_interface("eth9");
        ASSERT_FALSE(done) << row.sentence;
        EXPECT_EQ(done.error().code, row.code) << row.sentence;
        EXPECT_EQ(done.error().line(), row.line) << row.sentence;
        EXPECT_TRUE(device->connected()) << row.sentence;
    }
}

TEST(RemoteDevice, is_refused_in_the_daemons_words) {
    const FakeDaemon daemon([](FakePeer& peer) {
        const auto request = peer.next();
        ASSERT_TRUE(request);
        peer.refuse(*request, ENOBUFS, "16 devices are open");
    });
    const auto device = open_at(daemon);
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().code, ENOBUFS);
    EXPECT_EQ(device.error().line(), "open device: 16 devices are open");
}

/// Whom there is no room for is told so before anybody has heard him.
TEST(RemoteDevice, is_turned_away_in_the_daemons_words_whenever_it_is_closed) {
    const pfild_reply last{0, 0, 0, PFILD_OP_OPEN, 0, EMFILE, 0};
    const Bytes words = bytes_of_text("connect: user 7 has 32 connections already (close one)");
    {
        const FakeDaemon daemon([&](FakePeer& peer) { peer.send(last, words); });
        pollfd closed{daemon.client_end(), 0, 0};
        ASSERT_EQ(poll(&closed, 1, -1), 1);
        const auto device = open_at(daemon); // which cannot send
        ASSERT_FALSE(device);
        EXPECT_EQ(device.error().line(), "connect: user 7 has 32 connections already (close one)");
        EXPECT_EQ(device.error().code, EMFILE);
    }
    for (const bool heard : {true, false}) {
        const FakeDaemon daemon([&](FakePeer& peer) {
            peer.await_request();
            if (heard) {
                (void)peer.next();
            }
            peer.send(last, words);
        });
        const auto device = open_at(daemon);
        ASSERT_FALSE(device) << heard;
        EXPECT_EQ(device.error().line(), "connect: user 7 has 32 connections already (close one)") << heard;
    }
}

TEST(RemoteDevice, takes_what_it_was_answered_before_the_daemon_closed_without_hearing_it) {
    const FakeDaemon daemon(after_open([](FakePeer& peer) {
        const auto request = peer.next();
        ASSERT_TRUE(request);
        peer.await_request(); // the cancel, unread when it closes
        peer.answer_in_chunks(*request, {Bytes(8, 1)});
        peer.answer({.header = {request->header.id + 1, request->header.device, 0, PFILD_OP_CANCEL, 0}, .payload = {}});
    }));
    const Wake wake(1);
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    Bytes buffer(64, 0);
    EXPECT_EQ(device->read(buffer, {.wake = wake.get()}), 8U);
}

int open_descriptors() {
    int count = 0;
    for (int i = 0; i < 256; ++i) {
        count += fcntl(i, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

struct Hostile {
    const char* sentence;
    std::function<void(const FakePeer&, const FakeRequest&)> answer;
    const char* why;
};

/// Sends the header of an answer that is right but for what `change` does to it.
auto header_with(void (*change)(pfild_reply&), Bytes payload = {}) {
    return [change, payload = std::move(payload)](const FakePeer& peer, const FakeRequest& request) {
        pfild_reply header = FakePeer::header_for(request);
        header.length = static_cast<std::uint32_t>(payload.size());
        change(header);
        Bytes message = bytes_of_value(header);
        message.insert(message.end(), payload.begin(), payload.end());
        peer.send_bytes(message);
    };
}

/// To a read of 64 bytes.
const Hostile kHostile[] = {
    {"less than a header", [](const FakePeer& peer, const FakeRequest&) { peer.send_bytes(Bytes(23, 0)); },
     "longer or shorter"},
    {"more than any answer has",
     [](const FakePeer& peer, const FakeRequest&) { peer.send_bytes(Bytes(PFILD_WIRE_REPLY_MAX + 1, 0)); },
     "longer or shorter"},
    {"a length that is too small", header_with([](pfild_reply& h) { h.length = 7; }, Bytes(8, 0)), "another length"},
    {"a length that is too large", header_with([](pfild_reply& h) { h.length = UINT32_MAX; }, Bytes(8, 0)),
     "another length"},
    {"no such op", header_with([](pfild_reply& h) { h.op = PFILD_OPS; }), "no daemon writes"},
    {"an error that is no errno", header_with([](pfild_reply& h) { h.error = 4096; }), "no daemon writes"},
    {"a negative error", header_with([](pfild_reply& h) { h.error = 0xfffffff5; }), "no daemon writes"},
    {"zero is not zero", header_with([](pfild_reply& h) { h.zero = 1; }), "no daemon writes"},
    {"unknown flags", header_with([](pfild_reply& h) { h.flags = 2; }, Bytes(8, 0)), "flags"},
    {"more to come after nothing", header_with([](pfild_reply& h) { h.flags = PFILD_REPLY_MORE; }), "flags"},
    {"more to come after an error",
     header_with(
         [](pfild_reply& h) {
             h.flags = PFILD_REPLY_MORE;
             h.error = EIO;
         },
         Bytes(8, 0)),
     "flags"},
    {"another id", header_with([](pfild_reply& h) { ++h.id; }), "another question"},
    {"another device", header_with([](pfild_reply& h) { ++h.device; }), "another question"},
    {"another op", header_with([](pfild_reply& h) { h.op = PFILD_OP_FLUSH; }), "another question"},
    {"an answer to a cancel that was not sent", header_with([](pfild_reply& h) { h.op = PFILD_OP_CANCEL; }),
     "another question"},
    {"more than was asked for", header_with([](pfild_reply&) {}, Bytes(65, 0)), "more records"},
    {"more than was asked for, in pieces",
     [](const FakePeer& peer, const FakeRequest& request) {
         peer.answer_in_chunks(request, std::vector<Bytes>(9, Bytes(8, 0)));
     },
     "more records"},
    {"records, then an error",
     [](const FakePeer& peer, const FakeRequest& request) {
         pfild_reply header = FakePeer::header_for(request);
         header.flags = PFILD_REPLY_MORE;
         peer.send(header, Bytes(8, 0));
         peer.refuse(request, EIO, "gone");
     },
     "both records and an error"},
    {"a descriptor",
     [](const FakePeer& peer, const FakeRequest& request) { peer.send(FakePeer::header_for(request), {}, {0}); },
     "nobody asked for"},
    {"two descriptors",
     [](const FakePeer& peer, const FakeRequest& request) {
         peer.send(FakePeer::header_for(request), {}, {0, 1});
     },
     "more than one descriptor"},
    {"eight descriptors",
     [](const FakePeer& peer, const FakeRequest& request) {
         peer.send(FakePeer::header_for(request), {}, std::vector<int>(8, 0));
     },
     "more than one descriptor"},
    {"it closes", [](const FakePeer&, const FakeRequest&) {}, "it closed the connection"},
    {"it closes in the middle of a read",
     [](const FakePeer& peer, const FakeRequest& request) {
         pfild_reply header = FakePeer::header_for(request);
         header.flags = PFILD_REPLY_MORE;
         peer.send(header, Bytes(8, 0));
     },
     "it closed the connection"},
};

TEST(RemoteDevice, ends_with_an_answer_that_is_none) {
    for (const Hostile& row : kHostile) {
        const int before = open_descriptors();
        {
            const FakeDaemon daemon(after_open([&row](FakePeer& peer) {
                const auto request = peer.next();
                ASSERT_TRUE(request);
                row.answer(peer, *request);
            }));
            auto device = open_at(daemon);
            ASSERT_TRUE(device);
            Bytes buffer(64, 0);
            const auto read = device->read(buffer);
            ASSERT_FALSE(read) << row.sentence;
            EXPECT_THAT(read.error().line(), HasSubstr(row.why)) << row.sentence;
            EXPECT_THAT(read.error().line(), HasSubstr("daemon pair: ")) << row.sentence;
            EXPECT_FALSE(device->connected()) << row.sentence;
            const auto after = device->stats();
            ASSERT_FALSE(after) << row.sentence;
            EXPECT_EQ(after.error().line(), read.error().line()) << row.sentence << ": the first reason is kept";
        }
        EXPECT_EQ(open_descriptors(), before) << row.sentence;
    }
}

TEST(RemoteDevice, is_not_opened_by_an_answer_that_is_none) {
    const Hostile rows[] = {
        {"no descriptor", [](const FakePeer& peer, const FakeRequest& request) { peer.answer(request); },
         "without its descriptor"},
        {"a payload",
         [](const FakePeer& peer, const FakeRequest& request) {
             peer.send(FakePeer::header_for(request), Bytes(4, 0), {0});
         },
         "without its descriptor"},
        {"a descriptor with a refusal",
         [](const FakePeer& peer, const FakeRequest& request) {
             pfild_reply header = FakePeer::header_for(request);
             header.error = EPERM;
             peer.send(header, {}, {0});
         },
         "nobody asked for"},
        {"another op", header_with([](pfild_reply& h) { h.op = PFILD_OP_CLOSE; }), "another question"},
        {"another id", header_with([](pfild_reply& h) { h.id = 0; }), "another question"},
    };
    for (const Hostile& row : rows) {
        const int before = open_descriptors();
        {
            const FakeDaemon daemon([&row](FakePeer& peer) {
                const auto request = peer.next();
                ASSERT_TRUE(request);
                row.answer(peer, *request);
            });
            const auto device = open_at(daemon);
            ASSERT_FALSE(device) << row.sentence;
            EXPECT_EQ(device.error().code, EPROTO) << row.sentence;
            EXPECT_THAT(device.error().line(), HasSubstr(row.why)) << row.sentence;
        }
        EXPECT_EQ(open_descriptors(), before) << row.sentence;
    }
}

TEST(RemoteDevice, believes_no_size_that_cannot_be) {
    for (const std::uint32_t size : {0U, 4097U, UINT32_MAX - 7}) {
        const FakeDaemon daemon(after_open([size](FakePeer& peer) {
            const auto request = peer.next();
            ASSERT_TRUE(request);
            peer.answer(*request, bytes_of_value(size));
        }));
        auto device = open_at(daemon);
        ASSERT_TRUE(device);
        EXPECT_THAT(device->set_buffer_size(4096).error().line(), HasSubstr("a buffer size that none can have"))
            << size;
        EXPECT_FALSE(device->connected());
    }
    const FakeDaemon daemon(after_open([](FakePeer& peer) {
        const auto request = peer.next();
        ASSERT_TRUE(request);
        peer.answer(*request, Bytes(63, 0));
    }));
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    EXPECT_THAT(device->stats().error().line(), HasSubstr("another size than its kind"));
}

/// A file in memory whose bytes are 0, 1, 2, …
Descriptor memory_of(std::size_t bytes) {
    Descriptor file(memfd_create("buffers", MFD_CLOEXEC));
    Bytes content(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        content[i] = static_cast<std::uint8_t>(i);
    }
    EXPECT_EQ(write(file.get(), content.data(), bytes), static_cast<ssize_t>(bytes));
    return file;
}

/// Shares `file`, says that it has `bytes`, and answers READs with these, one after the other.
auto sharing(const Descriptor& file, std::uint32_t bytes, std::vector<pfild_lent> lent) {
    return after_open([&file, bytes, lent = std::move(lent)](FakePeer& peer) {
        const auto share = peer.next();
        ASSERT_TRUE(share);
        EXPECT_EQ(share->header.op, PFILD_OP_SHARE);
        peer.send(FakePeer::header_for(*share), bytes_of_value(bytes), {file.get()});
        for (const pfild_lent& one : lent) {
            const auto read = peer.next();
            ASSERT_TRUE(read);
            EXPECT_EQ(read->value<pfild_read>().size, bytes / 2);
            EXPECT_EQ(read->value<pfild_read>().flags, static_cast<std::uint32_t>(PFILD_READ_LEND));
            peer.answer(*read, bytes_of_value(one));
        }
    });
}

TEST(RemoteDevice, looks_at_records_where_they_are) {
    const Descriptor file = memory_of(8192);
    const FakeDaemon daemon(sharing(file, 8192, {{.offset = 4096, .length = 16}, {.offset = 0, .length = 0}}));
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    ASSERT_TRUE(device->share());
    const auto records = device->borrow();
    ASSERT_TRUE(records) << records.error().line();
    EXPECT_EQ(Bytes(records->begin(), records->end()), (Bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
    EXPECT_TRUE(device->borrow()->empty());
    EXPECT_TRUE(device->connected());
}

TEST(RemoteDevice, looks_at_nothing_outside_of_the_buffers) {
    struct Row {
        const char* sentence;
        pfild_lent lent;
    };
    for (const Row& row :
         {Row{"one byte too many", {.offset = 8, .length = 8185}}, Row{"behind the end", {.offset = 8200, .length = 0}},
          Row{"a length that wraps", {.offset = 8, .length = UINT32_MAX}},
          Row{"no record begins there", {.offset = 4, .length = 8}}}) {
        const Descriptor file = memory_of(8192);
        const FakeDaemon daemon(sharing(file, 8192, {row.lent}));
        auto device = open_at(daemon);
        ASSERT_TRUE(device && device->share());
        EXPECT_THAT(device->borrow().error().line(), HasSubstr("outside of its buffers")) << row.sentence;
        EXPECT_FALSE(device->connected());
    }
}

TEST(RemoteDevice, maps_no_memory_that_is_not_there) {
    const Descriptor file = memory_of(4096);
    const Descriptor no_file(eventfd(0, EFD_CLOEXEC));
    for (const auto& [shared, bytes] : {std::pair(&file, 4097U), std::pair(&file, 0U), std::pair(&no_file, 4096U)}) {
        const int before = open_descriptors();
        {
            const FakeDaemon daemon(sharing(*shared, bytes, {}));
            auto device = open_at(daemon);
            ASSERT_TRUE(device);
            EXPECT_THAT(device->share().error().line(), HasSubstr("cannot be mapped")) << bytes;
            EXPECT_FALSE(device->connected());
        }
        EXPECT_EQ(open_descriptors(), before);
    }
}

TEST(RemoteDevice, goes_on_without_sharing) {
    const FakeDaemon daemon(after_open([](FakePeer& peer) {
        const auto share = peer.next();
        ASSERT_TRUE(share);
        peer.refuse(*share, EOPNOTSUPP, "share buffers: their memory cannot be shared");
        const auto read = peer.next();
        ASSERT_TRUE(read);
        peer.answer(*read, Bytes(8, 1));
    }));
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    EXPECT_EQ(device->share().error().code, EOPNOTSUPP);
    Bytes buffer(64, 0);
    EXPECT_EQ(device->read(buffer), std::size_t{8});
}

TEST(RemoteDevice, waits_no_longer_than_it_must) {
    const auto silent = after_open([](FakePeer& peer) {
        while (peer.next()) {
        }
    });
    for (const bool has_timeout : {false, true}) {
        const FakeDaemon daemon(after_open([has_timeout](FakePeer& peer) {
            if (const auto request = has_timeout ? peer.next() : std::nullopt) {
                peer.answer(*request);
            }
            while (peer.next()) { // and says nothing
            }
        }));
        auto device = open_at(daemon, milliseconds(500));
        ASSERT_TRUE(device);
        EXPECT_TRUE(!has_timeout || device->set_read_timeout(milliseconds(10)));
        Bytes buffer(64, 0);
        const Wake never(0);
        const auto read = device->read(buffer, {.nonblocking = !has_timeout, .wake = never.get()});
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().line(), "daemon pair: it did not answer in time");
        EXPECT_FALSE(device->connected());
    }
    const FakeDaemon daemon(silent);
    auto device = open_at(daemon, milliseconds(500));
    ASSERT_TRUE(device);
    Bytes buffer(64, 0);
    const Wake now(1);
    EXPECT_EQ(device->read(buffer, {.wake = now.get()}).error().code, ETIMEDOUT) << "not even the cancel is answered";
}

TEST(DeviceConnection, that_cannot_be_made_says_to_what_and_why) {
    struct Row {
        const char* sentence;
        std::string path;
        int code;
    };
    const Row rows[] = {
        {"no socket", "/nonexistent/lab/bpf.sock", ENOENT},
        {"a path that no socket can have", "/" + std::string(200, 'x'), ENAMETOOLONG},
        {"an empty path", "", EINVAL},
        {"a folder", "/tmp", ECONNREFUSED},
    };
    for (const Row& row : rows) {
        const auto made = DeviceConnection::connect(row.path);
        ASSERT_FALSE(made) << row.sentence;
        EXPECT_EQ(made.error().code, row.code) << row.sentence;
        EXPECT_EQ(made.error().object, row.path) << row.sentence;
    }
    EXPECT_EQ(device_socket_path("lab"), "/run/pfild/lab/bpf.sock");
}

TEST(DeviceConnection, does_not_send_what_the_daemon_would_not_take) {
    const FakeDaemon daemon(after_open([](FakePeer& peer) { EXPECT_FALSE(peer.next()); }));
    auto device = open_at(daemon);
    ASSERT_TRUE(device);
    const std::vector<pfild_instruction> program(PFILD_WIRE_REQUEST_MAX / sizeof(pfild_instruction));
    EXPECT_EQ(device->set_filter(program).error().code, EMSGSIZE);
    EXPECT_TRUE(device->connected());
}

} // namespace
} // namespace pfild::client
