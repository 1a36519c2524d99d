// SPDX-License-Identifier: BSD-2-Clause
// See packet_file.h.
#include "filter/packet_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <pcap/pcap.h>
#include <unistd.h>

namespace pfild::filter {
namespace {

tl::unexpected<core::Error> broken(const std::string& name, std::string why, std::string advice, int code) {
    return core::fail({"read", name, std::move(why), std::move(advice), code});
}

tl::unexpected<core::Error> unreadable(const std::string& name, int code) {
    return broken(name, std::strerror(code), "", code); // NOLINT(concurrency-mt-unsafe): a constant of glibc's
}

} // namespace

void PacketFile::Close::operator()(pcap* handle) const noexcept { pcap_close(handle); }

PacketFile::PacketFile(std::unique_ptr<pcap, Close> handle, std::string name)
    : handle_(std::move(handle)), name_(std::move(name)), link_type_(link_type_numbered(pcap_datalink(handle_.get()))) {
}

core::Result<PacketFile> PacketFile::open(const std::string& path) {
    const std::string name = path == "-" ? "standard input" : path;
    const int descriptor =
        path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return unreadable(name, errno);
    }
    std::FILE* const stream = fdopen(descriptor, "rb");
    if (stream == nullptr) {
        const int code = errno;
        ::close(descriptor);
        return unreadable(name, code);
    }
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    pcap_t* const handle = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error.data());
    if (handle == nullptr) {
        (void)std::fclose(stream); // libpcap has closed nothing
        return broken(name, error.data(), "it must be a capture file, pcap or pcapng", EINVAL);
    }
    return PacketFile({handle, Close{}}, name);
}

core::Result<std::optional<TimedPacket>> PacketFile::next() {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int got = pcap_next_ex(handle_.get(), &header, &bytes);
    if (got == PCAP_ERROR_BREAK) { // the end
        return std::nullopt;
    }
    if (got != 1) {
        return broken(name_, pcap_geterr(handle_.get()),
                      "the file is damaged behind packet " + std::to_string(packets_), EINVAL);
    }
    ++packets_;
    return TimedPacket{
        header->ts.tv_sec, static_cast<std::uint32_t>(header->ts.tv_usec), header->len, {bytes, header->caplen}};
}

} // namespace pfild::filter
