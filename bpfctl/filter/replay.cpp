// SPDX-License-Identifier: BSD-2-Clause
// See replay.h.
#include "bpfctl/filter/replay.h"

#include <optional>
#include <span>
#include <vector>

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kBatch = 64;

/// Packets that wait for the call that judges them all. The file's own buffer holds only one.
class Batch {
  public:
    Batch(const cbpf::Machine& machine, Replayed& replayed) : machine_(machine), replayed_(replayed) {
        packets_.reserve(kBatch);
    }

    void add(const filter::TimedPacket& packet) {
        std::vector<std::uint8_t>& bytes = bytes_.at(packets_.size());
        bytes.assign(packet.bytes.begin(), packet.bytes.end());
        packets_.emplace_back(std::span<const std::uint8_t>(bytes), packet.length);
        if (packets_.size() == kBatch) {
            judge();
        }
    }

    void judge() {
        machine_.run(packets_, std::span(results_).first(packets_.size()));
        for (std::size_t at = 0; at < packets_.size(); ++at) {
            ++replayed_.packets;
            if (results_.at(at) != 0) {
                replayed_.matches.add(replayed_.packets);
            }
        }
        packets_.clear();
    }

  private:
    const cbpf::Machine& machine_;
    Replayed& replayed_;
    std::array<std::vector<std::uint8_t>, kBatch> bytes_;
    std::array<std::uint32_t, kBatch> results_{};
    std::vector<cbpf::Packet> packets_;
};

} // namespace

core::Result<Replayed> replay(filter::PacketFile& file, const cbpf::Machine& machine, ReplayEngine engine) {
    Replayed replayed;
    Batch batch(machine, replayed);
    for (;;) {
        const auto packet = file.next();
        if (!packet) {
            return tl::make_unexpected(packet.error());
        }
        if (!packet->has_value()) {
            break;
        }
        const filter::TimedPacket& found = **packet;
        if (engine == ReplayEngine::kBatch) {
            batch.add(found);
            continue;
        }
        ++replayed.packets;
        if (machine.run(cbpf::Packet(found.bytes, found.length)) != 0) {
            replayed.matches.add(replayed.packets);
        }
    }
    batch.judge();
    return replayed;
}

} // namespace pfild::bpfctl
