// SPDX-License-Identifier: BSD-2-Clause
// The sinks there are (packet_sink.h).
//
//     PcapSink     pcap to a file or standard output, by libpcap: times, lengths, bytes
//     PcapngSink   pcapng, by pfild: interfaces, directions and what was counted, too
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

#include "bpfctl/capture/interfaces.h"
#include "bpfctl/capture/output.h"
#include "bpfctl/capture/packet_sink.h"
#include "filter/capture_file.h"

namespace pfild::bpfctl {

class PcapSink final : public PacketSink {
  public:
    explicit PcapSink(filter::CaptureFile file) : file_(std::move(file)) {}

    [[nodiscard]] core::Result<void> put(const client::Record& packet, std::size_t source) override;
    [[nodiscard]] core::Result<void> flush() override { return file_.flush(); }
    [[nodiscard]] core::Result<void> finish(Counted /*counted*/) override { return file_.close(); }
    [[nodiscard]] std::uint64_t kept(std::uint64_t /*put*/) const override { return file_.kept(); }
    [[nodiscard]] std::uint64_t size() const override { return size_; }

  private:
    filter::CaptureFile file_;
    std::uint64_t size_ = 24; ///< the file's header
};

class PcapngSink final : public PacketSink {
  public:
    /// What the sources of packets are, in their order.
    struct Source {
        filter::LinkType link_type;
        std::uint32_t snap_length;
        std::string filter;
    };

    /// => names outlives it.
    [[nodiscard]] static core::Result<std::unique_ptr<PacketSink>> create(const std::string& path, Interfaces& names,
                                                                          std::vector<Source> sources);

    [[nodiscard]] core::Result<void> put(const client::Record& packet, std::size_t source) override;
    [[nodiscard]] core::Result<void> flush() override { return output_.flush(); }
    [[nodiscard]] core::Result<void> finish(Counted counted) override;
    [[nodiscard]] std::uint64_t kept(std::uint64_t /*put*/) const override { return output_.kept(); }
    [[nodiscard]] std::uint64_t size() const override { return output_.size(); }

  private:
    /// An interface that has its block.
    struct Described {
        std::size_t source;
        std::uint32_t ifindex;
        std::uint64_t packets = 0;
    };

    PcapngSink(Output output, Interfaces& names, std::vector<Source> sources)
        : output_(std::move(output)), names_(names), sources_(std::move(sources)) {}

    [[nodiscard]] std::size_t number_of(std::size_t source, std::uint32_t ifindex);

    Output output_;
    Interfaces& names_;
    std::vector<Source> sources_;
    std::vector<Described> described_; ///< by number
};

/// `tcpdump -n -l -r -`: numbers for names, a line at a time, from standard input.
[[nodiscard]] const std::vector<std::string>& viewer_command();

class ViewerSink final : public PacketSink {
  public:
    /// Starts the program, found in PATH. It gets no SIGINT or SIGTERM while they are blocked here, so that it prints
    /// all that was captured; it ends with its input. ENOENT: there is no such program.
    [[nodiscard]] static core::Result<std::unique_ptr<PacketSink>> start(const std::vector<std::string>& command,
                                                                         filter::LinkType link_type, int snap_length);
    /// The same for packets of several interfaces, which the program is to tell; the link type of each source.
    [[nodiscard]] static core::Result<std::unique_ptr<PacketSink>>
    start_cooked(const std::vector<std::string>& command, std::vector<filter::LinkType> sources, int snap_length);
    ViewerSink(const ViewerSink&) = delete;
    ViewerSink& operator=(const ViewerSink&) = delete;
    ~ViewerSink() override;

    [[nodiscard]] core::Result<void> put(const client::Record& packet, std::size_t source) override;
    [[nodiscard]] core::Result<void> flush() override { return packets_.flush(); }
    /// Waits until it has printed everything. EIO: it did not end with success.
    [[nodiscard]] core::Result<void> finish(Counted counted) override;

  private:
    [[nodiscard]] static core::Result<std::unique_ptr<ViewerSink>> begin(const std::vector<std::string>& command,
                                                                         filter::LinkType link_type, int snap_length);
    ViewerSink(filter::CaptureFile packets, std::string name, pid_t child)
        : packets_(std::move(packets)), name_(std::move(name)), child_(child) {}

    PcapSink packets_;
    std::string name_;
    std::vector<filter::LinkType> cooked_; ///< of each source; none: packets are given as they are
    std::vector<std::uint8_t> bytes_;      ///< of the last cooked one
    pid_t child_;                          ///< -1 when it was waited for
};

class LineSink final : public PacketSink {
  public:
    using Line = std::function<std::string(const client::Record&, std::size_t source)>;

    LineSink(std::ostream& out, Line line) : out_(out), line_(std::move(line)) {}

    [[nodiscard]] core::Result<void> put(const client::Record& packet, std::size_t source) override;
    [[nodiscard]] core::Result<void> flush() override;
    [[nodiscard]] core::Result<void> finish(Counted /*counted*/) override { return flush(); }

  private:
    std::ostream& out_;
    Line line_;
};

} // namespace pfild::bpfctl
