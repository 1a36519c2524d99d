// SPDX-License-Identifier: BSD-2-Clause
// Keeps names inside the process: while a NumericNames lives, this thread looks no name up.
//
// libpcap's compiler turns names into numbers by getaddrinfo(3), gethostbyname(3), getnetbyname_r(3), ether_hostton(3)
// and getprotobyname_r(3), and offers no switch. So the program that links this file defines those five itself; the
// dynamic linker then gives them to libpcap too. While the calling thread is in a NumericNames they answer
//
//     host, network, Ethernet host     numbers only; every name is unknown
//     service, protocol                what /etc/services and /etc/protocols say, read as files: no name service
//     switch,
//                                      no cache daemon, no socket
//
// and otherwise they pass the call on to the C library. Whether the linker really did so is not believed but tried:
// in_force() has libpcap resolve a number and looks whether the call came by here.
//
// The switch is one counter per thread, so that a resolver running on another thread is not touched.
#pragma once

namespace pfild::filter {

class NumericNames {
  public:
    NumericNames() noexcept;
    ~NumericNames();
    NumericNames(const NumericNames&) = delete;
    NumericNames& operator=(const NumericNames&) = delete;

    /// Does libpcap, called by this thread, arrive here? Asks for 127.0.0.1, which is no look-up for anybody.
    /// => a NumericNames of this thread is alive.
    [[nodiscard]] static bool in_force() noexcept;
};

} // namespace pfild::filter
