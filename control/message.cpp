// SPDX-License-Identifier: BSD-2-Clause
// See control/message.h.
#include "control/message.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "describe/describe.h"
#include "describe/json.h"
#include "describe/nearest.h"

namespace pfild::control {
namespace {

using describe::Value;

tl::unexpected<Refusal> refuse(std::uint64_t id, std::string why, int code = EINVAL) {
    return tl::make_unexpected(
        Refusal{id, {"request", "", std::move(why), "see the control protocol's documentation", code}});
}

constexpr std::array<std::string_view, 6> kMembers{"protocol", "id", "verb", "arguments", "in_memory", "force"};

const Value::Member* stranger_in(const Value& object) {
    const auto known = [](const Value::Member& member) {
        return std::find(kMembers.begin(), kMembers.end(), member.name) != kMembers.end();
    };
    const auto found = std::find_if_not(object.members()->begin(), object.members()->end(), known);
    return found == object.members()->end() ? nullptr : &*found;
}

/// What is wrong with the protocol that the line names; its number, if that is the reason.
std::optional<core::Error> protocol_flaw(const Value& object) {
    const Value* const protocol = object.find("protocol");
    if (protocol == nullptr || (protocol->whole() == nullptr && protocol->negative() == nullptr)) {
        return core::Error{"", "", "'protocol' must be a whole number", "", EINVAL};
    }
    if (*protocol != Value(kProtocol)) {
        return core::Error{"", "",
                           "protocol " + describe::json_line(*protocol) + " is not spoken here, only " +
                               std::to_string(kProtocol),
                           "", EPROTONOSUPPORT};
    }
    return std::nullopt;
}

/// The rest of a request whose id and protocol are good.
tl::expected<Request, Refusal> request_of(std::uint64_t id, const Value& object) {
    if (const Value::Member* const stranger = stranger_in(object)) {
        return refuse(id, "unknown key " + describe::in_quotes(stranger->name) + ", " +
                              describe::advice_for(stranger->name, kMembers));
    }
    const Value* const verb = object.find("verb");
    if (verb == nullptr || verb->text() == nullptr) {
        return refuse(id, "'verb' must be a string");
    }
    const Value* const in_memory = object.find("in_memory");
    const Value* const force = object.find("force");
    if (in_memory != nullptr && in_memory->flag() == nullptr) {
        return refuse(id, "'in_memory' must be true or false");
    }
    if (force != nullptr && force->flag() == nullptr) {
        return refuse(id, "'force' must be true or false");
    }
    const Value* const arguments = object.find("arguments");
    if (arguments != nullptr && arguments->members() == nullptr) {
        return refuse(id, "'arguments' must be an object");
    }
    const bool elsewhere = in_memory != nullptr && *in_memory->flag();
    if (elsewhere && arguments != nullptr) {
        return refuse(id, "the arguments are either in the line or in memory");
    }
    return Request{id, *verb->text(), arguments == nullptr ? Value::table() : *arguments, elsewhere,
                   force != nullptr && *force->flag()};
}

std::string line_of(std::uint64_t id, bool ok, std::string_view key, Value value, const Beside& beside) {
    Value line = Value::table();
    line.set("protocol", kProtocol);
    line.set("id", id);
    line.set("ok", ok);
    if (beside.more) {
        line.set("more", true);
    }
    if (beside.unrecorded) {
        line.set("unrecorded", *beside.unrecorded);
    }
    if (!beside.remark.empty()) {
        line.set("remark", beside.remark);
    }
    line.set(key, std::move(value));
    return describe::json_line(line) + '\n';
}

} // namespace

tl::expected<Request, Refusal> parse_request(std::string_view line) {
    const auto object = describe::value_of_json(line);
    if (!object) {
        return refuse(0, object.error().why);
    }
    if (object->members() == nullptr) {
        return refuse(0, "it is not a JSON object");
    }
    const Value* const id = object->find("id");
    if (id == nullptr || id->whole() == nullptr) {
        return refuse(0, "'id' must be an unsigned number of at most 64 bits");
    }
    if (auto flaw = protocol_flaw(*object)) {
        return refuse(*id->whole(), std::move(flaw->why), flaw->code);
    }
    return request_of(*id->whole(), *object);
}

core::Result<Value> parse_arguments(std::string_view text) {
    auto arguments = describe::value_of_json(text);
    if (!arguments) {
        return core::fail({"request", "", "the arguments in memory: " + arguments.error().why, "", EINVAL});
    }
    if (arguments->members() == nullptr) {
        return core::fail({"request", "", "the arguments in memory must be a JSON object", "", EINVAL});
    }
    return arguments;
}

void describe(describe::Fields& fields, ErrorView& view) {
    using namespace describe;
    fields.called("error", "Why a verb is refused; a person reads it as `what object: why (advice)`.");
    fields.required("errno", view.code, name(31), "The symbolic name of errno(3).");
    fields.required("what", view.what, text(), "The operation.");
    fields.required("object", view.object, text(), "What it was done to; may be empty.");
    fields.required("why", view.why, text(), "The reason.");
    fields.required("advice", view.advice, text(), "What to do; may be empty.");
}

ErrorView view_of(const core::Error& error) {
    const char* const name = ::strerrorname_np(error.code);
    return {name == nullptr ? "E" + std::to_string(error.code) : name, error.what, error.object, error.why,
            error.advice};
}

std::string success_line(std::uint64_t id, Value result, const Beside& beside) {
    return line_of(id, true, "result", std::move(result), beside);
}

std::string failure_line(std::uint64_t id, const core::Error& error) {
    return line_of(id, false, "error", describe::write(view_of(error)), {});
}

} // namespace pfild::control
