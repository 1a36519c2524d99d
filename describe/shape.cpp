// SPDX-License-Identifier: BSD-2-Clause
// See describe/shape.h.
#include "describe/shape.h"

#include <algorithm>
#include <cassert>

#include "describe/nearest.h"

namespace pfild::describe {
namespace {

// The only places that go from an object to a member of it by its offset.
void* member_of(void* object, const Field& field) { return static_cast<std::byte*>(object) + field.offset; }
const void* member_of(const void* object, const Field& field) {
    return static_cast<const std::byte*>(object) + field.offset;
}

} // namespace

void Fields::called(std::string_view name, std::string_view sentence) {
    shape_.name_ = name;
    shape_.sentence_ = sentence;
}

void Fields::add(Field field, const void* member) {
    const auto offset = static_cast<const std::byte*>(member) - static_cast<const std::byte*>(object_);
    assert(offset >= 0 && static_cast<std::size_t>(offset) < size_ && shape_.find(field.name) == nullptr);
    field.offset = static_cast<std::size_t>(offset);
    field.otherwise = field.type->write_at(member, Defaults::kWritten);
    shape_.fields_.push_back(std::move(field));
}

const Field* Shape::find(std::string_view name) const noexcept {
    const auto found =
        std::find_if(fields_.begin(), fields_.end(), [name](const Field& field) { return field.name == name; });
    return found == fields_.end() ? nullptr : &*found;
}

const Field& Shape::field(std::string_view name) const {
    const Field* const found = find(name);
    assert(found != nullptr);
    return *found;
}

void Shape::read(void* object, const Value& value, Reading& reading) const {
    const Value::Table* const members = value.members();
    if (members == nullptr) {
        reading.refuse(value.place, "must be an object");
        return;
    }
    for (const Field& field : fields_) {
        const Reading::Step step(reading, field.name);
        if (const Value* const found = value.find(field.name)) {
            field.type->read_at(member_of(object, field), *found, reading);
        } else if (field.required) {
            reading.refuse(value.place, "is missing");
        }
    }
    for (const Value::Member& member : *members) {
        if (reading.manner().strangers == Manner::Strangers::kRefused && find(member.name) == nullptr) {
            refuse_stranger(member, reading);
        }
    }
}

void Shape::refuse_stranger(const Value::Member& member, Reading& reading) const {
    const Reading::Step step(reading, member.name);
    if (!reading.wants_more()) {
        return reading.refuse(member.place, {});
    }
    std::vector<std::string_view> names;
    for (const Field& field : fields_) {
        names.push_back(field.name);
    }
    reading.refuse(member.place, "is not known here", advice_for(member.name, names));
}

Value Shape::write(const void* object, Defaults defaults) const {
    Value table = Value::table();
    for (const Field& field : fields_) {
        Value written = field.type->write_at(member_of(object, field), defaults);
        if (field.required || defaults == Defaults::kWritten || written != field.otherwise) {
            table.members()->push_back({std::string(field.name), std::move(written), {}});
        }
    }
    return table;
}

void Shape::read_row(void* object, const Value& value, Reading& reading) const {
    const Value::List* const items = value.items();
    if (items == nullptr || items->size() != fields_.size()) {
        reading.refuse(value.place, "must be " + row_says());
        return;
    }
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        const Reading::Step step(reading, i);
        fields_[i].type->read_at(member_of(object, fields_[i]), (*items)[i], reading);
    }
}

Value Shape::write_row(const void* object) const {
    Value row = Value::list();
    for (const Field& field : fields_) {
        row.append(field.type->write_at(member_of(object, field), Defaults::kWritten));
    }
    return row;
}

std::string Shape::row_says() const {
    std::string text = "[";
    for (const Field& field : fields_) {
        text += (text.size() > 1 ? ", " : "") + std::string(field.name);
    }
    return text + ']';
}

Value Shape::row_schema(Definitions& definitions) const {
    Value items = Value::list();
    for (const Field& field : fields_) {
        items.append(field.type->schema(definitions));
    }
    Value schema = Value::table();
    schema.set("type", "array");
    schema.set("prefixItems", std::move(items));
    schema.set("items", false);
    schema.set("minItems", fields_.size());
    return schema;
}

Value Shape::schema(Definitions& definitions) const {
    Value properties = Value::table();
    Value required = Value::list();
    for (const Field& field : fields_) {
        Value property = field.type->schema(definitions);
        property.set("description", field.sentence);
        if (!field.required) {
            property.set("default", field.otherwise);
        } else {
            required.append(field.name);
        }
        properties.set(field.name, std::move(property));
    }
    Value schema = Value::table();
    schema.set("description", sentence_);
    schema.set("type", "object");
    schema.set("properties", std::move(properties));
    schema.set("required", std::move(required));
    schema.set("additionalProperties", false);
    return schema;
}

Value reference_to(const Shape& shape, Definitions& definitions) {
    if (definitions.find(shape.name()) == nullptr) {
        definitions.set(shape.name(), true); // in case it is within itself
        definitions.set(shape.name(), shape.schema(definitions));
    }
    Value reference = Value::table();
    reference.set("$ref", "#/$defs/" + std::string(shape.name()));
    return reference;
}

Value Shape::any(Dice& dice) const {
    Value table = Value::table();
    for (const Field& field : fields_) {
        if (field.required || dice.once_in(2)) {
            table.set(field.name, field.type->any(dice));
        }
    }
    return table;
}

Value Shape::broken(Dice& dice) const {
    Value table = any(dice);
    const std::size_t choice = dice.below(fields_.size() + 2);
    if (choice == fields_.size()) {
        table.set(fields_.empty() ? "x" : std::string(fields_.front().name) + 'x', true);
    } else if (choice > fields_.size()) {
        return Value::List{std::move(table)};
    } else if (const Field& field = fields_[choice]; field.required && dice.once_in(4)) {
        std::erase_if(*table.members(), [&field](const Value::Member& member) { return member.name == field.name; });
    } else {
        table.set(field.name, field.type->broken(dice));
    }
    return table;
}

Value Shape::any_row(Dice& dice) const {
    Value row = Value::list();
    for (const Field& field : fields_) {
        row.append(field.type->any(dice));
    }
    return row;
}

Value Shape::broken_row(Dice& dice) const {
    Value row = any_row(dice);
    const std::size_t choice = dice.below(fields_.size() + 1);
    if (choice == fields_.size()) {
        row.append(0);
    } else {
        (*row.items())[choice] = fields_[choice].type->broken(dice);
    }
    return row;
}

} // namespace pfild::describe
