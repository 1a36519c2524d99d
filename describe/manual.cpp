// SPDX-License-Identifier: BSD-2-Clause
// See describe/manual.h.
#include "describe/manual.h"

#include <algorithm>

#include "describe/json.h"

namespace pfild::describe {
namespace {

std::string row(std::string_view name, std::string_view what, std::string_view sentence) {
    return "| " + std::string(name) + " | " + std::string(what) + " | " + std::string(sentence) + " |\n";
}

std::string presence(const Field& field) {
    if (field.required) {
        return {};
    }
    return field.otherwise.is_nothing() ? "; may be left out" : "; otherwise `" + json_line(field.otherwise) + '`';
}

/// The shape that a list, a table or something optional leads to at last.
const Shape* shape_at_end(const Type* type) {
    while (type != nullptr && type->shape() == nullptr) {
        type = type->item();
    }
    return type == nullptr ? nullptr : type->shape();
}

} // namespace

Value schema_document(const Shape& shape, std::string_view title) {
    Definitions definitions = Value::table();
    const Value body = shape.schema(definitions);
    Value document = Value::table();
    document.set("$schema", "https://json-schema.org/draft/2020-12/schema");
    document.set("title", title);
    for (const Value::Member& member : *body.members()) {
        document.set(member.name, member.value);
    }
    document.set("$defs", std::move(definitions));
    return document;
}

std::string field_table(const Shape& shape) {
    std::string text = row("field", "value", "meaning") + row("---", "---", "---");
    for (const Field& field : shape.fields()) {
        text += row('`' + std::string(field.name) + '`', field.type->says() + presence(field), field.sentence);
    }
    return text;
}

std::vector<const Shape*> shapes_within(const Shape& shape) {
    std::vector<const Shape*> found{&shape};
    for (std::size_t i = 0; i < found.size(); ++i) { // grows meanwhile
        for (const Field& field : found[i]->fields()) {
            const Shape* const inner = shape_at_end(field.type.get());
            if (inner != nullptr && std::find(found.begin(), found.end(), inner) == found.end()) {
                found.push_back(inner);
            }
        }
    }
    found.erase(found.begin());
    return found;
}

} // namespace pfild::describe
