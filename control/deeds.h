// SPDX-License-Identifier: BSD-2-Clause
// Who has changed what: the last changes, in a ring, for those who follow them (`monitor`).
//
//     add() ──> ring of kKept ──> after(place), for each follower at his own pace
//
// A follower has a place in the ring and nothing else; one who is slower than the ring is told how many he has missed.
// So he costs the same memory however slow he is. Plain values; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "describe/shape.h"

namespace pfild::control {

struct DeedView {
    std::uint64_t number = 0; ///< counts all changes since the daemon began
    std::uint64_t missed = 0; ///< changes before this one that the follower was too slow for
    double at_s = 0;          ///< since 1970
    std::uint32_t uid = 0;
    std::uint32_t pid = 0;
    std::string verb;
    std::string did;                       ///< the verb and what it was done to: "link cbpf:a inet"
    std::optional<std::string> unrecorded; ///< why it will be forgotten
};
void describe(describe::Fields& fields, DeedView& view);

class Deeds {
  public:
    static constexpr std::size_t kKept = 256;

    /// It gets its number.
    void add(DeedView deed);
    /// Called after each.
    void on_add(std::function<void()> told) { told_ = std::move(told); }

    /// Where a follower begins: no change, with the number of the last one.
    [[nodiscard]] DeedView begin() const;
    /// The first kept one after the change of that number, which becomes its number. Nothing: there is none yet.
    [[nodiscard]] std::optional<DeedView> after(std::uint64_t& place) const;

  private:
    std::uint64_t count_ = 0;
    std::deque<DeedView> kept_; ///< the last of them is number count_
    std::function<void()> told_;
};

} // namespace pfild::control
