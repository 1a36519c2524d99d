// SPDX-License-Identifier: BSD-2-Clause
// What the verbs of bpfctl do to a model: one change each, of a copy that the caller then has put in force or throws
// away. The errors and their order are those of pfil(9) (PF-07, PF-09, PF-29, PF-30).
//
// => the model is in order, and stays so. After an error it is unchanged. Any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/model.h"
#include "core/error.h"
#include "core/pfil/registry.h"

namespace pfild::config {

/// EINVAL: name. EEXIST.
[[nodiscard]] core::Result<void> add_interface(Model& model, Interface interface);
/// With all links of its head. ENODEV.
[[nodiscard]] core::Result<void> remove_interface(Model& model, std::string_view name);
/// An interface is guarded no more, whatever pattern means it.
void leave_alone(Model& model, std::string_view name, Owner owner);
/// Interfaces that a verb has said to leave alone, and that no pattern means any more.
void forget_left_alone(Model& model);
/// What the kernel calls them now, by the names they had; links of their heads go with them. An item that has one of
/// the new names gives way, with its links.
void rename_interfaces(Model& model, const std::map<std::string, std::string>& names);

/// EINVAL: name. EEXIST. ENOBUFS: as many as there can be.
[[nodiscard]] core::Result<void> add_hook(Model& model, Hook hook);
/// In the place of the one of that name; its links stay. ENOENT; EINVAL: another type.
[[nodiscard]] core::Result<void> replace_hook(Model& model, Hook hook);
/// ENOENT; EALREADY: it is.
[[nodiscard]] core::Result<void> enable_hook(Model& model, std::string_view name, bool enabled, Owner owner);
/// With all its links. ENOENT.
[[nodiscard]] core::Result<void> remove_hook(Model& model, std::string_view name);

/// EINVAL no direction; ENOENT no such head or hook; EINVAL types differ; EEXIST already linked in a direction.
[[nodiscard]] core::Result<void> link(Model& model, Link link);
/// EINVAL no direction; ENOENT no such head or hook, or linked in none of the directions.
[[nodiscard]] core::Result<void> unlink(Model& model, std::string_view hook, std::string_view head,
                                        core::Directions directions);

/// What the files want, with what others than the files own in `others`: items of other owners that the files have,
/// too, give way, as do links to what is no more. Settings and peers are those of the files; panic goes on.
[[nodiscard]] Model with_others(const Model& files, const Model& others);

/// A file that is no file of the instance, in place of what the instance's files and the last such file want: what
/// bpfctl and zones own in `running` stays. Items that the instance's files have just so keep their owner, all other
/// ones are kApplied.
[[nodiscard]] Model with_applied(const Model& file, const Model& running);

} // namespace pfild::config
