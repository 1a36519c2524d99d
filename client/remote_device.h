// SPDX-License-Identifier: BSD-2-Clause
// A bpf device of the daemon: its calls as functions. Each asks and waits for the answer.
//
//     open -> set_buffer_size, set_filter, set_options, set_read_timeout -> set_interface -> read .. -> close
//
// The order matters as it does with bpf(4): buffers cannot change once there is an interface, and packets are captured
// from then on. Errors that the daemon said have its errno and its sentence as `why`; then connected() is still true.
// If it is false, the daemon did not answer, or not as pfild/wire.h says, and the device is gone.
//
// Owns the connection, and with it the device. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client/descriptor.h"
#include "client/device_connection.h"
#include "client/mapping.h"
#include "core/error.h"
#include "pfild/wire.h"

namespace pfild::client {

/// What a read does when there is nothing.
struct ReadWish {
    bool nonblocking = false; ///< it fails with EAGAIN, and takes what is not a full buffer too
    int wake = -1;            ///< it waits; if this descriptor becomes readable meanwhile, it is cancelled: EINTR
};

class RemoteDevice {
  public:
    /// Asks for a device over this connection. ENOBUFS: there are too many. EAGAIN, EMFILE: there are too many
    /// connections, in all or of this user. EPROTONOSUPPORT: the daemon speaks another version of the protocol.
    [[nodiscard]] static core::Result<RemoteDevice> open(DeviceConnection connection,
                                                         pfild_access access = PFILD_ACCESS_READ);

    /// The interface by name, 1 to 127 bytes, or "any" (BIOCSETIF). EINVAL: the name, or there is one already.
    [[nodiscard]] core::Result<void> set_interface(std::string_view name);
    /// At most 512 instructions; none: every packet, whole (BIOCSETF).
    [[nodiscard]] core::Result<void> set_filter(std::span<const pfild_instruction> program);
    /// Bytes; the answer is what they became (BIOCSBLEN).
    [[nodiscard]] core::Result<std::uint32_t> set_buffer_size(std::uint32_t bytes);
    [[nodiscard]] core::Result<void> set_options(const pfild_options& options);
    /// How long a read waits (BIOCSRTIMEOUT); 0: for ever. Negative ones are the daemon's to refuse.
    [[nodiscard]] core::Result<void> set_read_timeout(std::chrono::microseconds timeout);
    /// What is sent to others, too, until the device ends (BIOCPROMISC). EINVAL: of "any", or no interface yet.
    [[nodiscard]] core::Result<void> set_promiscuous();
    /// DLT_ number of the interface's packets (BIOCGDLT).
    [[nodiscard]] core::Result<std::uint32_t> data_link();
    [[nodiscard]] core::Result<pfild_stats> stats();

    /// Records as read(2) on a bpf device returns them (pfild/record.h), bytes. => the buffer has the device's buffer
    /// size. EAGAIN: nothing within the read time-out. EINTR: see ReadWish; nothing is lost. EIO, ENXIO: the interface
    /// is gone, and everything was read. EINVAL: another size, or no interface yet.
    [[nodiscard]] core::Result<std::size_t> read(std::span<std::uint8_t> buffer, const ReadWish& wish = {});

    /// Maps the device's buffers, so that borrow() can be called. EINVAL: it has no interface yet. EOPNOTSUPP, ENOTTY:
    /// the daemon does not share them; read() goes on to work.
    [[nodiscard]] core::Result<void> share();
    /// As read(), without a copy: the records where the daemon has put them. => shared; they are not used after the
    /// next read() or borrow() or set_filter().
    [[nodiscard]] core::Result<std::span<const std::uint8_t>> borrow(const ReadWish& wish = {});

    /// The device ends. Also done by the destructor, without waiting.
    [[nodiscard]] core::Result<void> close();

    /// What a program polls: readable when a read would not wait, POLLHUP when the interface is gone.
    [[nodiscard]] int readiness() const noexcept { return readiness_.get(); }
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] bool connected() const noexcept { return connection_.connected(); }

  private:
    /// A READ on its way.
    struct Reading {
        std::uint32_t size; ///< of the buffer, bytes
        std::span<std::uint8_t> buffer;
        bool lend = false;
        std::uint32_t id = 0;
        bool cancelled = false;
        std::optional<std::uint32_t> cancel; ///< id of the CANCEL that is not answered yet
        bool ended = false;
        std::size_t filled = 0;
        std::span<const std::uint8_t> lent;
        std::optional<core::Error> error; ///< it ended with
    };

    RemoteDevice(DeviceConnection connection, std::uint32_t number, Descriptor readiness)
        : connection_(std::move(connection)), readiness_(std::move(readiness)), number_(number) {}

    [[nodiscard]] core::Result<std::span<const std::uint8_t>> ask(pfild_op op, std::span<const std::uint8_t> payload,
                                                                  std::size_t answer_size, std::string_view object);
    [[nodiscard]] core::Result<Reply> answer_to(pfild_op op, std::uint32_t id);
    [[nodiscard]] core::Result<void> perform(Reading& reading, const ReadWish& wish);
    [[nodiscard]] core::Result<void> take(Reading& reading, const Reply& reply);
    [[nodiscard]] core::Result<void> take_lent(Reading& reading, const Reply& reply);
    [[nodiscard]] core::Result<void> send_cancel(Reading& reading);
    [[nodiscard]] Patience patience_for(const Reading& reading, const ReadWish& wish) const;

    DeviceConnection connection_;
    Descriptor readiness_;
    std::uint32_t number_;
    Mapping shared_; ///< both buffers, once they are
    std::chrono::microseconds timeout_{0};
};

} // namespace pfild::client
