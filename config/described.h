// SPDX-License-Identifier: BSD-2-Clause
// What a model and its parts are called and may be, told once (describe/shape.h): the reader of files, the canonical
// JSON and the tables of the manual follow from it.
//
// Canonical JSON is what `config show` prints and what a kept model holds: every member is written, in one order, so
// that equal models have equal texts. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/model.h"
#include "core/error.h"
#include "describe/describe.h"

namespace pfild::config {

void describe(describe::Fields& fields, Settings& settings);
void describe(describe::Fields& fields, Interface& interface);
void describe(describe::Fields& fields, Hook& hook);
void describe(describe::Fields& fields, Link& link);
void describe(describe::Fields& fields, Peer& peer);
void describe(describe::Fields& fields, Model& model);

// What is the same in a model and in a file.
void describe_how(describe::Fields& fields, Hook& hook);
void describe_ends(describe::Fields& fields, Link& link);
void describe_verbs(describe::Fields& fields, Peer& peer);

/// One line; or a page, for people.
[[nodiscard]] std::string canonical_json(const Model& model);
[[nodiscard]] std::string canonical_page(const Model& model);

/// The same model in order. EINVAL: it has flaws, or a program that does not verify; `why` names the first.
[[nodiscard]] core::Result<Model> checked(Model model);
/// A model in order without flaws, whose programs verify. EINVAL: `why` names the first mistake.
[[nodiscard]] core::Result<Model> model_of(const describe::Value& value);
[[nodiscard]] core::Result<Model> model_of_json(std::string_view text);

/// Of the canonical JSON: two models have the same one only if they want the same.
[[nodiscard]] std::string digest_of(const Model& model);

} // namespace pfild::config
