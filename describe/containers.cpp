// SPDX-License-Identifier: BSD-2-Clause
// See describe/containers.h.
#include "describe/containers.h"

#include <algorithm>

namespace pfild::describe {
namespace {

/// How many a maker puts in: few, and none in a list that is deep inside others.
std::size_t how_many(Dice& dice, std::size_t least, std::size_t most) {
    constexpr std::size_t kFew = 4;
    constexpr std::size_t kDeep = 4;
    return dice.depth >= kDeep ? least : least + dice.below(std::min(most - least, kFew) + 1);
}

} // namespace

std::string ListRules::says(const Type& item) const {
    const std::string count =
        least == 0 ? "at most " + std::to_string(most) : std::to_string(least) + " to " + std::to_string(most);
    return "a list of " + count + (distinct ? ", each once: " : ", each ") + item.says();
}

Value ListRules::schema(const Type& item, Definitions& definitions) const {
    Value schema = Value::table();
    schema.set("type", "array");
    schema.set("items", item.schema(definitions));
    schema.set("minItems", least);
    schema.set("maxItems", most);
    schema.set("uniqueItems", distinct);
    return schema;
}

Value ListRules::any(const Type& item, Dice& dice) const {
    Value list = Value::list();
    const std::size_t count = how_many(dice, least, most);
    ++dice.depth;
    for (std::size_t i = 0; i < count; ++i) {
        Value one = item.any(dice);
        const Value::List& before = *list.items();
        if (!distinct || std::find(before.begin(), before.end(), one) == before.end() || i < least) {
            list.append(std::move(one));
        }
    }
    --dice.depth;
    return list;
}

Value ListRules::broken(const Type& item, Dice& dice) const {
    constexpr std::size_t kFew = 64; // more is not made only to be one too many
    if (dice.once_in(3)) {
        return "no list";
    }
    if (most <= kFew && dice.once_in(2)) {
        Value list = Value::list();
        while (list.items()->size() <= most) {
            list.append(item.any(dice));
        }
        return list;
    }
    return Value::List{item.broken(dice)};
}

const Value::List* ListRules::read(const Value& value, Reading& reading) const {
    const Value::List* const items = value.items();
    if (items == nullptr) {
        reading.refuse(value.place, "must be a list");
        return nullptr;
    }
    if (items->size() < least || items->size() > most) {
        reading.refuse(value.place, "must have " + std::to_string(least) + " to " + std::to_string(most) + " items");
        return nullptr;
    }
    for (auto one = items->begin(); distinct && one != items->end(); ++one) {
        if (std::find(items->begin(), one, *one) != one) {
            reading.refuse(value.place, "must have each once");
            return nullptr;
        }
    }
    return items;
}

std::string TableRules::says(const Type& item) const { return "an object, for each name " + item.says(); }

Value TableRules::schema(const Type& name, const Type& item, Definitions& definitions) const {
    Value schema = Value::table();
    schema.set("type", "object");
    schema.set("propertyNames", name.schema(definitions));
    schema.set("additionalProperties", item.schema(definitions));
    schema.set("maxProperties", most);
    return schema;
}

Value TableRules::any(const Type& name, const Type& item, Dice& dice) const {
    Value table = Value::table();
    const std::size_t count = how_many(dice, 0, most);
    ++dice.depth;
    for (std::size_t i = 0; i < count; ++i) {
        const Value key = name.any(dice);
        table.set(*key.text(), item.any(dice));
    }
    --dice.depth;
    return table;
}

Value TableRules::broken(const Type& name, const Type& item, Dice& dice) {
    const Value key = name.any(dice);
    Value table = Value::table();
    table.set(*key.text(), item.broken(dice));
    return dice.once_in(3) ? Value::list() : table;
}

const Value::Table* TableRules::read(const Value& value, Reading& reading) const {
    const Value::Table* const members = value.members();
    if (members == nullptr) {
        reading.refuse(value.place, "must be an object");
        return nullptr;
    }
    if (members->size() > most) {
        reading.refuse(value.place, "must have at most " + std::to_string(most) + " members");
        return nullptr;
    }
    return members;
}

} // namespace pfild::describe
