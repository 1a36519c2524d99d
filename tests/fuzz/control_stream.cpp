// SPDX-License-Identifier: BSD-2-Clause
// Any bytes, in any pieces, as an answer that goes on, read as `bpfctl monitor` reads it: each line is what it would be
// alone, however it was cut up; then there is an end, which stays; nothing of it moves a terminal's cursor.
//
//     n, the lengths of n pieces, a byte each; then what comes: those pieces, and the rest as one
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "bpfctl/answer.h"
#include "bpfctl/client.h"
#include "bpfctl/text/monitor.h"

namespace {

namespace bpfctl = pfild::bpfctl;

constexpr std::uint64_t kId = 1; ///< of each question
constexpr std::size_t kMostPieces = 16;
constexpr const char* kName = "socket";

void demand(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// C0, DEL, and C1 in UTF-8, which some terminals obey.
bool has_control_character(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : 0xff);
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) {
            return true;
        }
    }
    return false;
}

/// What a person sees of a change: nothing, or whole lines.
void look_at(const bpfctl::Json& change) {
    std::string lines = bpfctl::change_line(change);
    demand(lines.empty() || lines.back() == '\n');
    std::replace(lines.begin(), lines.end(), '\n', ' ');
    demand(!has_control_character(lines));
    demand(!has_control_character(bpfctl::compact(change)));
}

/// A connection to a daemon that has said all it will. Each piece is what one recv(2) gives.
class Said {
  public:
    Said(std::string_view lengths, std::string_view bytes) {
        demand(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()) == 0);
        while (!bytes.empty()) {
            const std::size_t length = lengths.empty() ? bytes.size() : std::min(bytes.size(), length_of(lengths));
            demand(::send(ends_[1], bytes.data(), length, MSG_DONTWAIT) == static_cast<ssize_t>(length));
            bytes.remove_prefix(length);
            lengths.remove_prefix(lengths.empty() ? 0 : 1);
        }
        demand(::shutdown(ends_[1], SHUT_WR) == 0);
    }
    ~Said() { ::close(ends_[1]); }
    Said(const Said&) = delete;
    Said& operator=(const Said&) = delete;
    Said(Said&&) = delete;
    Said& operator=(Said&&) = delete;

    /// Owns the other end.
    [[nodiscard]] bpfctl::Client client() const { return bpfctl::Client::adopt(ends_[0], kName); }

  private:
    static std::size_t length_of(std::string_view lengths) { return static_cast<unsigned char>(lengths.front()) + 1U; }

    std::array<int, 2> ends_{};
};

/// Whether two readings of a line say the same.
bool same(const bpfctl::Outcome<bpfctl::Json>& one, const bpfctl::Outcome<bpfctl::Json>& other) {
    if (!one || !other) {
        return !one && !other && one.error().exit == other.error().exit &&
               line_of(one.error()) == line_of(other.error());
    }
    return *one == *other;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { // NOLINT(*-identifier-naming)
    if (size == 0) {
        return 0;
    }
    std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::string_view lengths = bytes.substr(0, *data % kMostPieces);
    bytes.remove_prefix(lengths.size());
    const Said said(lengths, bytes);
    bpfctl::Client client = said.client();
    bool asked = false;
    const auto next = [&] {
        return std::exchange(asked, true) ? client.more() : client.ask("monitor", bpfctl::Json::object());
    };
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
        const auto answer = next();
        demand(same(answer, bpfctl::parse_answer(bytes.substr(0, end), kId, kName)));
        if (answer) {
            look_at(*answer);
        }
        bytes.remove_prefix(end + 1);
    }
    for (int again = 0; again < 2; ++again) {
        const auto nothing = next();
        demand(!nothing && nothing.error().exit == bpfctl::Exit::kUnreachable);
    }
    return 0;
}
