// SPDX-License-Identifier: BSD-2-Clause
// A line in, a line out: finds the row of the verb (control/verbs.h), asks whether the peer may use it, fetches the
// arguments from memory if they are there, and lets the row ask the service. Who has changed what is logged, a line a
// change. Control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/message.h"
#include "control/rights.h"
#include "control/service.h"
#include "daemon/sys/fd.h"

namespace pfild::api {

/// An answer that goes on.
struct Stream {
    std::uint64_t id = 0; ///< of the request
    const control::Verb* verb = nullptr;
    std::uint64_t place = 0; ///< how far it is
};

/// What a connection was sent.
struct Question {
    std::string_view line; ///< without its newline
    control::Peer peer;
    int pidfd = -1;            ///< of the peer
    sys::Fd* memory = nullptr; ///< a descriptor that came with the line; a verb that reads its arguments there takes it
    bool too_many = false;     ///< and there was another one, which is closed
    std::optional<Stream>* stream = nullptr; ///< for an answer that goes on; nullptr: it ends with its first line
    std::string no_stream{};                 ///< why it may not go on; empty: it may
};

class Dispatcher {
  public:
    /// => `service` outlives it.
    Dispatcher(control::Service& service, control::AttachDefaults defaults) noexcept
        : service_(service), defaults_(defaults) {}

    void set_defaults(control::AttachDefaults defaults) noexcept { defaults_ = defaults; }
    void set_grants(std::vector<control::Grant> grants) noexcept { grants_ = std::move(grants); }
    [[nodiscard]] const std::vector<control::Grant>& grants() const noexcept { return grants_; }

    /// The answer has a newline. Never throws for what the question holds.
    [[nodiscard]] std::string answer(const Question& question);
    /// What comes next of an answer that goes on; empty: nothing yet. It ends when the peer may not ask for it any
    /// more.
    [[nodiscard]] std::string next(const control::Peer& peer, std::optional<Stream>& stream);
    /// In the log, and to those who follow: what the peer has changed.
    void tell(const control::Peer& peer, std::string_view verb, const describe::Value& arguments,
              const std::optional<std::string>& unrecorded);
    /// Asked by the daemon itself.
    [[nodiscard]] std::string answer(std::string_view line) { return answer({.line = line, .peer = {.owner = true}}); }

  private:
    [[nodiscard]] core::Result<describe::Value> run(const Question& question, const control::Request& request,
                                                    control::Beside& beside);
    [[nodiscard]] static bool begin_stream(const Question& question, const control::Request& request,
                                           const describe::Value& first);

    control::Service& service_;
    control::AttachDefaults defaults_;
    std::vector<control::Grant> grants_;
};

} // namespace pfild::api
