// SPDX-License-Identifier: BSD-2-Clause
// Takes in who connects to a local socket (bind_local), for as long as it lives. Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/loop.h"
#include "daemon/sys/repeats.h"

namespace pfild::sys {

class Acceptor {
  public:
    using Came = std::function<void(Fd connection)>;

    /// Owns the listening `socket` and its file at `path`. `came` is given each connection, which does not wait and is
    /// closed on exec. => `loop` outlives it.
    [[nodiscard]] static core::Result<std::unique_ptr<Acceptor>> start(Fd socket, std::string path, Loop& loop,
                                                                       Came came);
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    Acceptor(Acceptor&&) = delete;
    Acceptor& operator=(Acceptor&&) = delete;
    /// Removes the socket's file.
    ~Acceptor();

  private:
    Acceptor(Fd socket, std::string path, Loop& loop, Came came) noexcept;
    void accept_one();
    void rest();

    Loop& loop_;
    std::string path_;
    Came came_;
    Fd socket_;
    Registration accepting_;
    Registration rest_;
    Repeats failed_; ///< accept(2)
    Fd reserve_;     ///< gives way to the timer of a rest when there are no other descriptors
};

} // namespace pfild::sys
