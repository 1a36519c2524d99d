// SPDX-License-Identifier: BSD-2-Clause
// What one field can be: one class for each kind of it, and in that class all that anybody wants to know. A new kind is
// a new class, and every reader, writer, schema, manual and fuzzer has it then.
//
//     Type        what is said of a kind without its C++ type; what the tables of a Shape hold
//     TypeOf<T>   reads and writes a T
//     Kind<T>     a reference to one; kinds.h makes them
//
// Types are made once, when a struct is described first, and never change. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "describe/dice.h"
#include "describe/mistakes.h"
#include "describe/value.h"

namespace pfild::describe {

/// What is written of fields that may be left out.
enum class Defaults : std::uint8_t { kWritten, kLeftOut };

/// Objects that a JSON Schema has described so far, by name: the content of its `$defs`.
using Definitions = Value;

class Shape;

class Type {
  public:
    Type() = default;
    Type(const Type&) = delete;
    Type& operator=(const Type&) = delete;
    Type(Type&&) = delete;
    Type& operator=(Type&&) = delete;
    virtual ~Type() = default;

    /// For a manual: "a whole number from 1 to 256", "`pass` or `drop`".
    [[nodiscard]] virtual std::string says() const = 0;
    [[nodiscard]] virtual Value schema(Definitions& definitions) const = 0;
    /// A value that is read without a mistake.
    [[nodiscard]] virtual Value any(Dice& dice) const = 0;
    /// One that is not, by little.
    [[nodiscard]] virtual Value broken(Dice& dice) const = 0;
    /// What a word of a command line would say; it may be wrong, as any value may.
    [[nodiscard]] virtual Value of_word(std::string_view word) const { return word; }
    /// The words there are, where these are all.
    [[nodiscard]] virtual std::span<const std::string_view> words() const { return {}; }

    /// What a list or a table has many of, and something optional one of.
    [[nodiscard]] virtual const Type* item() const { return nullptr; }
    /// Of a described struct.
    [[nodiscard]] virtual const Shape* shape() const { return nullptr; }

    /// After a mistake `object` holds some value of its type. => `object` points to what this is a type of.
    virtual void read_at(void* object, const Value& value, Reading& reading) const = 0;
    [[nodiscard]] virtual Value write_at(const void* object, Defaults defaults) const = 0;
};

template <typename T>
class TypeOf : public Type {
  public:
    virtual void read(T& object, const Value& value, Reading& reading) const = 0;
    [[nodiscard]] virtual Value write(const T& object, Defaults defaults) const = 0;

    void read_at(void* object, const Value& value, Reading& reading) const final {
        read(*static_cast<T*>(object), value, reading);
    }
    [[nodiscard]] Value write_at(const void* object, Defaults defaults) const final {
        return write(*static_cast<const T*>(object), defaults);
    }
};

template <typename T>
using Kind = std::shared_ptr<const TypeOf<T>>;

} // namespace pfild::describe
