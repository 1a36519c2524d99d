// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/request.h.
#include "daemon/device/request.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace pfild::device {
namespace {

using Body = std::span<const std::uint8_t>;
using Decoded = core::Result<Payload>;

constexpr const char* kRequest = "request";
constexpr std::size_t kLongestName = 127; ///< an alternative name of Linux
constexpr std::uint32_t kIncoming = 1;    ///< PFILD_OPTION_DIRECTIONS
constexpr std::uint32_t kOutgoing = 2;

Decoded refuse(const char* why, int code) { return core::fail({kRequest, "", why, "", code}); }

Decoded wrong_size(std::size_t should, std::size_t is) {
    return core::fail({kRequest, "", "a payload of " + std::to_string(is) + " bytes",
                       "it should have " + std::to_string(should), EINVAL});
}

/// The body as a T, handed to `make`. => T is a struct of wire.h or a number.
template <typename T, typename Make>
Decoded fixed(Body body, Make make) {
    if (body.size() != sizeof(T)) {
        return wrong_size(sizeof(T), body.size());
    }
    T value{};
    std::memcpy(&value, body.data(), sizeof value);
    return make(value);
}

Decoded nothing(const pfild_request& /*header*/, Body body) {
    return body.empty() ? Decoded(std::monostate{}) : wrong_size(0, body.size());
}

Decoded number(const pfild_request& /*header*/, Body body) {
    return fixed<std::uint32_t>(body, [](std::uint32_t value) { return Decoded(value); });
}

core::Result<Process> process_of(const pfild_open_for& wanted) {
    if (wanted.pid < 0 || wanted.uid == UINT32_MAX) {
        return core::fail({"open device", "", "no process can have this number, or no user", "", EINVAL});
    }
    return Process{.uid = wanted.uid, .pid = wanted.pid};
}

Decoded open_for(const pfild_request& header, Body body);

Decoded open(const pfild_request& header, Body body) {
    if (body.size() == sizeof(pfild_open_for)) {
        return open_for(header, body);
    }
    return fixed<pfild_open>(body, [&](const pfild_open& wanted) -> Decoded {
        if (wanted.version != PFILD_WIRE_VERSION) {
            return core::fail({"open device", "", "protocol version " + std::to_string(wanted.version),
                               "the daemon speaks " + std::to_string(PFILD_WIRE_VERSION), EPROTONOSUPPORT});
        }
        if (header.device != 0) {
            return refuse("a device that is opened has no number yet", EINVAL);
        }
        if (wanted.access >= capture::kAccessNames.size()) {
            return refuse("no such access mode", EINVAL);
        }
        return Opening{.access = static_cast<capture::Access>(wanted.access), .process = {}};
    });
}

/// => `body` has the size of a pfild_open_for.
Decoded open_for(const pfild_request& header, Body body) {
    pfild_open_for wanted{};
    std::memcpy(&wanted, body.data(), sizeof wanted);
    return open(header, body.first(sizeof wanted.open)).and_then([&](const Payload& payload) {
        return process_of(wanted).map([&](const Process& process) {
            return Payload(Opening{.access = std::get<Opening>(payload).access, .process = process});
        });
    });
}
static_assert(PFILD_ACCESS_READ == static_cast<int>(capture::Access::kRead));
static_assert(PFILD_ACCESS_WRITE == static_cast<int>(capture::Access::kWrite));
static_assert(PFILD_ACCESS_BOTH == static_cast<int>(capture::Access::kBoth));

Decoded read(const pfild_request& header, Body body) {
    return fixed<pfild_read>(body, [&](const pfild_read& wanted) -> Decoded {
        if ((wanted.flags & ~(PFILD_READ_NONBLOCKING | PFILD_READ_LEND)) != 0) {
            return refuse("no such flag of a read", EINVAL);
        }
        return Decoded(capture::ReadRequest{.id = header.id,
                                            .size = wanted.size,
                                            .nonblocking = (wanted.flags & PFILD_READ_NONBLOCKING) != 0,
                                            .lend = (wanted.flags & PFILD_READ_LEND) != 0});
    });
}

Decoded filter(const pfild_request& /*header*/, Body body) {
    static_assert(sizeof(cbpf::Instruction) == sizeof(pfild_instruction));
    if (body.empty()) {
        return Filter{};
    }
    if (body.size() % sizeof(pfild_instruction) != 0) {
        return refuse("a filter that is not whole instructions", EINVAL);
    }
    std::vector<cbpf::Instruction> instructions(body.size() / sizeof(pfild_instruction));
    std::memcpy(instructions.data(), body.data(), body.size());
    auto program = cbpf::Program::verify(instructions);
    if (!program) {
        return core::fail({"set filter", "", program.error().message(), "", EINVAL});
    }
    return Filter(std::move(*program));
}

/// Names go into messages and logs: nothing else than visible ASCII comes so far.
Decoded name(const pfild_request& /*header*/, Body body) {
    if (body.empty() || body.size() > kLongestName) {
        return refuse("the name of an interface has 1 to 127 bytes", EINVAL);
    }
    if (!std::all_of(body.begin(), body.end(), [](std::uint8_t byte) { return byte > ' ' && byte <= '~'; })) {
        return core::fail({"set interface", "", "no interface has such a name", "", ENXIO});
    }
    return std::string(body.begin(), body.end());
}

Decoded read_timeout(const pfild_request& /*header*/, Body body) {
    return fixed<pfild_read_timeout>(body, [](const pfild_read_timeout& timeout) {
        return Decoded(capture::ReadTimeout{.seconds = timeout.seconds, .microseconds = timeout.microseconds});
    });
}

Decoded options(const pfild_request& /*header*/, Body body) {
    return fixed<pfild_options>(body, [](const pfild_options& wanted) -> Decoded {
        const std::array switches{wanted.immediate,   wanted.header_complete, wanted.feedback,
                                  wanted.nonblocking, wanted.incoming,        wanted.outgoing,
                                  wanted.origins,     wanted.nanoseconds,     wanted.personality};
        static_assert(capture::kPersonalityNames.size() == 2 && capture::kPrecisionNames.size() == 2);
        if (std::any_of(switches.begin(), switches.end(), [](std::uint8_t value) { return value > 1; }) ||
            std::any_of(std::begin(wanted.zero), std::end(wanted.zero),
                        [](std::uint8_t value) { return value != 0; })) {
            return refuse("an option that is neither 0 nor 1", EINVAL);
        }
        const Options options{.settings = {.immediate = wanted.immediate != 0,
                                           .header_complete = wanted.header_complete != 0,
                                           .feedback = wanted.feedback != 0,
                                           .nonblocking = wanted.nonblocking != 0,
                                           .origins = wanted.origins != 0,
                                           .precision = static_cast<capture::Precision>(wanted.nanoseconds),
                                           .personality = static_cast<capture::Personality>(wanted.personality)},
                              .directions = {wanted.incoming != 0, wanted.outgoing != 0}};
        return options.directions.empty() ? refuse("a device that sees nothing", EINVAL) : Decoded(options);
    });
}

Decoded option(const pfild_request& /*header*/, Body body) {
    return fixed<pfild_option>(body, [](const pfild_option& wanted) -> Decoded {
        if (wanted.name >= PFILD_OPTIONS) {
            return refuse("there is no such option", EINVAL);
        }
        const bool directions = wanted.name == PFILD_OPTION_DIRECTIONS;
        if (directions ? wanted.value < kIncoming || wanted.value > (kIncoming | kOutgoing) : wanted.value > 1) {
            return refuse(directions ? "directions are 1, 2 or 3" : "an option that is neither 0 nor 1", EINVAL);
        }
        return Option{.name = static_cast<pfild_option_name>(wanted.name), .value = wanted.value};
    });
}

Decoded frame(const pfild_request& /*header*/, Body body) { return Frame(body); }

using Reader = Decoded (*)(const pfild_request& header, Body body);

/// In the order of enum pfild_op.
constexpr std::array<Reader, PFILD_OPS> kReaders{
    open,    // OPEN
    nothing, // CLOSE
    read,    // READ
    number,  // CANCEL
    nothing, // GET_BUFFER_SIZE
    number,  // SET_BUFFER_SIZE
    filter,  // SET_FILTER
    filter,  // REPLACE_FILTER
    nothing, // FLUSH
    nothing, // SET_PROMISCUOUS
    nothing, // GET_DATA_LINK
    nothing, // GET_INTERFACE
    name,    // SET_INTERFACE
    nothing, // GET_READ_TIMEOUT
    read_timeout,
    nothing, // GET_OPTIONS
    options, // SET_OPTIONS
    nothing, // GET_STATS
    nothing, // GET_READABLE
    nothing, // SHARE
    option,  // SET_OPTION
    number,  // SET_DATA_LINK
    nothing, // GET_DATA_LINKS
    frame,   // WRITE
    filter,  // SET_WRITE_FILTER
    nothing, // LOCK
    nothing, // GET_VERSION
    nothing, // GET_WAIT_TIMEOUT
    read_timeout,
    nothing, // END_WAIT_TIMEOUT
};
static_assert(kReaders.back() != nullptr);

} // namespace

