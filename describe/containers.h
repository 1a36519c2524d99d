// SPDX-License-Identifier: BSD-2-Clause
// The types of fields that hold others: a list, a table, something that may be nothing, something seen as another type.
// kinds.h makes them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "describe/type.h"

namespace pfild::describe {

struct ListRules {
    std::size_t least = 0;
    std::size_t most = 0;
    bool distinct = false; ///< no two are equal; for short lists

    [[nodiscard]] std::string says(const Type& item) const;
    [[nodiscard]] Value schema(const Type& item, Definitions& definitions) const;
    [[nodiscard]] Value any(const Type& item, Dice& dice) const;
    [[nodiscard]] Value broken(const Type& item, Dice& dice) const;
    /// The items, unless it is no list, or one that is against the rules.
    [[nodiscard]] const Value::List* read(const Value& value, Reading& reading) const;
};

template <typename T>
class ListType final : public TypeOf<std::vector<T>> {
  public:
    ListType(Kind<T> item, ListRules rules) : item_(std::move(item)), rules_(rules) {}

    [[nodiscard]] std::string says() const override { return rules_.says(*item_); }
    [[nodiscard]] Value schema(Definitions& definitions) const override { return rules_.schema(*item_, definitions); }
    [[nodiscard]] const Type* item() const override { return item_.get(); }
    [[nodiscard]] Value any(Dice& dice) const override { return rules_.any(*item_, dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return rules_.broken(*item_, dice); }
    void read(std::vector<T>& object, const Value& value, Reading& reading) const override {
        object.clear();
        const Value::List* const items = rules_.read(value, reading);
        for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
            const Reading::Step step(reading, i);
            item_->read(object.emplace_back(), (*items)[i], reading);
        }
    }
    [[nodiscard]] Value write(const std::vector<T>& object, Defaults defaults) const override {
        Value list = Value::list();
        for (const T& item : object) {
            list.append(item_->write(item, defaults));
        }
        return list;
    }

  private:
    Kind<T> item_;
    ListRules rules_;
};

struct TableRules {
    std::size_t most = 0;

    [[nodiscard]] std::string says(const Type& item) const;
    [[nodiscard]] Value schema(const Type& name, const Type& item, Definitions& definitions) const;
    [[nodiscard]] Value any(const Type& name, const Type& item, Dice& dice) const;
    [[nodiscard]] static Value broken(const Type& name, const Type& item, Dice& dice);
    [[nodiscard]] const Value::Table* read(const Value& value, Reading& reading) const;
};

/// Container holds pairs of a name and a T, and inserts them in front of its end.
template <typename Container>
class TableType final : public TypeOf<Container> {
  public:
    using Item = typename Container::value_type::second_type;

    TableType(Kind<std::string> name, Kind<Item> item, std::size_t most)
        : name_(std::move(name)), item_(std::move(item)), rules_{most} {}

    [[nodiscard]] std::string says() const override { return rules_.says(*item_); }
    [[nodiscard]] Value schema(Definitions& definitions) const override {
        return rules_.schema(*name_, *item_, definitions);
    }
    [[nodiscard]] const Type* item() const override { return item_.get(); }
    [[nodiscard]] Value any(Dice& dice) const override { return rules_.any(*name_, *item_, dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return TableRules::broken(*name_, *item_, dice); }
    void read(Container& object, const Value& value, Reading& reading) const override {
        object.clear();
        const Value::Table* const members = rules_.read(value, reading);
        for (std::size_t i = 0; members != nullptr && i < members->size(); ++i) {
            const Value::Member& member = (*members)[i];
            const Reading::Step step(reading, member.name);
            std::string name;
            Value of_name(member.name);
            of_name.place = member.place;
            name_->read(name, of_name, reading);
            Item item{};
            item_->read(item, member.value, reading);
            object.insert(object.end(), {std::move(name), std::move(item)});
        }
    }
    [[nodiscard]] Value write(const Container& object, Defaults defaults) const override {
        Value table = Value::table();
        for (const auto& [name, item] : object) {
            table.set(name, item_->write(item, defaults));
        }
        return table;
    }

  private:
    Kind<std::string> name_;
    Kind<Item> item_;
    TableRules rules_;
};

/// Null is nothing.
template <typename T>
class MaybeType final : public TypeOf<std::optional<T>> {
  public:
    explicit MaybeType(Kind<T> kind) : kind_(std::move(kind)) {}

    [[nodiscard]] std::string says() const override { return kind_->says() + ", or null"; }
    [[nodiscard]] Value schema(Definitions& definitions) const override {
        Value nothing = Value::table();
        nothing.set("type", "null");
        Value schema = Value::table();
        schema.set("anyOf", Value::List{kind_->schema(definitions), std::move(nothing)});
        return schema;
    }
    [[nodiscard]] const Type* item() const override { return kind_.get(); }
    [[nodiscard]] Value any(Dice& dice) const override { return dice.once_in(4) ? Value() : kind_->any(dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return kind_->broken(dice); }
    [[nodiscard]] Value of_word(std::string_view word) const override { return kind_->of_word(word); }
    [[nodiscard]] std::span<const std::string_view> words() const override { return kind_->words(); }
    void read(std::optional<T>& object, const Value& value, Reading& reading) const override {
        object.reset();
        if (!value.is_nothing()) {
            kind_->read(object.emplace(), value, reading);
        }
    }
    [[nodiscard]] Value write(const std::optional<T>& object, Defaults defaults) const override {
        return object ? kind_->write(*object, defaults) : Value();
    }

  private:
    Kind<T> kind_;
};

/// A T that is read and written as an Other. => `from` takes all that the Kind of an Other makes with any().
template <typename T, typename Other, typename From, typename To>
class ViaType final : public TypeOf<T> {
  public:
    ViaType(Kind<Other> kind, From from, To to) : kind_(std::move(kind)), from_(from), to_(to) {}

    [[nodiscard]] std::string says() const override { return kind_->says(); }
    [[nodiscard]] Value schema(Definitions& definitions) const override { return kind_->schema(definitions); }
    [[nodiscard]] const Type* item() const override { return kind_.get(); }
    [[nodiscard]] Value any(Dice& dice) const override { return kind_->any(dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return kind_->broken(dice); }
    [[nodiscard]] Value of_word(std::string_view word) const override { return kind_->of_word(word); }
    [[nodiscard]] std::span<const std::string_view> words() const override { return kind_->words(); }
    void read(T& object, const Value& value, Reading& reading) const override {
        const std::size_t before = reading.refused();
        Other other{};
        kind_->read(other, value, reading);
        if (reading.refused() != before) {
            return;
        }
        tl::expected<T, std::string> made = from_(other);
        if (made) {
            object = std::move(*made);
        } else {
            reading.refuse(value.place, std::move(made.error()));
        }
    }
    [[nodiscard]] Value write(const T& object, Defaults defaults) const override {
        return kind_->write(to_(object), defaults);
    }

  private:
    Kind<Other> kind_;
    From from_;
    To to_;
};

} // namespace pfild::describe
