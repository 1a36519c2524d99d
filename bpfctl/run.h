// SPDX-License-Identifier: BSD-2-Clause
// The whole story of one command: words, question, answer, text, exit code.
//
//     words -> parse -> arguments (checked, compiled) -> ask, page by page -> text or JSON on `out`, exit 0 or 4
//                \________________\________________\--> one line, or one JSON object, on `err`, exit 1, 2 or 3
//
// A verb that is more than a question (capture) does its work instead of asking, and prints by itself.
// Any other prints nothing on `out` unless it succeeded. No exception leaves run().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfctl/client.h"
#include "bpfctl/console.h"
#include "bpfctl/failure.h"

namespace pfild::bpfctl {

/// Asks a daemon: where it is, the verb of the protocol, its arguments.
using Ask = std::function<Outcome<Json>(const Endpoint& endpoint, std::string_view verb, const Json& arguments)>;

/// Connects, asks and closes.
[[nodiscard]] Outcome<Json> ask_daemon(const Endpoint& endpoint, std::string_view verb, const Json& arguments);

/// `words` without the program's name.
[[nodiscard]] Exit run(const std::vector<std::string>& words, const Console& console, const Ask& ask);

} // namespace pfild::bpfctl
