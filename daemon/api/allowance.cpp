// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/allowance.h.
#include "daemon/api/allowance.h"

#include <cerrno>

#include <fmt/format.h>

namespace pfild::api {
namespace {

constexpr std::chrono::seconds kSecond{1};
constexpr std::chrono::seconds kMinute{60};

} // namespace

Allowance::Account& Allowance::account_of(std::uint32_t uid, Time now) {
    const auto found = accounts_.find(uid);
    if (found == accounts_.end()) {
        forget_the_idle(now);
        return accounts_.emplace(uid, Account{.begun = now, .logged = {}}).first->second;
    }
    Account& account = found->second;
    if (now - account.begun >= kSecond) {
        account = {.begun = now, .logged = account.logged};
    }
    return account;
}

/// There are as many accounts as users who have asked within a minute.
void Allowance::forget_the_idle(Time now) {
    std::erase_if(accounts_, [now](const auto& entry) { return now - entry.second.begun >= kMinute; });
}

core::Result<void> Allowance::ask(std::uint32_t uid, std::size_t bytes, Time now) {
    Account& account = account_of(uid, now);
    std::string why;
    if (account.requests >= limits_.requests) {
        why = fmt::format("user {} asks more than {} times a second", uid, limits_.requests);
    } else if (account.bytes >= limits_.bytes) {
        why = fmt::format("user {} has had {} bytes in this second", uid, account.bytes);
    }
    if (!why.empty()) {
        account.refused = true;
        return core::fail({"request", "", std::move(why), "wait a second", EBUSY});
    }
    account.requests++;
    account.bytes += bytes;
    return {};
}

void Allowance::add(std::uint32_t uid, std::size_t bytes, Time now) { account_of(uid, now).bytes += bytes; }

std::optional<Allowance::Time> Allowance::rests_until(std::uint32_t uid, Time now) const {
    const auto found = accounts_.find(uid);
    if (found == accounts_.end() || !found->second.refused || now - found->second.begun >= kSecond) {
        return std::nullopt;
    }
    return found->second.begun + kSecond;
}

bool Allowance::worth_a_line(std::uint32_t uid, Time now) {
    std::optional<Time>& logged = account_of(uid, now).logged;
    if (logged && now - *logged < kMinute) {
        return false;
    }
    logged = now;
    return true;
}

} // namespace pfild::api
