// SPDX-License-Identifier: BSD-2-Clause
// The decoder of the device socket: which bytes are which request, and what everything else is refused with.
#include "daemon/device/request.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace pfild::device {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
Bytes bytes_of(const T& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// A message whose header is right.
Bytes message(unsigned op, const Bytes& payload = {}, std::uint32_t device = 0) {
    Bytes bytes = bytes_of(pfild_request{.id = 7,
                                         .device = device,
                                         .length = static_cast<__u32>(payload.size()),
                                         .op = static_cast<__u16>(op),
                                         .zero = 0});
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

Bytes text(std::string_view words) { return {words.begin(), words.end()}; }

Bytes with_byte(Bytes bytes, std::size_t at, std::uint8_t value) {
    bytes.at(at) = value;
    return bytes;
}

Bytes repeated(const Bytes& bytes, std::size_t times) {
    Bytes all;
    for (std::size_t i = 0; i < times; ++i) {
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
}

/// With zeros behind it, as struct pfild_options has.
Bytes padded(Bytes bytes) {
    bytes.resize(sizeof(pfild_options));
    return bytes;
}

Bytes option(std::uint32_t name, std::uint32_t value) { return bytes_of(pfild_option{.name = name, .value = value}); }

int error_of(const Bytes& bytes) {
    const Request request = decode(bytes);
    return request.payload ? 0 : request.payload.error().code;
}

const Bytes kOpen = bytes_of(pfild_open{.version = PFILD_WIRE_VERSION, .access = PFILD_ACCESS_BOTH});
const pfild_open kToRead{.version = PFILD_WIRE_VERSION, .access = PFILD_ACCESS_READ};
const Bytes kOpenFor = bytes_of(pfild_open_for{.open = kToRead, .pid = 77, .uid = 1000, .gid = 1001});
const Bytes kRead = bytes_of(pfild_read{.size = 4096, .flags = PFILD_READ_NONBLOCKING});
const Bytes kOptions = bytes_of(pfild_options{.incoming = 1, .outgoing = 1});
const Bytes kAccept = bytes_of(pfild_instruction{.code = 0x06, .jt = 0, .jf = 0, .k = 1});
const Bytes kNoReturn = bytes_of(pfild_instruction{.code = 0x00, .jt = 0, .jf = 0, .k = 1});

struct Row {
    const char* sentence;
    Bytes bytes;
    int error;
};

TEST(DeviceRequest, malformed_messages_are_EPROTO_and_their_header_is_kept_if_there_is_one) {
    const Bytes too_long = message(PFILD_OP_WRITE, Bytes(PFILD_WIRE_REQUEST_MAX + 1 - sizeof(pfild_request)));
    const std::vector<Row> table{
        {"no bytes", {}, EPROTO},
        {"less than a header", Bytes(15), EPROTO},
        {"fewer bytes than the header says", with_byte(message(PFILD_OP_FLUSH), 8, 1), EPROTO},
        {"more bytes than the header says", with_byte(message(PFILD_OP_FLUSH, Bytes(4)), 8, 3), EPROTO},
        {"a length that wraps", with_byte(message(PFILD_OP_FLUSH), 11, 0xff), EPROTO},
        {"zero is not 0", with_byte(message(PFILD_OP_FLUSH), 14, 1), EPROTO},
        {"an unknown op with a wrong length", with_byte(message(PFILD_OPS), 8, 1), EPROTO},
        {"longer than the longest", too_long, EPROTO},
    };
    for (const Row& row : table) {
        EXPECT_EQ(error_of(row.bytes), row.error) << row.sentence;
        EXPECT_TRUE(decode(row.bytes).malformed()) << row.sentence;
    }
    EXPECT_EQ(decode(Bytes(15, 0xff)).header.id, 0U);
    EXPECT_EQ(decode(with_byte(message(PFILD_OP_FLUSH), 14, 1)).header.id, 7U);
}

TEST(DeviceRequest, what_is_wrong_with_one_payload_is_its_answer) {
    const std::vector<Row> table{
        {"no such op", message(PFILD_OPS), ENOTTY},
        {"nor this one", message(0xffff, Bytes(8)), ENOTTY},
        {"OPEN of version 2", message(PFILD_OP_OPEN, with_byte(kOpen, 0, 2)), EPROTONOSUPPORT},
        {"of version 2, and wrong", message(PFILD_OP_OPEN, bytes_of(pfild_open{.version = 2, .access = 9}), 1),
         EPROTONOSUPPORT},
        {"for an unknown purpose", message(PFILD_OP_OPEN, with_byte(kOpen, 4, 3)), EINVAL},
        {"of a device with a number", message(PFILD_OP_OPEN, kOpen, 1), EINVAL},
        {"of half a struct", message(PFILD_OP_OPEN, Bytes(4)), EINVAL},
        {"of a struct and a half", message(PFILD_OP_OPEN, Bytes(sizeof(pfild_open) + 4)), EINVAL},
        {"for a program, of version 2", message(PFILD_OP_OPEN, with_byte(kOpenFor, 0, 2)), EPROTONOSUPPORT},
        {"for a process that has no number",
         message(PFILD_OP_OPEN, bytes_of(pfild_open_for{.open = kToRead, .pid = -1, .uid = 0, .gid = 0})), EINVAL},
        {"for a user who is none",
         message(PFILD_OP_OPEN, bytes_of(pfild_open_for{.open = kToRead, .pid = 1, .uid = UINT32_MAX, .gid = 0})),
         EINVAL},
        {"CLOSE of something", message(PFILD_OP_CLOSE, Bytes(1)), EINVAL},
        {"READ without a size", message(PFILD_OP_READ), EINVAL},
        {"with an unknown flag", message(PFILD_OP_READ, with_byte(kRead, 4, 4)), EINVAL},
        {"CANCEL of nothing", message(PFILD_OP_CANCEL), EINVAL},
        {"of 8 bytes", message(PFILD_OP_CANCEL, Bytes(8)), EINVAL},
        {"BIOCGBLEN takes nothing", message(PFILD_OP_GET_BUFFER_SIZE, Bytes(4)), EINVAL},
        {"BIOCSBLEN takes a number", message(PFILD_OP_SET_BUFFER_SIZE, Bytes(3)), EINVAL},
        {"a filter that does not end", message(PFILD_OP_SET_FILTER, kNoReturn), EINVAL},
        {"one of 513 instructions", message(PFILD_OP_SET_FILTER, repeated(kAccept, 513)), EINVAL},
        {"a write filter that does not end", message(PFILD_OP_SET_WRITE_FILTER, kNoReturn), EINVAL},
        {"an option without a value", message(PFILD_OP_SET_OPTION, Bytes(4)), EINVAL},
        {"that there is not", message(PFILD_OP_SET_OPTION, option(PFILD_OPTIONS, 0)), EINVAL},
        {"that is neither on nor off", message(PFILD_OP_SET_OPTION, option(PFILD_OPTION_FEEDBACK, 2)), EINVAL},
        {"neither direction", message(PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 0)), EINVAL},
        {"a third direction", message(PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 4)), EINVAL},
        {"a data link type of 2 bytes", message(PFILD_OP_SET_DATA_LINK, Bytes(2)), EINVAL},
        {"LOCK of something", message(PFILD_OP_LOCK, Bytes(1)), EINVAL},
        {"an instruction and a half", message(PFILD_OP_REPLACE_FILTER, Bytes(12)), EINVAL},
        {"an interface without a name", message(PFILD_OP_SET_INTERFACE), EINVAL},
        {"with one too long", message(PFILD_OP_SET_INTERFACE, text(std::string(128, 'a'))), EINVAL},
        {"with an end in it", message(PFILD_OP_SET_INTERFACE, Bytes{'e', 0}), ENXIO},
        {"with a blank", message(PFILD_OP_SET_INTERFACE, text("eth 0")), ENXIO},
        {"with what moves a cursor", message(PFILD_OP_SET_INTERFACE, text("\x1b[2J")), ENXIO},
        {"a time of 12 bytes", message(PFILD_OP_SET_READ_TIMEOUT, Bytes(12)), EINVAL},
        {"a wait of 8 bytes", message(PFILD_OP_SET_WAIT_TIMEOUT, Bytes(8)), EINVAL},
        {"a wait that ends with something", message(PFILD_OP_END_WAIT_TIMEOUT, Bytes(1)), EINVAL},
        {"options that see nothing", message(PFILD_OP_SET_OPTIONS, Bytes(16)), EINVAL},
        {"options of 15 bytes", message(PFILD_OP_SET_OPTIONS, Bytes(15, 1)), EINVAL},
    };
    for (const Row& row : table) {
        EXPECT_EQ(error_of(row.bytes), row.error) << row.sentence;
        EXPECT_FALSE(decode(row.bytes).malformed()) << row.sentence;
        EXPECT_FALSE(decode(row.bytes).payload.error().why.empty()) << row.sentence;
    }
    for (std::size_t at = 0; at < sizeof(pfild_options); ++at) {
        EXPECT_EQ(error_of(message(PFILD_OP_SET_OPTIONS, with_byte(kOptions, at, 2))), EINVAL) << "byte " << at;
    }
}

TEST(DeviceRequest, right_ones_say_what_they_said) {
    EXPECT_EQ(std::get<Opening>(*decode(message(PFILD_OP_OPEN, kOpen)).payload),
              (Opening{.access = capture::Access::kBoth, .process = {}}));
    EXPECT_EQ(std::get<Opening>(*decode(message(PFILD_OP_OPEN, kOpenFor)).payload),
              (Opening{.access = capture::Access::kRead, .process = Process{.uid = 1000, .pid = 77}}));
    const auto read = std::get<capture::ReadRequest>(*decode(message(PFILD_OP_READ, kRead)).payload);
    EXPECT_EQ(read.id, 7U);
    EXPECT_EQ(read.size, 4096U);
    EXPECT_TRUE(read.nonblocking);
    EXPECT_EQ(std::get<std::uint32_t>(*decode(message(PFILD_OP_CANCEL, Bytes(4, 1))).payload), 0x01010101U);
    EXPECT_FALSE(std::get<Filter>(*decode(message(PFILD_OP_SET_FILTER)).payload));
    EXPECT_EQ(std::get<Filter>(*decode(message(PFILD_OP_SET_FILTER, kAccept)).payload)->instructions().size(), 1U);
    EXPECT_EQ(std::get<std::string>(*decode(message(PFILD_OP_SET_INTERFACE, text("abcdefghijklmno"))).payload),
              "abcdefghijklmno");
    const pfild_read_timeout timeout{.seconds = -1, .microseconds = 1'000'000};
    EXPECT_EQ(std::get<capture::ReadTimeout>(*decode(message(PFILD_OP_SET_READ_TIMEOUT, bytes_of(timeout))).payload),
              (capture::ReadTimeout{.seconds = -1, .microseconds = 1'000'000}))
        << "the device refuses it";
}

TEST(DeviceRequest, the_longest_filter_and_frame_fit) {
    EXPECT_EQ(error_of(message(PFILD_OP_SET_FILTER, repeated(kAccept, 512))), 0);
    const Bytes longest(PFILD_WIRE_REQUEST_MAX - sizeof(pfild_request), 0x5a);
    const Bytes bytes = message(PFILD_OP_WRITE, longest);
    const Request request = decode(bytes);
    EXPECT_TRUE(std::ranges::equal(std::get<Frame>(*request.payload), longest));
    EXPECT_TRUE(std::get<Frame>(*decode(message(PFILD_OP_WRITE)).payload).empty());
}

TEST(DeviceRequest, one_option_changes_itself_alone) {
    for (std::uint32_t name = 0; name < PFILD_OPTIONS; ++name) {
        for (const std::uint32_t value : {1U, name == PFILD_OPTION_DIRECTIONS ? 2U : 0U}) {
            const Bytes bytes = message(PFILD_OP_SET_OPTION, option(name, value));
            const Option change = std::get<Option>(*decode(bytes).payload);
            for (const std::uint8_t all : {0, 1}) { // what the others are
                const Bytes before = with_byte(with_byte(repeated({all}, 9), 4, 1), 5, 1);
                const Options options =
                    std::get<Options>(*decode(message(PFILD_OP_SET_OPTIONS, padded(before))).payload);
                const Bytes after = bytes_of(wire_options(with(options, change)));
                Bytes expected = padded(before);
                if (name == PFILD_OPTION_DIRECTIONS) {
                    expected[4] = static_cast<std::uint8_t>(value & 1);
                    expected[5] = static_cast<std::uint8_t>(value >> 1);
                } else {
                    expected[name < PFILD_OPTION_DIRECTIONS ? name : name + 1] = static_cast<std::uint8_t>(value);
                }
                EXPECT_EQ(after, expected) << name << " becomes " << value;
            }
        }
    }
}

TEST(DeviceRequest, each_option_is_one_setting) {
    for (std::size_t at = 0; at < 9; ++at) {
        const Bytes bytes = with_byte(kOptions, at, at == 4 || at == 5 ? 0 : 1);
        const Options options = std::get<Options>(*decode(message(PFILD_OP_SET_OPTIONS, bytes)).payload);
        EXPECT_EQ(bytes_of(wire_options(options)), bytes) << "byte " << at;
        EXPECT_NE(options, (Options{.settings = {}, .directions = core::Directions::both()})) << "byte " << at;
    }
    EXPECT_EQ(wire_options({.settings = {}, .directions = {true, false}}).outgoing, 0);
}

TEST(DeviceRequest, whom_a_device_is_opened_for_is_believed_of_root_and_of_the_file_server_alone) {
    const Opening own{.access = capture::Access::kRead, .process = {}};
    const Opening for_another{.access = capture::Access::kRead, .process = Process{.uid = 0, .pid = 77}};
    struct Case {
        const char* sentence;
        const Opening& opening;
        uid_t sender;
        std::optional<uid_t> file_server;
        uid_t uid;
        pid_t pid;
    };
    const Case table[] = {
        {"root for itself", own, 0, 99, 0, 5},
        {"root for another", for_another, 0, 99, 0, 77},
        {"the file server for itself", own, 99, 99, 99, 5},
        {"the file server for root", for_another, 99, 99, 0, 77},
        {"a user who would be root", for_another, 1000, 99, 1000, 5},
        {"that, and there is no file server", for_another, 1000, std::nullopt, 1000, 5},
        {"nobody, whose number is no user's", for_another, UINT32_MAX, std::nullopt, UINT32_MAX, 5},
    };
    for (const Case& one : table) {
        const auto opener = opener_of(one.opening, {.pid = 5, .uid = one.sender, .gid = 0}, one.file_server);
        EXPECT_EQ(opener.uid, one.uid) << one.sentence;
        EXPECT_EQ(opener.pid, one.pid) << one.sentence;
        EXPECT_EQ(opener.access, capture::Access::kRead) << one.sentence;
    }
}

} // namespace
} // namespace pfild::device