bool Request::malformed() const { return !payload && payload.error().code == EPROTO; }

Request decode(std::span<const std::uint8_t> message) {
    Request request{.payload = std::monostate{}};
    if (message.size() < sizeof request.header) {
        request.payload = refuse("the message is shorter than its header", EPROTO);
        return request;
    }
    std::memcpy(&request.header, message.data(), sizeof request.header);
    const Body body = message.subspan(sizeof request.header);
    if (message.size() > PFILD_WIRE_REQUEST_MAX || request.header.length != body.size() || request.header.zero != 0) {
        request.payload = refuse("the message is not what its header says", EPROTO);
    } else if (request.header.op >= PFILD_OPS) {
        request.payload = refuse("there is no such operation", ENOTTY);
    } else {
        request.payload = kReaders[request.header.op](request.header, body);
    }
    return request;
}

capture::DeviceOpener opener_of(const Opening& opening, const ucred& sender, std::optional<uid_t> file_server) {
    const bool believed = sender.uid == 0 || sender.uid == file_server;
    const Process whose =
        believed && opening.process ? *opening.process : Process{.uid = sender.uid, .pid = sender.pid};
    return {.uid = whose.uid, .pid = whose.pid, .access = opening.access};
}

pfild_options wire_options(const Options& options) {
    const capture::DeviceSettings& settings = options.settings;
    const auto bit = [](bool value) { return static_cast<__u8>(value ? 1 : 0); };
    return {.immediate = bit(settings.immediate),
            .header_complete = bit(settings.header_complete),
            .feedback = bit(settings.feedback),
            .nonblocking = bit(settings.nonblocking),
            .incoming = bit(options.directions.has(core::Direction::kIn)),
            .outgoing = bit(options.directions.has(core::Direction::kOut)),
            .origins = bit(settings.origins),
            .nanoseconds = static_cast<__u8>(settings.precision),
            .personality = static_cast<__u8>(settings.personality),
            .zero = {}};
}

Options with(Options options, const Option& change) {
    capture::DeviceSettings& settings = options.settings;
    const bool on = change.value != 0;
    switch (change.name) {
    case PFILD_OPTION_IMMEDIATE:
        settings.immediate = on;
        break;
    case PFILD_OPTION_HEADER_COMPLETE:
        settings.header_complete = on;
        break;
    case PFILD_OPTION_FEEDBACK:
        settings.feedback = on;
        break;
    case PFILD_OPTION_NONBLOCKING:
        settings.nonblocking = on;
        break;
    case PFILD_OPTION_DIRECTIONS:
        options.directions = {(change.value & kIncoming) != 0, (change.value & kOutgoing) != 0};
        break;
    case PFILD_OPTION_ORIGINS:
        settings.origins = on;
        break;
    case PFILD_OPTION_NANOSECONDS:
        settings.precision = static_cast<capture::Precision>(change.value);
        break;
    case PFILD_OPTION_PERSONALITY:
        settings.personality = static_cast<capture::Personality>(change.value);
        break;
    case PFILD_OPTIONS:
        break;
    }
    return options;
}

} // namespace pfild::device
