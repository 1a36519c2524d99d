// SPDX-License-Identifier: BSD-2-Clause
// A connection of the device socket: takes requests, does them, answers; owns the devices that were opened over it,
// which are closed with it.
//
//      unknown, malformed ----> EPROTO, end
//      OPEN ------------------> a Client, a device, a descriptor
//      device is another's ---> EBADF
//      READ, CANCEL, CLOSE ---> the device
//      SHARE -----------------> the memory of its buffers, a descriptor
//      WRITE -----------------> a frame, also while a read waits
//      all others ------------> EIO while a read waits; else what decode() says; else operate()
//
// Who asks is what the kernel says of each message: the user of OPEN is whose device it is, the process of the last
// request is whom listings show; of a device that is opened for another program that program. Nothing waits; a
// connection that has ended is to be destroyed by its owner. Device thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <sys/types.h>

#include "capture/device_table.h"
#include "daemon/device/client.h"
#include "daemon/device/message.h"
#include "daemon/device/replies.h"
#include "daemon/device/request.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

class Connection {
  public:
    /// `user`: who has connected; `file_server`: see opener_of().
    /// => SO_PASSCRED is set on `socket`; `table` outlives it, and its devices are closed by their connections alone.
    Connection(sys::Fd socket, capture::DeviceTable& table, uid_t user, std::optional<uid_t> file_server);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    /// Closes its devices. Who reads after that finds the answers he has not taken, then the end.
    ~Connection();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// Whose connection it is: that of who has connected, or of who it has last opened a device for.
    [[nodiscard]] uid_t user() const noexcept { return user_; }
    /// The other side has closed, has sent what is no request, or does not take its answers.
    [[nodiscard]] bool ended() const noexcept { return ended_ || replies_.broken(); }
    /// Does what requests have come, but not so many that others wait for long.
    void proceed(std::uint64_t now_ns);
    /// Says why there will be nothing more, and ends.
    void end_with(const pfild_reply& reply, const core::Error& error);

  private:
    void handle(const Message& message, std::uint64_t now_ns);
    void catch_up(const Request& request);
    void open(Request& request, const ucred& sender);
    [[nodiscard]] core::Result<void> open_device(const Opening& opening, const ucred& sender, pfild_reply& reply);
    void close(const Request& request);
    void read(const Request& request, Client& client, std::uint64_t now_ns);
    void cancel(const Request& request);
    void share(const Request& request, Client& client);
    void write(const Request& request);
    void operate_on(Request& request);
    void make_room_for_reads();

    sys::Fd socket_;
    capture::DeviceTable& table_;
    uid_t user_;
    std::optional<uid_t> file_server_;
    Replies replies_;
    std::map<capture::DeviceNumber, std::unique_ptr<Client>> clients_;
    std::vector<std::uint8_t> buffer_; ///< for one request
    bool ended_ = false;
};

} // namespace pfild::device
