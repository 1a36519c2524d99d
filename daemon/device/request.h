// SPDX-License-Identifier: BSD-2-Clause
// A message of the device socket as a checked request, or why it is none. The bytes are hostile: they are copied before
// they are looked at, nothing outside of them is read, and nothing they hold throws. Pure.
//
//      bytes --decode()--> header, and its payload in the terms of capture, or an Error
//
// An Error with EPROTO means that the message is no request at all: the connection cannot go on. Every other one is the
// answer to this request, unless something that is looked at before stands against it (include/pfild/wire.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include <sys/socket.h>
#include <sys/types.h>

#include "capture/device_table.h"
#include "cbpf/program.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::device {

/// struct pfild_options.
struct Options {
    capture::DeviceSettings settings;
    core::Directions directions;

    friend bool operator==(const Options&, const Options&) = default;
};

/// struct pfild_option: => its value is one that its name can have.
struct Option {
    pfild_option_name name = PFILD_OPTION_IMMEDIATE;
    std::uint32_t value = 0;

    friend bool operator==(const Option&, const Option&) = default;
};

/// A process that a device is opened for, as the sender says.
struct Process {
    std::uint32_t uid = 0;
    std::int32_t pid = 0;

    friend bool operator==(const Process&, const Process&) = default;
};

/// struct pfild_open, or with a process struct pfild_open_for.
struct Opening {
    capture::Access access = capture::Access::kBoth;
    std::optional<Process> process;

    friend bool operator==(const Opening&, const Opening&) = default;
};

/// A verified program; nothing: no filter.
using Filter = std::optional<cbpf::Program>;

/// The bytes of a frame, which are those of the message.
using Frame = std::span<const std::uint8_t>;

/// Which one an op has: OPEN Opening; READ ReadRequest; CANCEL, SET_BUFFER_SIZE, SET_DATA_LINK a number; SET_FILTER,
/// REPLACE_FILTER, SET_WRITE_FILTER Filter; SET_INTERFACE a name of visible ASCII; SET_READ_TIMEOUT and
/// SET_WAIT_TIMEOUT ReadTimeout; SET_OPTIONS Options; SET_OPTION Option; WRITE Frame; all others none.
using Payload = std::variant<std::monostate, Opening, capture::ReadRequest, std::uint32_t, Filter, std::string,
                             capture::ReadTimeout, Options, Option, Frame>;

struct Request {
    pfild_request header{};        ///< as it came; zeros when the message is too short for one
    core::Result<Payload> payload; ///< => with one, header.op is below PFILD_OPS and header.length is right

    [[nodiscard]] bool malformed() const;
};

/// EPROTO malformed; ENOTTY no such op; EPROTONOSUPPORT OPEN of another version; EINVAL a payload of another size, with
/// values that are none, or a program that does not verify; ENXIO a name that no interface can have.
[[nodiscard]] Request decode(std::span<const std::uint8_t> message);

/// Whose device it becomes: that of the process it is opened for, if the sender is believed, else the sender's.
/// `file_server`: the user who is believed besides root.
[[nodiscard]] capture::DeviceOpener opener_of(const Opening& opening, const ucred& sender,
                                              std::optional<uid_t> file_server);

/// The other way.
[[nodiscard]] pfild_options wire_options(const Options& options);

/// The same with one of them changed.
[[nodiscard]] Options with(Options options, const Option& change);

} // namespace pfild::device
