// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/netlink.h.
#include "daemon/guard/netlink.h"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <sys/time.h>

#include "daemon/sys/failure.h"

namespace pfild::guard {
namespace {

constexpr std::size_t aligned(std::size_t length) {
    return (length + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

/// What a part of an answer says of the rest.
enum class Rest : std::uint8_t { kComes, kNone };

core::Result<Rest> take_messages(ByteSpan part, std::uint32_t number, const char* name,
                                 const std::function<void(ByteSpan body)>& visit) {
    bool more = true;
    while (part.size() >= sizeof(nlmsghdr)) {
        const auto header = front_of<nlmsghdr>(part);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > part.size()) {
            return sys::failed("ask", name, EBADMSG);
        }
        const ByteSpan body = part.first(header.nlmsg_len).subspan(sizeof header);
        if (header.nlmsg_seq != number) { // of an earlier question
            part = part.subspan(std::min(aligned(header.nlmsg_len), part.size()));
            continue;
        }
        if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
            const int error = -front_of<int>(body);
            return error == 0 ? core::Result<Rest>(Rest::kNone) : sys::failed("ask", name, error);
        }
        visit(body);
        more = (header.nlmsg_flags & NLM_F_MULTI) != 0;
        part = part.subspan(std::min(aligned(header.nlmsg_len), part.size()));
    }
    return more ? Rest::kComes : Rest::kNone;
}

} // namespace

void Question::put(const void* bytes, std::size_t size) {
    const auto* const first = static_cast<const std::uint8_t*>(bytes);
    bytes_.insert(bytes_.end(), first, first + size);
    bytes_.resize(aligned(bytes_.size()));
}

Question& Question::with(std::uint16_t type, const void* value, std::size_t size) {
    const nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + size), type};
    put(&attribute, sizeof attribute);
    put(value, size);
    return *this;
}

const std::vector<std::uint8_t>& Question::bytes(std::uint32_t number) {
    header_.nlmsg_seq = number;
    header_.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &header_, sizeof header_);
    return bytes_;
}

void each_attribute(ByteSpan bytes, const std::function<void(std::uint16_t type, ByteSpan value)>& visit) {
    while (bytes.size() >= sizeof(nlattr)) {
        const auto attribute = front_of<nlattr>(bytes);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > bytes.size()) {
            return;
        }
        visit(attribute.nla_type & NLA_TYPE_MASK, bytes.first(attribute.nla_len).subspan(sizeof attribute));
        bytes = bytes.subspan(std::min(aligned(attribute.nla_len), bytes.size()));
    }
}

core::Result<Netlink> Netlink::open(int protocol, const char* name) {
    constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};
    sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) != 0) {
        return sys::failed("open", name, errno);
    }
    return Netlink(std::move(socket), name);
}

core::Result<void> Netlink::ask(Question question, const std::function<void(ByteSpan body)>& visit) {
    constexpr std::size_t kPart = 65536; // a kernel's message is at most half of it
    const std::vector<std::uint8_t>& bytes = question.bytes(++asked_);
    if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) {
        return sys::failed("ask", name_, errno);
    }
    part_.resize(kPart);
    for (;;) {
        const ssize_t count = ::recv(socket_.get(), part_.data(), part_.size(), 0);
        if (count < 0) {
            return sys::failed("ask", name_, errno);
        }
        const auto rest = take_messages({part_.data(), static_cast<std::size_t>(count)}, asked_, name_, visit);
        if (!rest || *rest == Rest::kNone) {
            return rest ? core::Result<void>() : core::fail(rest.error());
        }
    }
}

} // namespace pfild::guard
