// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/request.h. The depth is counted in the bytes before the parser sees them; a repeated key is refused,
// because two readers of it would disagree about which one counts.
#include "daemon/api/request.h"

#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace pfild::api {
namespace {

using Json = nlohmann::json;

/// Brackets open at once, at most; those inside strings are text. Right for JSON, harmless for anything else.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0; // what follows a backslash ends nothing
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxDepth) {
                return true;
            }
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return false;
}

struct ParsedText {
    Json value = Json::value_t::discarded;
    std::optional<std::string> repeated_key;
};

ParsedText parse_text(std::string_view text) {
    ParsedText parsed;
    std::vector<std::set<std::string>> keys; // of the objects that are open
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) {
            keys.emplace_back();
        } else if (event == Json::parse_event_t::object_end) {
            keys.pop_back();
        } else if (event == Json::parse_event_t::key) {
            auto key = value.get<std::string>();
            if (!keys.back().insert(key).second && !parsed.repeated_key) {
                parsed.repeated_key = std::move(key);
            }
        }
        return true;
    };
    parsed.value = Json::parse(text.begin(), text.end(), watch, false);
    return parsed;
}

tl::unexpected<Refusal> refuse(std::uint64_t id, std::string why, int code = EINVAL) {
    return tl::make_unexpected(
        Refusal{id, {"request", "", std::move(why), "see the control protocol's documentation", code}});
}

/// The id if the value is one: an unsigned number. A float or a negative number is none.
std::optional<std::uint64_t> id_in(const Json& object) {
    const auto found = object.find("id");
    if (found == object.end() || !found->is_number_unsigned()) {
        return std::nullopt;
    }
    return found->get<std::uint64_t>();
}

/// For a message: what hostile bytes said, without control characters and short.
std::string in_quotes(const std::string& text) {
    constexpr std::size_t kShown = 40;
    std::string shown = "'";
    for (const char c : text.substr(0, kShown)) {
        shown += c >= ' ' && c <= '~' ? c : '?';
    }
    return shown + (text.size() > kShown ? "...'" : "'");
}

std::optional<std::string> unknown_member(const Json& object) {
    constexpr std::array<std::string_view, 4> kMembers{"protocol", "id", "verb", "arguments"};
    for (const auto& [key, value] : object.items()) {
        bool known = false;
        for (const std::string_view member : kMembers) {
            known = known || key == member;
        }
        if (!known) {
            return key;
        }
    }
    return std::nullopt;
}

} // namespace

tl::expected<Request, Refusal> parse_request(std::string_view line) {
    if (too_deep(line)) {
        return refuse(0, "nested deeper than " + std::to_string(kMaxDepth));
    }
    ParsedText parsed = parse_text(line);
    Json& object = parsed.value;
    if (object.is_discarded()) {
        return refuse(0, "it is not JSON in UTF-8");
    }
    if (!object.is_object()) {
        return refuse(0, "it is not a JSON object");
    }
    const auto id = id_in(object);
    if (!id) {
        return refuse(0, "'id' must be an unsigned number of at most 64 bits");
    }
    if (parsed.repeated_key) {
        return refuse(*id, "the key " + in_quotes(*parsed.repeated_key) + " is there twice");
    }
    const auto protocol = object.find("protocol");
    if (protocol == object.end() || !protocol->is_number_integer()) {
        return refuse(*id, "'protocol' must be a whole number");
    }
    if (*protocol != kProtocol) {
        return refuse(*id, "protocol " + protocol->dump() + " is not spoken here, only " + std::to_string(kProtocol),
                      EPROTONOSUPPORT);
    }
    if (const auto unknown = unknown_member(object)) {
        return refuse(*id, "unknown key " + in_quotes(*unknown));
    }
    const auto verb = object.find("verb");
    if (verb == object.end() || !verb->is_string()) {
        return refuse(*id, "'verb' must be a string");
    }
    auto arguments = object.find("arguments");
    if (arguments != object.end() && !arguments->is_object()) {
        return refuse(*id, "'arguments' must be an object");
    }
    return Request{*id, verb->get<std::string>(), arguments == object.end() ? Json::object() : std::move(*arguments)};
}

} // namespace pfild::api
