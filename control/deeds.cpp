// SPDX-License-Identifier: BSD-2-Clause
// See control/deeds.h.
#include "control/deeds.h"

#include <algorithm>

#include "describe/describe.h"

namespace pfild::control {

using namespace describe;

void describe(Fields& fields, DeedView& view) {
    fields.called("deed", "What somebody has changed; the first one says where the following begins.");
    fields.required("number", view.number, whole(), "Counts all that were made since the daemon began.");
    fields.required("missed", view.missed, whole(), "Changes before this one that its reader was too slow for.");
    fields.required("at_s", view.at_s, decimal("s"), "When, since 1970.");
    fields.required("uid", view.uid, whole(), "The user who asked for it.");
    fields.required("pid", view.pid, whole(), "The process.");
    fields.required("verb", view.verb, text(63), "Empty in the first one.");
    fields.required("did", view.did, text(4096), "The verb and what it was done to: `link cbpf:a inet`.");
    fields.required("unrecorded", view.unrecorded, text(4096), "Why it will be forgotten; null: it is recorded.");
}

void Deeds::add(DeedView deed) {
    deed.number = ++count_;
    kept_.push_back(std::move(deed));
    if (kept_.size() > kKept) {
        kept_.pop_front();
    }
    if (told_) {
        told_();
    }
}

DeedView Deeds::begin() const {
    DeedView view;
    view.number = count_;
    return view;
}

std::optional<DeedView> Deeds::after(std::uint64_t& place) const {
    if (place >= count_) {
        return std::nullopt;
    }
    const std::uint64_t first = count_ - kept_.size() + 1;
    const std::uint64_t number = std::max(place + 1, first);
    DeedView view = kept_.at(static_cast<std::size_t>(number - first));
    view.missed = number - place - 1;
    place = number;
    return view;
}

} // namespace pfild::control
