// SPDX-License-Identifier: BSD-2-Clause
// All that a description needs, and all that is done with described structs. The rest of the folder is its inside.
//
//     void describe(Fields& fields, T& object)     written once, see shape.h
//     read<T>(value)      write(object)            with a Value: JSON, TOML
//     shape_of<T>()                                its table of fields: manual, schema, command lines, makers of values
#pragma once

#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "describe/kinds.h"
#include "describe/objects.h"
#include "describe/shape.h"

namespace pfild::describe {

template <typename T>
using ReadResult = tl::expected<T, std::vector<Mistake>>;

/// Every field that `value` does not name stays as it is in `object`. All mistakes, in the order of the description.
template <Described T>
[[nodiscard]] ReadResult<T> read(const Value& value, Manner manner = {}, T object = {}) {
    Reading reading(manner);
    shape_of<T>().read(&object, value, reading);
    if (reading.refused() != 0) {
        return tl::make_unexpected(reading.take_mistakes());
    }
    return object;
}

/// Members in the order of the description.
template <Described T>
[[nodiscard]] Value write(const T& object, Defaults defaults = Defaults::kWritten) {
    return shape_of<T>().write(&object, defaults);
}

/// They say the same in every field.
template <Described T>
[[nodiscard]] bool same(const T& one, const T& other) {
    return write(one) == write(other);
}

} // namespace pfild::describe
