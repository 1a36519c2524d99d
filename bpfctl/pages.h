// SPDX-License-Identifier: BSD-2-Clause
// Answers that come in pages: {"flows": [...], "next": 64} is asked for again from 64 on, until next is null.
//
// One object is made of them: {"count": n, "flows": [...]}. count is how many there were, the list holds those that are
// wanted (as with the lists of PF-32). Only these are kept in memory.
#pragma once

#include <functional>
#include <string_view>

#include "bpfctl/failure.h"
#include "bpfctl/json.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {

/// Asks for the page that the arguments name.
using AskPage = std::function<Outcome<Json>(const Json& arguments)>;

/// The whole list of that name. Exit::kUnreachable if a page does not lead on.
[[nodiscard]] Outcome<Json> ask_pages(const AskPage& ask, std::string_view list, const Question& question);

} // namespace pfild::bpfctl
