// SPDX-License-Identifier: BSD-2-Clause
// A struct tells its fields once, in a function `describe` beside it, which is found by its argument:
//
//     struct LinkRequest { std::string hook; core::Directions directions; bool append = false; };
//
//     void describe(Fields& fields, LinkRequest& request) {
//         fields.called("link_request", "Which hook shall meet which packets.");
//         fields.required("hook", request.hook, name(127), "The hook, `MODULE:NAME`.");
//         fields.required("directions", request.directions, directions(), "Of the packets.");
//         fields.optional("append", request.append, flag(), "Furthest from the wire instead of nearest.");
//     }
//
// The function runs once, over a fresh object; what it says becomes the struct's Shape: a table of fields, each with
// its Type and its place in the object. All that is done with structs is done by that table. The default of an optional
// field is what the fresh object holds. A struct within the struct describes itself, by the kind object(); one that
// contributes its fields is described in the same function: `describe(fields, request.other)`.
//
// A Shape lives for ever and never changes. Any thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "describe/type.h"

namespace pfild::describe {

struct Field {
    std::string_view name;
    std::string_view sentence;
    bool required = false;
    std::shared_ptr<const Type> type;
    std::size_t offset = 0; ///< in the object, in bytes
    Value otherwise;        ///< what an optional one is if it is left out
};

class Shape {
  public:
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    [[nodiscard]] std::string_view sentence() const noexcept { return sentence_; }
    [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }
    /// => there is one of that name.
    [[nodiscard]] const Field& field(std::string_view name) const;

    /// Fields that are left out keep what they hold. => `object` is of the described struct, as in the next.
    void read(void* object, const Value& value, Reading& reading) const;
    [[nodiscard]] Value write(const void* object, Defaults defaults) const;
    /// As a list of all fields.
    void read_row(void* object, const Value& value, Reading& reading) const;
    [[nodiscard]] Value write_row(const void* object) const;

    [[nodiscard]] Value schema(Definitions& definitions) const;
    [[nodiscard]] Value row_schema(Definitions& definitions) const;
    [[nodiscard]] std::string row_says() const;
    [[nodiscard]] Value any(Dice& dice) const;
    [[nodiscard]] Value broken(Dice& dice) const;
    [[nodiscard]] Value any_row(Dice& dice) const;
    [[nodiscard]] Value broken_row(Dice& dice) const;

  private:
    friend class Fields;

    [[nodiscard]] const Field* find(std::string_view name) const noexcept;
    void refuse_stranger(const Value::Member& member, Reading& reading) const;

    std::string_view name_;
    std::string_view sentence_;
    std::vector<Field> fields_;
};

/// `{"$ref": …}`; the first one of a shape describes it in `definitions`.
[[nodiscard]] Value reference_to(const Shape& shape, Definitions& definitions);

/// What `describe` writes to. All texts live for ever: they are literals.
class Fields {
  public:
    /// => `object` is a fresh one of `size` bytes.
    Fields(Shape& shape, void* object, std::size_t size) : shape_(shape), object_(object), size_(size) {}

    /// The name and the sentence of the struct. The last one counts, so say it after the fields of another struct.
    void called(std::string_view name, std::string_view sentence);

    template <typename T>
    void required(std::string_view name, T& member, std::type_identity_t<Kind<T>> kind, std::string_view sentence) {
        add({name, sentence, true, std::move(kind)}, &member);
    }
    template <typename T>
    void required(std::string_view name, std::optional<T>& member, std::type_identity_t<Kind<T>> kind,
                  std::string_view sentence);
    template <typename T>
    void optional(std::string_view name, T& member, std::type_identity_t<Kind<T>> kind, std::string_view sentence) {
        add({name, sentence, false, std::move(kind)}, &member);
    }
    template <typename T>
    void optional(std::string_view name, std::optional<T>& member, std::type_identity_t<Kind<T>> kind,
                  std::string_view sentence);

  private:
    void add(Field field, const void* member);

    Shape& shape_;
    const void* object_;
    std::size_t size_;
};

/// No struct's own: the name stands for a function here, not for the namespace, so that others are found by argument.
void describe(Fields& fields) = delete;

template <typename T>
concept Described = std::default_initializable<T> && requires(Fields& fields, T& object) {
    describe(fields, object);
};

template <Described T>
[[nodiscard]] const Shape& shape_of() {
    static const Shape kShape = [] {
        Shape shape;
        T fresh{};
        Fields fields(shape, &fresh, sizeof fresh);
        describe(fields, fresh);
        return shape;
    }();
    return kShape;
}

} // namespace pfild::describe
