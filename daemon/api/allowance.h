// SPDX-License-Identifier: BSD-2-Clause
// What users who are not root can have of the daemon's time: so many requests and so many bytes, theirs and the
// answers', in a second. Who has had that is told so once, and is then not heard until the second is over.
//
// The second of a user begins with his first request. A request that is begun is answered whole, however long its
// answer is; what is too much counts for the next one. Plain values; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "core/error.h"

namespace pfild::api {

struct Limits {
    std::size_t requests = 1000;                ///< of a user in a second, the making of connections included
    std::size_t bytes = std::size_t{16} << 20U; ///< of a user in a second: requests, arguments in memory, answers
    std::size_t streams = 2;                    ///< answers of a user that go on
    std::size_t all_streams = 8;                ///< of all together, root included: others still find a connection
};

class Allowance {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Allowance(Limits limits) : limits_(limits) {}

    /// One request of so many bytes. EBUSY: it is too much in this second.
    [[nodiscard]] core::Result<void> ask(std::uint32_t uid, std::size_t bytes, Time now);
    /// What the answer took.
    void add(std::uint32_t uid, std::size_t bytes, Time now);
    /// Until when he is not heard, after ask() has refused; nothing: he is.
    [[nodiscard]] std::optional<Time> rests_until(std::uint32_t uid, Time now) const;
    /// Whether to log that he was refused: once a minute.
    [[nodiscard]] bool worth_a_line(std::uint32_t uid, Time now);

  private:
    struct Account {
        Time begun;
        std::size_t requests = 0;
        std::size_t bytes = 0;
        bool refused = false;
        std::optional<Time> logged;
    };
    Account& account_of(std::uint32_t uid, Time now);
    void forget_the_idle(Time now);

    Limits limits_;
    std::map<std::uint32_t, Account> accounts_;
};

} // namespace pfild::api
