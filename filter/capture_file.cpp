// SPDX-License-Identifier: BSD-2-Clause
// See capture_file.h.
#include "filter/capture_file.h"

#include <algorithm>
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
constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kPacketHeader = 16;

/// Where the next byte goes; nothing: a pipe has no such place.
std::optional<std::uint64_t> offset_of(int descriptor) {
    const off_t offset = ::lseek(descriptor, 0, SEEK_CUR);
    return offset < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(offset));
}

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
    const std::uint64_t begin = offset_of(descriptor).value_or(0);
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
    file.begin_ = begin;
    file.end_ = kFileHeader;
    if (auto begun = file.flush(); !begun) { // so that a reader of a pipe knows what it will get
        return core::fail(std::move(begun.error()));
    }
    return file;
}

core::Error CaptureFile::fail_with(int code) {
    if (!failed_) {
        failed_ = failure(name_, code == 0 ? EIO : code);
        count_kept();
    }
    return *failed_;
}

// The stream holds back no more than its buffer and the packet that did not fit.
void CaptureFile::note(std::size_t bytes) {
    end_ += kPacketHeader + bytes;
    ends_.push_back(end_);
    while (ends_.front() + kBufferBytes + kPacketHeader + bytes < end_) {
        ends_.pop_front();
        handed_++;
    }
}

void CaptureFile::count_kept() {
    const std::uint64_t now = offset_of(fileno(pcap_dump_file(dumper_.get()))).value_or(begin_);
    const std::uint64_t bytes = now - std::min(now, begin_);
    const auto whole = std::upper_bound(ends_.begin(), ends_.end(), bytes) - ends_.begin();
    kept_ = handed_ + static_cast<std::uint64_t>(whole);
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
    note(packet.bytes.size());
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
    handed_ += ends_.size();
    ends_.clear();
    return {};
}

core::Result<void> CaptureFile::close() {
    auto flushed = flush();
    dumper_.reset();
    return flushed;
}

} // namespace pfild::filter
