// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a line of the control socket: a request or an error, never an exception; and as the dice of which the
// descriptions make messages: what they say is right is read and comes back the same, what they break is refused.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "control/message.h"
#include "control/verbs.h"
#include "describe/describe.h"
#include "describe/json.h"

namespace {

namespace control = pfild::control;
namespace describe = pfild::describe;

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// The bytes, eight at a time and then zeros.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    std::uint64_t next() {
        std::uint64_t number = 0;
        const std::size_t count = size_ < sizeof number ? size_ : sizeof number;
        if (count != 0) {
            std::memcpy(&number, data_, count);
        }
        data_ += count;
        size_ -= count;
        return number;
    }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
};

template <typename T>
void read_any_of(const describe::Value& value) {
    const auto read = describe::read<T>(value);
    demand(read.has_value() || !read.error().front().why.empty());
    if (read) {
        const auto again = describe::read<T>(describe::value_of_json(json_line(describe::write(*read))).value());
        demand(again && describe::same(*read, *again));
    }
}

template <typename T>
void make(describe::Dice& dice) {
    const describe::Shape& shape = describe::shape_of<T>();
    demand(describe::read<T>(shape.any(dice)).has_value());
    demand(!describe::read<T>(shape.broken(dice)).has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    const auto request = control::parse_request({reinterpret_cast<const char*>(data), size});
    if (request) {
        demand(request->arguments.members() != nullptr);
        read_any_of<control::AttachRequest>(request->arguments);
        read_any_of<control::HookAddRequest>(request->arguments);
        read_any_of<control::LinkRequest>(request->arguments);
        read_any_of<control::FlowsRequest>(request->arguments);
        read_any_of<control::HookView>(request->arguments);
    } else {
        demand(request.error().error.code != 0 && !control::failure_line(0, request.error().error).empty());
    }
    Bytes bytes(data, size);
    describe::Dice dice([&bytes] { return bytes.next(); });
    make<control::AttachRequest>(dice);
    make<control::HookAddRequest>(dice);
    make<control::LinkRequest>(dice);
    make<control::FlowsRequest>(dice);
    make<control::HookProgramView>(dice);
    make<control::StatsView>(dice);
    return 0;
}
