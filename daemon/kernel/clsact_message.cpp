// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/clsact_message.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/qdisc.h>
#include <sys/socket.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel::clsact {
namespace {

constexpr std::uint32_t kQdiscHandle = TC_H_MAKE(TC_H_CLSACT, 0);
constexpr std::uint32_t kPreference = 1;
constexpr std::uint32_t kQdiscRequest = 1; // numbers of the requests in one message
constexpr std::uint32_t kFilterRequest = 2;

struct MessageDeleter {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, MessageDeleter>;

/// Requests, one behind the other.
class Requests {
  public:
    void add(nl_msg* message, std::uint32_t number) {
        nlmsghdr* const header = nlmsg_hdr(message);
        header->nlmsg_seq = number;
        header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
        const auto bytes = std::as_bytes(std::span(reinterpret_cast<const char*>(header), header->nlmsg_len));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
        count_++;
    }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
    [[nodiscard]] std::size_t count() const { return count_; }

  private:
    std::vector<std::byte> bytes_;
    std::size_t count_ = 0;
};

Message request(int type, int flags, const tcmsg& header) {
    Message message(nlmsg_alloc_simple(type, flags));
    if (message) {
        tcmsg copy = header; // the library takes it as not constant
        nlmsg_append(message.get(), &copy, sizeof(copy), NLMSG_ALIGNTO);
    }
    return message;
}

tcmsg header_of(std::uint32_t ifindex, std::uint32_t parent, std::uint32_t handle) {
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = static_cast<int>(ifindex);
    header.tcm_parent = parent;
    header.tcm_handle = handle;
    return header;
}

Message new_qdisc(std::uint32_t ifindex) {
    Message message = request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, header_of(ifindex, TC_H_CLSACT, kQdiscHandle));
    return message && nla_put_string(message.get(), TCA_KIND, "clsact") == 0 ? std::move(message) : nullptr;
}

Message new_filter(std::uint32_t ifindex, core::Direction direction, std::uint32_t handle, int program_fd,
                   const std::string& name) {
    const std::uint32_t minor = direction == core::Direction::kIn ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
    tcmsg header = header_of(ifindex, TC_H_MAKE(TC_H_CLSACT, minor), handle);
    header.tcm_info = TC_H_MAKE(kPreference << 16U, static_cast<std::uint32_t>(__builtin_bswap16(ETH_P_ALL)));
    Message message = request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, header);
    if (!message || nla_put_string(message.get(), TCA_KIND, "bpf") != 0) {
        return nullptr;
    }
    nlattr* const options = nla_nest_start(message.get(), TCA_OPTIONS);
    if (options == nullptr || nla_put_u32(message.get(), TCA_BPF_FD, static_cast<std::uint32_t>(program_fd)) != 0 ||
        nla_put_string(message.get(), TCA_BPF_NAME, name.c_str()) != 0 ||
        nla_put_u32(message.get(), TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) != 0) {
        return nullptr;
    }
    nla_nest_end(message.get(), options);
    return message;
}

/// What the kernel said to each request, by its number: errno, 0 for done.
core::Result<std::map<std::uint32_t, int>> ask(const Requests& requests) {
    const sys::Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket) {
        return sys::failed("open", "rtnetlink", errno);
    }
    if (::send(socket.get(), requests.bytes().data(), requests.bytes().size(), 0) < 0) {
        return sys::failed("ask", "rtnetlink", errno);
    }
    std::map<std::uint32_t, int> said;
    while (said.size() < requests.count()) {
        std::array<std::byte, 16384> answer{};
        const ssize_t length = ::recv(socket.get(), answer.data(), answer.size(), 0);
        if (length < 0 && errno != EINTR) {
            return sys::failed("hear", "rtnetlink", errno);
        }
        int left = static_cast<int>(length);
        for (auto* one = reinterpret_cast<nlmsghdr*>(answer.data()); nlmsg_ok(one, left) != 0;
             one = nlmsg_next(one, &left)) {
            if (one->nlmsg_type == NLMSG_ERROR) {
                said[one->nlmsg_seq] = -static_cast<const nlmsgerr*>(nlmsg_data(one))->error;
            }
        }
    }
    return said;
}

} // namespace

// A question for the one qdisc is answered as if it were there when there has been one.
core::Result<bool> has_qdisc(std::uint32_t ifindex) {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), &nl_socket_free);
    nl_cache* cache = nullptr;
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0 || rtnl_qdisc_alloc_cache(socket.get(), &cache) < 0) {
        return sys::failed("list", "the qdiscs", EIO);
    }
    const std::unique_ptr<nl_cache, decltype(&nl_cache_free)> all(cache, &nl_cache_free);
    rtnl_qdisc* const found = rtnl_qdisc_get_by_parent(cache, static_cast<int>(ifindex), TC_H_CLSACT);
    rtnl_qdisc_put(found);
    return found != nullptr;
}

core::Result<MadeQdisc> make_qdisc_with_filter(std::uint32_t ifindex, core::Direction direction, std::uint32_t handle,
                                               int program_fd, const std::string& name) {
    const Message qdisc = new_qdisc(ifindex);
    const Message filter = new_filter(ifindex, direction, handle, program_fd, name);
    if (!qdisc || !filter) {
        return sys::failed("make", "the clsact qdisc", ENOMEM);
    }
    Requests requests;
    requests.add(qdisc.get(), kQdiscRequest);
    requests.add(filter.get(), kFilterRequest);
    return ask(requests).map([](const std::map<std::uint32_t, int>& said) {
        return MadeQdisc{.qdisc = said.at(kQdiscRequest), .filter = said.at(kFilterRequest)};
    });
}

} // namespace pfild::kernel::clsact
