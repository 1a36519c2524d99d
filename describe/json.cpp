// SPDX-License-Identifier: BSD-2-Clause
// See describe/json.h. The parser of nlohmann/json reports events and keeps its own stack on the heap; here is what is
// built of the events.
#include "describe/json.h"

#include <cerrno>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "describe/mistakes.h"

namespace pfild::describe {
namespace {

using Json = nlohmann::json;

/// Returns false from an event to end the parsing; `why` says why then.
class Builder {
  public:
    explicit Builder(JsonLimits limits) : limits_(limits) {}

    // NOLINTBEGIN(readability-identifier-naming): the names that the parser calls
    bool null() { return put({}); }
    bool boolean(bool flag) { return put(flag); }
    bool number_integer(std::int64_t number) { return put(number); }
    bool number_unsigned(std::uint64_t number) { return put(number); }
    bool number_float(double number, const std::string& /*digits*/) { return put(number); }
    bool string(std::string& text) { return put(std::move(text)); }
    bool binary(Json::binary_t& /*bytes*/) { return false; }
    bool start_object(std::size_t /*size*/) { return open(Value::table()); }
    bool start_array(std::size_t /*size*/) { return open(Value::list()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool key(std::string& name);
    bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& /*error*/) {
        return refuse("it is not JSON in UTF-8, byte " + std::to_string(position));
    }
    // NOLINTEND(readability-identifier-naming)

    [[nodiscard]] std::string& why() { return why_; }
    [[nodiscard]] Value& built() { return built_; }

  private:
    struct Open {
        Value value;
        std::set<std::string, std::less<>> names; ///< of an object's members so far
        std::string name;                         ///< of the member that comes next
    };

    bool refuse(std::string why) {
        why_ = std::move(why);
        return false;
    }
    bool open(Value empty) {
        if (open_.size() == limits_.depth) {
            return refuse("nested deeper than " + std::to_string(limits_.depth));
        }
        open_.push_back({std::move(empty), {}, {}});
        return true;
    }
    bool close() {
        Value done = std::move(open_.back().value);
        open_.pop_back();
        return put(std::move(done));
    }
    bool put(Value value) {
        if (open_.empty()) {
            built_ = std::move(value);
        } else if (auto* const members = open_.back().value.members()) {
            members->push_back({std::move(open_.back().name), std::move(value), {}});
        } else {
            open_.back().value.append(std::move(value));
        }
        return true;
    }

    JsonLimits limits_;
    std::vector<Open> open_;
    Value built_;
    std::string why_;
};

bool Builder::key(std::string& name) { // NOLINT(readability-identifier-naming)
    Open& object = open_.back();
    if (object.names.size() == limits_.members) {
        return refuse("an object has more than " + std::to_string(limits_.members) + " members");
    }
    if (!object.names.insert(name).second) {
        return refuse("the key " + in_quotes(name) + " is there twice");
    }
    object.name = std::move(name);
    return true;
}

std::string text_json(const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string scalar_json(const Value& value) {
    if (const bool* const flag = value.flag()) {
        return *flag ? "true" : "false";
    }
    if (const auto* const whole = value.whole()) {
        return std::to_string(*whole);
    }
    if (const auto* const negative = value.negative()) {
        return std::to_string(*negative);
    }
    if (const double* const decimal = value.decimal()) {
        return Json(*decimal).dump();
    }
    return value.text() != nullptr ? text_json(*value.text()) : "null";
}

/// Writes with `step` spaces for each level, or all in one line if there are none.
class Writer {
  public:
    explicit Writer(std::size_t step) : step_(step) {}

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the value, which is at most as deep as its text or description
    void write(const Value& value) {
        if (const auto* const items = value.items()) {
            enclose('[', ']', *items, [this](const Value& item) { write(item); });
        } else if (const auto* const members = value.members()) {
            enclose('{', '}', *members, [this](const Value::Member& member) {
                text += text_json(member.name) + (step_ == 0 ? ":" : ": ");
                write(member.value);
            });
        } else {
            text += scalar_json(value);
        }
    }

    std::string text;

  private:
    template <typename Items, typename WriteOne>
    void enclose(char first, char last, const Items& items, WriteOne write_one) {
        text += first;
        depth_ += step_;
        bool begun = false;
        for (const auto& item : items) {
            text += std::exchange(begun, true) ? "," : "";
            new_line();
            write_one(item);
        }
        depth_ -= step_;
        if (begun) {
            new_line();
        }
        text += last;
    }
    void new_line() {
        if (step_ != 0) {
            text += '\n' + std::string(depth_, ' ');
        }
    }

    std::size_t step_;
    std::size_t depth_ = 0;
};

std::string json_of(const Value& value, std::size_t step) {
    Writer writer(step);
    writer.write(value);
    return std::move(writer.text);
}

} // namespace

core::Result<Value> value_of_json(std::string_view text, JsonLimits limits) {
    Builder builder(limits);
    if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
        return core::fail({"JSON", "", std::move(builder.why()), "", EINVAL});
    }
    return std::move(builder.built());
}

std::string json_line(const Value& value) { return json_of(value, 0); }
std::string json_page(const Value& value) { return json_of(value, 2); }

} // namespace pfild::describe
