// SPDX-License-Identifier: BSD-2-Clause
// The three sinks there are (packet_sink.h).
//
//     FileSink     pcap to a file or standard output
//     ViewerSink   pcap through a pipe to a program that prints packets: tcpdump(8), which looks no name up
//     LineSink     a line a packet, made by a function
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "bpfctl/capture/packet_sink.h"
#include "filter/capture_file.h"

namespace pfild::bpfctl {

class FileSink final : public PacketSink {
  public:
    explicit FileSink(filter::CaptureFile file) : file_(std::move(file)) {}

    [[nodiscard]] core::Result<void> put(const client::Record& packet) override;
    [[nodiscard]] core::Result<void> flush() override { return file_.flush(); }
    [[nodiscard]] core::Result<void> finish() override { return file_.close(); }
    [[nodiscard]] std::uint64_t kept(std::uint64_t /*put*/) const override { return file_.kept(); }

  private:
    filter::CaptureFile file_;
};

/// `tcpdump -n -l -r -`: numbers for names, a line at a time, from standard input.
[[nodiscard]] const std::vector<std::string>& viewer_command();

class ViewerSink final : public PacketSink {
  public:
    /// Starts the program, found in PATH. It gets no SIGINT or SIGTERM while they are blocked here, so that it prints
    /// all that was captured; it ends with its input. ENOENT: there is no such program.
    [[nodiscard]] static core::Result<std::unique_ptr<PacketSink>> start(const std::vector<std::string>& command,
                                                                         filter::LinkType link_type, int snap_length);
    ViewerSink(const ViewerSink&) = delete;
    ViewerSink& operator=(const ViewerSink&) = delete;
    ~ViewerSink() override;

    [[nodiscard]] core::Result<void> put(const client::Record& packet) override { return packets_.put(packet); }
    [[nodiscard]] core::Result<void> flush() override { return packets_.flush(); }
    /// Waits until it has printed everything. EIO: it did not end with success.
    [[nodiscard]] core::Result<void> finish() override;

  private:
    ViewerSink(filter::CaptureFile packets, std::string name, pid_t child)
        : packets_(std::move(packets)), name_(std::move(name)), child_(child) {}

    FileSink packets_;
    std::string name_;
    pid_t child_; ///< -1 when it was waited for
};

class LineSink final : public PacketSink {
  public:
    using Line = std::function<std::string(const client::Record&)>;

    LineSink(std::ostream& out, Line line) : out_(out), line_(std::move(line)) {}

    [[nodiscard]] core::Result<void> put(const client::Record& packet) override;
    [[nodiscard]] core::Result<void> flush() override;
    [[nodiscard]] core::Result<void> finish() override { return flush(); }

  private:
    std::ostream& out_;
    Line line_;
};

} // namespace pfild::bpfctl
