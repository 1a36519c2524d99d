// SPDX-License-Identifier: BSD-2-Clause
// See kept_model.h.
#include "daemon/rules/kept_model.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/described.h"
#include "describe/json.h"
#include "describe/terms.h"

namespace pfild::rules {

static constexpr std::uint32_t kFormat = 1;

/// What stands around the model, which has a reader of its own.
struct Envelope {
    std::uint32_t format = kFormat;
    std::string boot;
    std::string files;
    std::vector<Attached> attached;
};

struct TrialEnvelope {
    std::uint64_t ends_ns = 0;
    std::string files;
};

static void describe(describe::Fields& fields, TrialEnvelope& envelope) {
    fields.called("trial", "What a model is until it is confirmed.");
    fields.required("ends_ns", envelope.ends_ns, describe::whole("ns"), "Since boot.");
    fields.required("files", envelope.files, describe::text(64), "Digest.");
}

static void describe(describe::Fields& fields, Attached& attached) {
    fields.called("attached", "An interface that was attached.");
    fields.required("name", attached.name, describe::interface_name(), "As it was called.");
    fields.required("ifindex", attached.ifindex, describe::whole(), "Its number.");
    fields.optional("turned_off", attached.turned_off, describe::list(describe::name(31), 64), "Offloads.");
}

static void describe(describe::Fields& fields, Envelope& envelope) {
    fields.called("kept_model", "A model as it is kept.");
    fields.required("format", envelope.format, describe::whole(kFormat, kFormat), "Of this file.");
    fields.required("boot", envelope.boot, describe::text(64), "Boot id.");
    fields.required("files", envelope.files, describe::text(64), "Digest.");
    fields.optional("attached", envelope.attached, describe::list(describe::object(), 4096), "When it was written.");
}

namespace {

constexpr const char* kTrial = "trial";
constexpr const char* kBefore = "before";

/// Takes a member out of a table.
std::optional<describe::Value> taken(describe::Value& table, std::string_view name) {
    describe::Value::Table* const members = table.members();
    if (members == nullptr) {
        return std::nullopt;
    }
    const auto found = std::find_if(members->begin(), members->end(),
                                    [name](const describe::Value::Member& member) { return member.name == name; });
    if (found == members->end()) {
        return std::nullopt;
    }
    describe::Value value = std::move(found->value);
    members->erase(found);
    return value;
}

template <typename Table>
core::Result<Table> table_of(const describe::Value& value) {
    auto read = describe::read<Table>(value);
    if (!read) {
        const describe::Mistake& first = read.error().front();
        return core::fail({"read", "model", first.path + ": " + first.why, "", EINVAL});
    }
    return std::move(*read);
}

describe::Value value_of(const Trial& trial) {
    describe::Value value = describe::write(TrialEnvelope{.ends_ns = trial.ends_ns, .files = trial.files});
    value.set(kBefore, describe::write(trial.before));
    return value;
}

core::Result<Trial> trial_of(describe::Value value) {
    const auto before = taken(value, kBefore);
    if (!before) {
        return core::fail({"read", "model", "there is none before the one on trial", "", EINVAL});
    }
    return config::model_of(*before).and_then([&value](const config::Model& model) {
        return table_of<TrialEnvelope>(value).map([&model](const TrialEnvelope& envelope) {
            return Trial{.ends_ns = envelope.ends_ns, .files = envelope.files, .before = model};
        });
    });
}

} // namespace

std::string text_of(const KeptModel& kept) {
    describe::Value value =
        describe::write(Envelope{.boot = kept.boot, .files = kept.files, .attached = kept.attached});
    value.set("model", describe::write(kept.model));
    if (kept.trial) {
        value.set(kTrial, value_of(*kept.trial));
    }
    return describe::json_line(value) + '\n';
}

core::Result<KeptModel> kept_model_of(std::string_view text) {
    auto value = describe::value_of_json(text);
    if (!value) {
        return core::fail(std::move(value.error()));
    }
    const auto model = taken(*value, "model");
    if (!model) {
        return core::fail({"read", "model", "there is none in it", "", EINVAL});
    }
    auto read = config::model_of(*model);
    if (!read) {
        return core::fail(std::move(read.error()));
    }
    KeptModel kept{.model = std::move(*read)};
    if (auto trial = taken(*value, kTrial)) {
        auto before = trial_of(std::move(*trial));
        if (!before) {
            return core::fail(std::move(before.error()));
        }
        kept.trial = std::move(*before);
    }
    auto envelope = table_of<Envelope>(*value);
    if (!envelope) {
        return core::fail(std::move(envelope.error()));
    }
    kept.boot = std::move(envelope->boot);
    kept.files = std::move(envelope->files);
    kept.attached = std::move(envelope->attached);
    return kept;
}

} // namespace pfild::rules
