// SPDX-License-Identifier: BSD-2-Clause
// The types of fields that are described structs: as an object, or as a row of their fields.
#pragma once

#include <memory>
#include <string>

#include "describe/containers.h"
#include "describe/shape.h"

namespace pfild::describe {

/// Asks for the Shape when it is needed, so that a struct may hold a list of its like.
template <Described T>
class ObjectType final : public TypeOf<T> {
  public:
    [[nodiscard]] std::string says() const override { return '`' + std::string(shape_of<T>().name()) + '`'; }
    [[nodiscard]] const Shape* shape() const override { return &shape_of<T>(); }
    [[nodiscard]] Value schema(Definitions& definitions) const override {
        return reference_to(shape_of<T>(), definitions);
    }
    [[nodiscard]] Value any(Dice& dice) const override { return shape_of<T>().any(dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return shape_of<T>().broken(dice); }
    void read(T& object, const Value& value, Reading& reading) const override {
        shape_of<T>().read(&object, value, reading);
    }
    [[nodiscard]] Value write(const T& object, Defaults defaults) const override {
        return shape_of<T>().write(&object, defaults);
    }
};

template <Described T>
class RowType final : public TypeOf<T> {
  public:
    [[nodiscard]] std::string says() const override { return '`' + shape_of<T>().row_says() + '`'; }
    [[nodiscard]] Value schema(Definitions& definitions) const override {
        return shape_of<T>().row_schema(definitions);
    }
    [[nodiscard]] Value any(Dice& dice) const override { return shape_of<T>().any_row(dice); }
    [[nodiscard]] Value broken(Dice& dice) const override { return shape_of<T>().broken_row(dice); }
    void read(T& object, const Value& value, Reading& reading) const override {
        shape_of<T>().read_row(&object, value, reading);
    }
    [[nodiscard]] Value write(const T& object, Defaults /*defaults*/) const override {
        return shape_of<T>().write_row(&object);
    }
};

// NOLINTBEGIN(google-explicit-constructor): the member decides which Kind it is
struct ObjectKind {
    template <Described T>
    operator std::shared_ptr<const TypeOf<T>>() const {
        return std::make_shared<const ObjectType<T>>();
    }
};

struct RowKind {
    template <Described T>
    operator std::shared_ptr<const TypeOf<T>>() const {
        return std::make_shared<const RowType<T>>();
    }
};
// NOLINTEND(google-explicit-constructor)

[[nodiscard]] constexpr ObjectKind object() { return {}; }
[[nodiscard]] constexpr RowKind row() { return {}; }

template <typename T>
void Fields::required(std::string_view name, std::optional<T>& member, std::type_identity_t<Kind<T>> kind,
                      std::string_view sentence) {
    add({name, sentence, true, std::make_shared<const MaybeType<T>>(std::move(kind))}, &member);
}

template <typename T>
void Fields::optional(std::string_view name, std::optional<T>& member, std::type_identity_t<Kind<T>> kind,
                      std::string_view sentence) {
    add({name, sentence, false, std::make_shared<const MaybeType<T>>(std::move(kind))}, &member);
}

} // namespace pfild::describe
