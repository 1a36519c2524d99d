// SPDX-License-Identifier: BSD-2-Clause
// See numeric_names.h. This file defines functions of the C library; whoever links it gets them. NumericNames lives in
// the same object file, so that nobody can have the one without the other.
#include "filter/numeric_names.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <pcap/pcap.h> // before pcap/namedb.h, which needs its macros

#include <pcap/namedb.h>
#include <sys/socket.h>

#include "filter/name_files.h"

namespace pfild::filter {
namespace {

thread_local int numeric_depth = 0;        ///< how many NumericNames of this thread are alive
thread_local unsigned numeric_answers = 0; ///< questions answered here instead of by the C library

constexpr const char* kServices = "/etc/services";
constexpr const char* kProtocols = "/etc/protocols";

/// The C library's own function of this name and type.
template <typename Function>
Function* real(const char* name) noexcept {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name)); // NOLINT: how dlsym(3) is meant to be used
}

/// True, and counted, if this question must be answered here.
bool answer_here() noexcept {
    numeric_answers += numeric_depth > 0 ? 1 : 0;
    return numeric_depth > 0;
}

std::string_view protocol_of(const addrinfo* hints) {
    switch (hints == nullptr ? 0 : hints->ai_protocol) {
    case IPPROTO_TCP:
        return "tcp";
    case IPPROTO_UDP:
        return "udp";
    case IPPROTO_SCTP:
        return "sctp";
    default:
        return {};
    }
}

bool is_number(const char* text) noexcept { return std::strspn(text, "0123456789") == std::strlen(text); }

/// getaddrinfo(3) of numbers. A service alone is answered for 0.0.0.0 only: with one address the C library has nothing
/// to sort and opens no socket to find the order.
int numeric_addresses(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
    addrinfo numeric{};
    if (hints != nullptr) {
        numeric = *hints;
    }
    numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    std::string port;
    if (service != nullptr) {
        port = service;
        if (!is_number(service)) {
            const auto found = service_port(read_name_file(kServices), service, protocol_of(hints));
            if (!found) {
                return EAI_NONAME;
            }
            port = std::to_string(*found);
        }
    }
    if (node == nullptr) {
        node = "0.0.0.0";
        numeric.ai_family = AF_INET;
    }
    auto* const ask = real<decltype(getaddrinfo)>("getaddrinfo");
    return ask == nullptr ? EAI_FAIL : ask(node, service == nullptr ? nullptr : port.c_str(), &numeric, result);
}

/// Fills a protoent whose strings live in the caller's buffer: an empty list of aliases, then the name.
int numeric_protocol(const char* name, protoent* entry, char* buffer, std::size_t size, protoent** result) {
    *result = nullptr;
    const auto number = protocol_number(read_name_file(kProtocols), name);
    if (!number) {
        return 0;
    }
    void* at = buffer;
    const std::size_t name_size = std::strlen(name) + 1;
    if (std::align(alignof(char*), sizeof(char*) + name_size, at, size) == nullptr) {
        return ERANGE;
    }
    char** const aliases = new (at) char*(nullptr);
    entry->p_name = static_cast<char*>(std::memcpy(static_cast<char*>(at) + sizeof(char*), name, name_size));
    entry->p_aliases = aliases;
    entry->p_proto = *number;
    *result = entry;
    return 0;
}

} // namespace

NumericNames::NumericNames() noexcept { ++numeric_depth; }

NumericNames::~NumericNames() { --numeric_depth; }

bool NumericNames::in_force() noexcept {
    const unsigned before = numeric_answers;
    if (addrinfo* const answer = pcap_nametoaddrinfo("127.0.0.1"); answer != nullptr) {
        freeaddrinfo(answer);
    }
    return numeric_answers != before;
}

// With C linkage these are the C library's functions, whatever namespace they are defined in.
extern "C" {

int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
    if (answer_here()) {
        return numeric_addresses(node, service, hints, result);
    }
    auto* const ask = real<decltype(getaddrinfo)>("getaddrinfo");
    return ask == nullptr ? EAI_FAIL : ask(node, service, hints, result);
}

hostent* gethostbyname(const char* name) {
    auto* const ask = answer_here() ? nullptr : real<decltype(gethostbyname)>("gethostbyname");
    if (ask == nullptr) {
        h_errno = HOST_NOT_FOUND;
        return nullptr;
    }
    return ask(name);
}

int getnetbyname_r(const char* name, netent* entry, char* buffer, size_t size, netent** result, int* h_error) {
    auto* const ask = answer_here() ? nullptr : real<decltype(getnetbyname_r)>("getnetbyname_r");
    if (ask == nullptr) {
        *result = nullptr;
        *h_error = HOST_NOT_FOUND;
        return 0;
    }
    return ask(name, entry, buffer, size, result, h_error);
}

int getprotobyname_r(const char* name, protoent* entry, char* buffer, size_t size, protoent** result) {
    if (answer_here()) {
        return numeric_protocol(name, entry, buffer, size, result);
    }
    auto* const ask = real<decltype(getprotobyname_r)>("getprotobyname_r");
    if (ask == nullptr) {
        *result = nullptr;
        return ENOENT;
    }
    return ask(name, entry, buffer, size, result);
}

int ether_hostton(const char* name, ether_addr* address) noexcept {
    auto* const ask = answer_here() ? nullptr : real<int(const char*, ether_addr*)>("ether_hostton");
    return ask == nullptr ? -1 : ask(name, address);
}

} // extern "C"

} // namespace pfild::filter
