// SPDX-License-Identifier: BSD-2-Clause
// The names of the interfaces that packets are captured from: those that the capture was given, and for `any` what the
// daemon calls the number in a record. The daemon may be in another network namespace, so only the daemon is asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pfild::bpfctl {

class Interfaces {
  public:
    using Known = std::map<std::uint32_t, std::string>; ///< ifindex -> name
    using Ask = std::function<Known()>;

    /// `given`: one of each source. `ask`: what is attached now; empty if nobody says.
    Interfaces(std::vector<std::string> given, Ask ask) : given_(std::move(given)), ask_(std::move(ask)) {}

    /// Whether a packet can be from more than one.
    [[nodiscard]] bool several() const { return given_.size() > 1 || given_.front() == "any"; }
    /// Whether a source is `any`, so that its packets can be from several.
    [[nodiscard]] bool is_any(std::size_t source) const { return given_.at(source) == "any"; }
    /// "eth0, eth1".
    [[nodiscard]] std::string text() const;
    /// The interface of a packet of this source; "if7" if nobody knows its name. Asks once about a number.
    [[nodiscard]] const std::string& name_of(std::size_t source, std::uint32_t ifindex);
    /// Whether a program that is started here finds the same names under the numbers.
    [[nodiscard]] bool are_those_here();

  private:
    std::vector<std::string> given_;
    Ask ask_;
    Known known_;
};

} // namespace pfild::bpfctl
