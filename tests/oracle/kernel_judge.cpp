// SPDX-License-Identifier: BSD-2-Clause
// The socket pair whose receiving end filters.
#include "tests/oracle/kernel_judge.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pfild::tests {
tl::expected<KernelJudge, std::string> KernelJudge::open() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return tl::make_unexpected(std::string("no AF_UNIX socket pair: ") + std::strerror(errno));
    }
    KernelJudge judge(ends[0], ends[1]);
    const cbpf::Instruction everything{0x06, 0, 0, 0x7fffffff};
    const std::array<std::uint8_t, 4> probe{1, 2, 3, 4};
    if (!judge.accepts({&everything, 1})) {
        return tl::make_unexpected(std::string("SO_ATTACH_FILTER refuses `ret #0x7fffffff`: ") + std::strerror(errno));
    }
    if (judge.delivered(probe) != std::int64_t{4}) {
        return tl::make_unexpected(std::string("a datagram that its filter wants whole does not arrive whole"));
    }
    return judge;
}

KernelJudge::KernelJudge(KernelJudge&& other) noexcept
    : receiver_(std::exchange(other.receiver_, -1)), sender_(std::exchange(other.sender_, -1)) {}

KernelJudge::~KernelJudge() {
    if (receiver_ >= 0) {
        (void)::close(receiver_);
        (void)::close(sender_);
    }
}

bool KernelJudge::accepts(std::span<const cbpf::Instruction> program) const {
    std::vector<sock_filter> code; // the layout is the same; a copy needs no cast
    code.reserve(program.size());
    for (const cbpf::Instruction& instruction : program) {
        code.push_back({instruction.code, instruction.jt, instruction.jf, instruction.k});
    }
    const sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
    return ::setsockopt(receiver_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0;
}

std::int64_t KernelJudge::delivered(std::span<const std::uint8_t> packet) const {
    if (::send(sender_, packet.data(), packet.size(), 0) != static_cast<ssize_t>(packet.size())) {
        return -1;
    }
    std::uint8_t first = 0;
    const ssize_t length = ::recv(receiver_, &first, sizeof(first), MSG_TRUNC); // says how long the datagram is
    if (length < 0) {
        return errno == EAGAIN ? 0 : -1; // dropped by the filter: a pair delivers at once or never
    }
    return length;
}

} // namespace pfild::tests
