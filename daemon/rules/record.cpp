// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/record.h.
#include "daemon/rules/record.h"

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

static void describe(describe::Fields& fields, Attached& attached) {
    fields.called("attached", "An interface that was attached.");
    fields.required("name", attached.name, describe::interface_name(), "As it was called.");
    fields.required("ifindex", attached.ifindex, describe::whole(), "Its number.");
    fields.optional("turned_off", attached.turned_off, describe::list(describe::name(31), 64), "Offloads.");
}

static void describe(describe::Fields& fields, Envelope& envelope) {
    fields.called("record", "A model as it is kept.");
    fields.required("format", envelope.format, describe::whole(kFormat, kFormat), "Of this file.");
    fields.required("boot", envelope.boot, describe::text(64), "Boot id.");
    fields.required("files", envelope.files, describe::text(64), "Digest.");
    fields.optional("attached", envelope.attached, describe::list(describe::object(), 4096), "When it was written.");
}

std::string text_of(const Record& record) {
    describe::Value value =
        describe::write(Envelope{.boot = record.boot, .files = record.files, .attached = record.attached});
    value.set("model", describe::write(record.model));
    return describe::json_line(value) + '\n';
}

core::Result<Record> record_of(std::string_view text) {
    auto value = describe::value_of_json(text);
    if (!value) {
        return core::fail(std::move(value.error()));
    }
    const describe::Value* const model = value->find("model");
    if (model == nullptr) {
        return core::fail({"read", "model", "there is none in it", "", EINVAL});
    }
    auto read = config::model_of(*model);
    if (!read) {
        return core::fail(std::move(read.error()));
    }
    std::erase_if(*value->members(), [](const describe::Value::Member& member) { return member.name == "model"; });
    auto envelope = describe::read<Envelope>(*value);
    if (!envelope) {
        return core::fail(
            {"read", "model", envelope.error().front().path + ": " + envelope.error().front().why, "", EINVAL});
    }
    return Record{.boot = std::move(envelope->boot),
                  .files = std::move(envelope->files),
                  .attached = std::move(envelope->attached),
                  .model = std::move(*read)};
}

} // namespace pfild::rules
