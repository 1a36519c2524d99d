// SPDX-License-Identifier: BSD-2-Clause
// See flow_filter.h.
#include "bpfctl/flow_filter.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arpa/inet.h>

#include "bpfctl/fields.h"
#include "cbpf/flow_dependence.h"
#include "cbpf/interpret.h"
#include "filter/proved.h"
#include "pfild/flow_key.h"

namespace pfild::bpfctl {
namespace {

/// The number, if there is one and it is at most `most`.
std::optional<std::uint32_t> number_up_to(const Json& object, std::string_view key, std::uint32_t most) {
    const auto value = number(object, key);
    return value && *value <= most ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

bool read_tags(core::FlowKey& key, const Json& tags) {
    if (!tags.is_array() || tags.size() > PFILD_MAX_TAGS) {
        return false;
    }
    std::size_t innermost = tags.size();
    for (const Json& tag : tags) {
        const std::string type = text(tag, "type");
        const auto vlan = number_up_to(tag, "vlan", 0xfff);
        const auto priority = number_up_to(tag, "priority", 7);
        if ((type != "802.1Q" && type != "802.1ad") || !vlan || !priority) {
            return false;
        }
        const std::uint32_t tci = *priority << 13U | (flag(tag, "drop_eligible") ? 0x1000U : 0U) | *vlan;
        key.tag[--innermost] = {htons(type == "802.1Q" ? 0x8100 : 0x88a8), htons(static_cast<std::uint16_t>(tci))};
    }
    key.tags = static_cast<std::uint8_t>(tags.size());
    return true;
}

bool read_address(const core::FlowKey& key, const Json& flow, std::string_view which, __be32* address) {
    const auto* const text = member(flow, which).get_ptr<const std::string*>();
    const bool one_text = text != nullptr && text->find('\0') == std::string::npos;
    return one_text && ::inet_pton(key.family == 4 ? AF_INET : AF_INET6, text->c_str(), address) == 1;
}

bool read_port(const core::FlowKey& key, const Json& flow, std::string_view which, __be16& port) {
    if (pfild_has_ports(key.protocol) == 0) {
        return member(flow, which).is_null();
    }
    const auto value = number_up_to(flow, which, 0xffff);
    port = htons(static_cast<std::uint16_t>(value.value_or(0)));
    return value.has_value();
}

tl::unexpected<core::Error> refuse(const std::string& expression, std::string why, std::string advice) {
    return core::fail({"filter", '\'' + expression + '\'', std::move(why), std::move(advice), EINVAL});
}

} // namespace

std::optional<core::FlowKey> flow_key(const Json& flow) {
    core::FlowKey key{};
    const std::string family = text(flow, "family");
    const auto protocol = number_up_to(flow, "protocol", 0xff);
    if ((family != "inet" && family != "inet6") || !protocol) {
        return std::nullopt;
    }
    key.family = family == "inet" ? 4 : 6;
    key.protocol = static_cast<std::uint8_t>(*protocol);
    const bool whole = read_tags(key, member(flow, "tags")) && read_address(key, flow, "remote", key.remote) &&
                       read_address(key, flow, "local", key.local) &&
                       read_port(key, flow, "remote_port", key.remote_port) &&
                       read_port(key, flow, "local_port", key.local_port);
    return whole ? std::optional(key) : std::nullopt;
}

core::Result<FlowFilter> FlowFilter::compile(const std::string& expression, filter::Names names) {
    const auto compiled = filter::compile_proved(expression, filter::kEthernet, names);
    if (!compiled) {
        return tl::make_unexpected(compiled.error());
    }
    auto program = cbpf::Program::verify(compiled->program);
    if (!program) {
        return refuse(expression, "the program does not verify: " + program.error().message(),
                      filter::advice_on(program.error(), "write it shorter"));
    }
    if (const auto more = cbpf::why_per_packet(*program, cbpf::PacketForm::kEthernet)) {
        return refuse(expression, "instruction " + std::to_string(more->instruction) + ' ' + more->why,
                      "ask for protocols, addresses, ports and VLANs only");
    }
    // What can be said of an IP packet alone is no question about tags: libpcap refuses `vlan` there.
    const bool sees_tags = !filter::compile(expression, filter::kRaw, names);
    return FlowFilter(std::move(*program), sees_tags);
}

bool FlowFilter::means(const core::FlowKey& key) const {
    core::FlowKey seen = key;
    seen.tags = sees_tags_ ? key.tags : 0;
    return std::any_of(core::kEachDirection.begin(), core::kEachDirection.end(), [&](core::Direction direction) {
        return cbpf::interpret(program_, cbpf::Packet(core::representative(seen, direction))) != 0;
    });
}

} // namespace pfild::bpfctl
