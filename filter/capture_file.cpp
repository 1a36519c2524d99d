// SPDX-License-Identifier: BSD-2-Clause
// See capture_file.h.
#include "filter/capture_file.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <pcap/pcap.h>
#include <unistd.h>

namespace pfild::filter {
namespace {

constexpr mode_t kMode = 0666; // what is left of it by the umask
constexpr std::size_t kBufferBytes = 262'144;

core::Error failure(const std::string& name, int code) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's answer for a known number is a constant
    return {"write", name, std::strerror(code), code == ENOSPC ? "what was written before can be read" : "", code};
}

struct CloseFormat {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};

} // namespace

void CaptureFile::Close::operator()(pcap_dumper* dumper) const noexcept { pcap_dump_close(dumper); }

core::Result<CaptureFile> CaptureFile::create(const std::string& path, LinkType link_type, int snap_length) {
    if (path != "-") {
        const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
        return descriptor < 0 ? core::fail(failure(path, errno)) : adopt(descriptor, path, link_type, snap_length);
    }
    if (isatty(STDOUT_FILENO) == 1) {
        return core::fail(
            {"write", "standard output", "it is a terminal", "give a file, or a pipe to read it", EINVAL});
    }
    const int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0); // libpcap closes what it writes to
    return copy < 0 ? core::fail(failure("standard output", errno))
                    : adopt(copy, "standard output", link_type, snap_length);
}

core::Result<CaptureFile> CaptureFile::adopt(int descriptor, std::string name, LinkType link_type, int snap_length) {
    std::FILE* const stream = fdopen(descriptor, "w");
    if (stream == nullptr) {
        const int code = errno;
        ::close(descriptor);
        return core::fail(failure(name, code));
    }
    auto buffer = std::make_unique<std::vector<char>>(kBufferBytes);
    (void)std::setvbuf(stream, buffer->data(), _IOFBF, buffer->size());
    const std::unique_ptr<pcap_t, CloseFormat> format(
        pcap_open_dead_with_tstamp_precision(link_type.number, snap_length, PCAP_TSTAMP_PRECISION_NANO));
    pcap_dumper* const dumper = format ? pcap_dump_fopen(format.get(), stream) : nullptr;
    if (dumper == nullptr) {
        const int code = format ? EIO : ENOMEM;
        if (!format) {
            (void)std::fclose(stream); // else libpcap has closed it
        }
        return core::fail(failure(name, code));
    }
    CaptureFile file({dumper, Close{std::move(buffer)}}, std::move(name));
    if (auto begun = file.flush(); !begun) { // so that a reader of a pipe knows what it will get
        return core::fail(std::move(begun.error()));
    }
    return file;
}

core::Error CaptureFile::fail_with(int code) {
    if (!failed_) {
        failed_ = failure(name_, code == 0 ? EIO : code);
    }
    return *failed_;
}

core::Result<void> CaptureFile::write(const TimedPacket& packet) {
    if (failed_) {
        return core::fail(*failed_);
    }
    pcap_pkthdr header{};
    header.ts.tv_sec = packet.seconds;
    header.ts.tv_usec = packet.nanoseconds; // the precision says what is counted here
    header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
    header.len = packet.length;
    errno = 0;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how libpcap's callback takes its own type
    pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header, packet.bytes.data());
    if (std::ferror(pcap_dump_file(dumper_.get())) != 0) {
        return core::fail(fail_with(errno));
    }
    return {};
}

core::Result<void> CaptureFile::flush() {
    if (failed_) {
        return core::fail(*failed_);
    }
    errno = 0;
    if (pcap_dump_flush(dumper_.get()) != 0) {
        return core::fail(fail_with(errno));
    }
    return {};
}

core::Result<void> CaptureFile::close() {
    auto flushed = flush();
    dumper_.reset();
    return flushed;
}

} // namespace pfild::filter
