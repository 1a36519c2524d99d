// SPDX-License-Identifier: BSD-2-Clause
// See ioctls.h.
#include "devbpf/ioctls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "pfild/net/bpf.h"

namespace pfild::devbpf {
namespace {

static_assert(sizeof(bpf_insn) == sizeof(pfild_instruction) && sizeof(bpf_version) == sizeof(pfild_version));
static_assert(sizeof(timeval) == sizeof(pfild_read_timeout) && sizeof(bpf_hdr) == sizeof(pfild_record));
static_assert(sizeof(bpf_stat) == 128 && BPF_MAXBUFSIZE == kLargestBuffer && BPF_MAXINSNS == kMostInstructions);

template <typename T>
Bytes bytes_of(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

/// => `bytes` has the size of T.
template <typename T>
T value_of(ByteView bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

tl::unexpected<core::Error> refuse(const char* why, int code) { return core::fail({"ioctl", "", why, "", code}); }

tl::unexpected<core::Error> nonsense() { return refuse("the daemon's answer has another size", EIO); }

using Asked = core::Result<void>;
using Told = core::Result<Answer>;

// What is asked: the payload of the request, from the argument.

Asked ask_nothing(Question& /*question*/, ByteView /*argument*/) { return {}; }

Asked ask_argument(Question& question, ByteView argument) {
    question.payload.assign(argument.begin(), argument.end());
    return {};
}

Asked ask_size(Question& question, ByteView argument) {
    question.payload = bytes_of(std::min(value_of<std::uint32_t>(argument), kLargestBuffer));
    return {};
}

/// The name ends at its zero, or with its field. An empty one is sent as a name that no interface has: so the daemon
/// refuses it, and what stands against every name comes first.
Asked ask_name(Question& question, ByteView argument) {
    const ByteView field = argument.first(IFNAMSIZ - 1);
    question.payload.assign(field.begin(), std::find(field.begin(), field.end(), 0));
    if (question.payload.empty()) {
        question.payload = {' '};
    }
    return {};
}

Asked ask_program(Question& question, ByteView argument) {
    const auto program = value_of<bpf_program>(argument);
    if (program.bf_len > kMostInstructions) {
        return refuse("a filter has at most 512 instructions", EINVAL);
    }
    if (program.bf_len != 0) {
        question.program = ProgramAt{.address = reinterpret_cast<std::uint64_t>(program.bf_insns),
                                     .bytes = static_cast<std::uint32_t>(program.bf_len * sizeof(bpf_insn))};
    }
    return {};
}

Asked ask_link_types(Question& question, ByteView argument) {
    const auto list = value_of<bpf_dltlist>(argument);
    question.link_types = {.address = reinterpret_cast<std::uint64_t>(list.bfl_list), .room = list.bfl_len};
    return {};
}

template <pfild_option_name kName>
Asked ask_option(Question& question, ByteView argument) {
    const std::uint32_t on = value_of<std::uint32_t>(argument) != 0 ? 1 : 0;
    question.payload = bytes_of(pfild_option{.name = kName, .value = on});
    return {};
}

/// In the order of BPF_D_IN, BPF_D_INOUT, BPF_D_OUT: the values of PFILD_OPTION_DIRECTIONS.
constexpr std::array<std::uint32_t, 3> kDirections{1, 3, 2};

Asked ask_directions(Question& question, ByteView argument) {
    const auto wanted = value_of<std::uint32_t>(argument);
    if (wanted >= kDirections.size()) {
        return refuse("a direction is 0 (in), 1 (both) or 2 (out)", EINVAL);
    }
    question.payload = bytes_of(pfild_option{.name = PFILD_OPTION_DIRECTIONS, .value = kDirections.at(wanted)});
    return {};
}

/// The bits of PFILD_OPTION_DIRECTIONS are those of BPF_DIRECTION_IN and _OUT, which name what is left out.
constexpr std::uint32_t kBothDirections = BPF_DIRECTION_IN | BPF_DIRECTION_OUT;

Asked ask_left_out(Question& question, ByteView argument) {
    const auto left_out = value_of<std::uint32_t>(argument);
    if (left_out >= kBothDirections) {
        return refuse("what is left out is 0 (nothing), 1 (in) or 2 (out)", EINVAL);
    }
    question.payload = bytes_of(pfild_option{.name = PFILD_OPTION_DIRECTIONS, .value = kBothDirections & ~left_out});
    return {};
}

// What is told: the argument, from the payload of the answer.

Told tell_nothing(const Question& /*asked*/, ByteView /*payload*/) { return Answer{}; }

/// => the ioctl's number says that there is something to be told.
Told tell_payload(const Question& asked, ByteView payload) {
    if (payload.size() != _IOC_SIZE(asked.number)) {
        return nonsense();
    }
    return Answer{.argument = {payload.begin(), payload.end()}, .link_types = {}};
}

Told tell_name(const Question& /*asked*/, ByteView payload) {
    ifreq request{};
    if (payload.empty()) {
        return nonsense();
    }
    std::memcpy(request.ifr_name, payload.data(), std::min(payload.size(), sizeof request.ifr_name - 1));
    return Answer{.argument = bytes_of(request), .link_types = {}};
}

template <typename Stats>
Told tell_stats(const Question& /*asked*/, ByteView payload) {
    if (payload.size() != sizeof(pfild_stats)) {
        return nonsense();
    }
    const auto stats = value_of<pfild_stats>(payload);
    Stats told{};
    told.bs_recv = static_cast<decltype(told.bs_recv)>(stats.received);
    told.bs_drop = static_cast<decltype(told.bs_drop)>(stats.dropped);
    if constexpr (std::is_same_v<Stats, bpf_stat>) {
        told.bs_capt = stats.captured;
    }
    return Answer{.argument = bytes_of(told), .link_types = {}};
}

template <std::uint32_t (*read)(const pfild_options&)>
Told tell_option(const Question& /*asked*/, ByteView payload) {
    if (payload.size() != sizeof(pfild_options)) {
        return nonsense();
    }
    return Answer{.argument = bytes_of(read(value_of<pfild_options>(payload))), .link_types = {}};
}

std::uint32_t header_complete(const pfild_options& options) { return options.header_complete; }

std::uint32_t feedback(const pfild_options& options) { return options.feedback; }

std::uint32_t left_out(const pfild_options& options) {
    return (options.incoming == 0 ? BPF_DIRECTION_IN : 0U) | (options.outgoing == 0 ? BPF_DIRECTION_OUT : 0U);
}

std::uint32_t directions(const pfild_options& options) {
    return options.incoming == 0 ? BPF_D_OUT : options.outgoing == 0 ? BPF_D_IN : BPF_D_INOUT;
}

Told tell_link_types(const Question& asked, ByteView payload) {
    if (payload.empty() || payload.size() % sizeof(std::uint32_t) != 0 ||
        payload.size() > kMostLinkTypes * sizeof(std::uint32_t)) {
        return nonsense();
    }
    const auto count = static_cast<std::uint32_t>(payload.size() / sizeof(std::uint32_t));
    bpf_dltlist list{};
    list.bfl_len = count;
    list.bfl_list = reinterpret_cast<unsigned int*>(asked.link_types.address); // as it came
    if (asked.link_types.address == 0) {
        return Answer{.argument = bytes_of(list), .link_types = {}};
    }
    if (asked.link_types.room < count) {
        return refuse("there is no room for all link types", ENOMEM);
    }
    return Answer{.argument = bytes_of(list), .link_types = {payload.begin(), payload.end()}};
}

struct Row {
    unsigned long number;
    pfild_op op;
    Asked (*ask)(Question& question, ByteView argument);
    Told (*tell)(const Question& asked, ByteView payload);
};

constexpr std::array kRows{
    Row{BIOCGBLEN, PFILD_OP_GET_BUFFER_SIZE, ask_nothing, tell_payload},
    Row{BIOCSBLEN, PFILD_OP_SET_BUFFER_SIZE, ask_size, tell_payload},
    Row{BIOCSETF, PFILD_OP_SET_FILTER, ask_program, tell_nothing},
    Row{BIOCSETFNR, PFILD_OP_REPLACE_FILTER, ask_program, tell_nothing},
    Row{BIOCSETWF, PFILD_OP_SET_WRITE_FILTER, ask_program, tell_nothing},
    Row{BIOCFLUSH, PFILD_OP_FLUSH, ask_nothing, tell_nothing},
    Row{BIOCPROMISC, PFILD_OP_SET_PROMISCUOUS, ask_nothing, tell_nothing},
    Row{BIOCGDLT, PFILD_OP_GET_DATA_LINK, ask_nothing, tell_payload},
    Row{BIOCSDLT, PFILD_OP_SET_DATA_LINK, ask_argument, tell_nothing},
    Row{BIOCGDLTLIST, PFILD_OP_GET_DATA_LINKS, ask_link_types, tell_link_types},
    Row{BIOCGETIF, PFILD_OP_GET_INTERFACE, ask_nothing, tell_name},
    Row{BIOCSETIF, PFILD_OP_SET_INTERFACE, ask_name, tell_nothing},
    Row{BIOCGSTATS, PFILD_OP_GET_STATS, ask_nothing, tell_stats<bpf_stat>},
    Row{BIOCGSTATSOLD, PFILD_OP_GET_STATS, ask_nothing, tell_stats<bpf_stat_old>},
    Row{BIOCIMMEDIATE, PFILD_OP_SET_OPTION, ask_option<PFILD_OPTION_IMMEDIATE>, tell_nothing},
    Row{BIOCVERSION, PFILD_OP_GET_VERSION, ask_nothing, tell_payload},
    Row{BIOCGHDRCMPLT, PFILD_OP_GET_OPTIONS, ask_nothing, tell_option<header_complete>},
    Row{BIOCSHDRCMPLT, PFILD_OP_SET_OPTION, ask_option<PFILD_OPTION_HEADER_COMPLETE>, tell_nothing},
    Row{BIOCGDIRECTION, PFILD_OP_GET_OPTIONS, ask_nothing, tell_option<directions>},
    Row{BIOCSDIRECTION, PFILD_OP_SET_OPTION, ask_directions, tell_nothing},
    Row{BIOCGRTIMEOUT, PFILD_OP_GET_READ_TIMEOUT, ask_nothing, tell_payload},
    Row{BIOCSRTIMEOUT, PFILD_OP_SET_READ_TIMEOUT, ask_argument, tell_nothing},
    Row{BIOCGFEEDBACK, PFILD_OP_GET_OPTIONS, ask_nothing, tell_option<feedback>},
    Row{BIOCSFEEDBACK, PFILD_OP_SET_OPTION, ask_option<PFILD_OPTION_FEEDBACK>, tell_nothing},
    Row{BIOCGDIRFILT, PFILD_OP_GET_OPTIONS, ask_nothing, tell_option<left_out>},
    Row{BIOCSDIRFILT, PFILD_OP_SET_OPTION, ask_left_out, tell_nothing},
    Row{BIOCGWTIMEOUT, PFILD_OP_GET_WAIT_TIMEOUT, ask_nothing, tell_payload},
    Row{BIOCSWTIMEOUT, PFILD_OP_SET_WAIT_TIMEOUT, ask_argument, tell_nothing},
    Row{BIOCDWTIMEOUT, PFILD_OP_END_WAIT_TIMEOUT, ask_nothing, tell_nothing},
    Row{BIOCLOCK, PFILD_OP_LOCK, ask_nothing, tell_nothing},
};

const Row* row_of(std::uint32_t number) {
    const auto* const row =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) { return one.number == number; });
    return row == kRows.end() ? nullptr : row;
}

} // namespace

core::Result<Question> question(std::uint32_t number, ByteView argument) {
    const Row* const row = row_of(number);
    if (row == nullptr) {
        return refuse("the device has no such ioctl", ENOTTY);
    }
    const std::size_t comes = (_IOC_DIR(number) & _IOC_WRITE) != 0 ? _IOC_SIZE(number) : 0;
    if (argument.size() < comes) {
        return refuse("its argument is shorter than its number says", EINVAL);
    }
    Question question{.number = number, .op = row->op, .payload = {}, .program = {}, .link_types = {}};
    return row->ask(question, argument.first(comes)).map([&] { return std::move(question); });
}

core::Result<Answer> answer(const Question& asked, ByteView payload) {
    return row_of(asked.number)->tell(asked, payload);
}

} // namespace pfild::devbpf
