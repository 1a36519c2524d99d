// SPDX-License-Identifier: BSD-2-Clause
// One message to or from the device socket, without waiting (pfild/wire.h). What comes in is checked as far as one
// message can be: its size, its header, its descriptors. Whether it answers what was asked is for the caller to judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "client/descriptor.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::client {

/// "/run/pfild/NAME/bpf.sock".
[[nodiscard]] std::string device_socket_path(std::string_view instance);

/// An answer. => not used once the bytes that it was received into are gone or written.
struct Reply {
    pfild_reply header{};
    std::span<const std::uint8_t> payload;
    Descriptor descriptor; ///< that came with it, if there was one

    /// The payload of an error: its words, without control characters; errno's if the daemon gave none.
    [[nodiscard]] std::string sentence() const;
};

/// A connected socket; `flags` as socket(2) takes them besides SOCK_CLOEXEC. ENOENT, ECONNREFUSED, EACCES and what else
/// connect(2) says; EAGAIN: the daemon has too many callers; a socket that may wait does so for `patience_ms`.
[[nodiscard]] core::Result<Descriptor> connect_device_socket(const std::string& path, int flags,
                                                             std::int64_t patience_ms);

/// A structure of pfild/wire.h as a payload. => outlives what is returned.
template <typename T>
[[nodiscard]] std::span<const std::uint8_t> payload_of(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

/// EAGAIN: there is no room now. EMSGSIZE: the payload is longer than the protocol allows. Others: the connection has
/// ended; with EPIPE and ECONNRESET the daemon has closed it, and there may be a last answer.
[[nodiscard]] core::Result<void> send_request(int socket, pfild_request header, std::span<const std::uint8_t> payload);

/// The next answer, into `bytes`. EAGAIN: there is none yet. EPROTO: it is malformed. EPIPE: the daemon has closed the
/// connection, and all that it said before has been received. => `bytes` has room for PFILD_WIRE_REPLY_MAX.
[[nodiscard]] core::Result<Reply> receive_reply(int socket, std::span<std::uint8_t> bytes);

} // namespace pfild::client
