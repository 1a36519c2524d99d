// SPDX-License-Identifier: BSD-2-Clause
// All bpf devices of an instance, the interfaces that they can be attached to, and who sees which packet.
//
//      open() -> number          put_interface() -> name, index
//               \                 /
//                attach(number, name)        dispatch(packet) -> every reading device of its interface, in the order
//                                            of attachment, those attached to "any" among them (BD-62)
//
// From what its devices wish the table works out what the tap of each interface has to take, and tells the TapPort when
// that changes: nothing at all when nobody reads. Promiscuous mode is counted per interface (BD-93). Numbers that were
// closed are the first to be given out again (BD-03).
//
// The device thread owns the table and alone calls it. => announce() runs after every batch of packets and every
// request, before the request is answered: see Device. dispatch() allocates nothing and locks nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/device.h"

namespace pfild::capture {

/// A device is known by its number, from 0 on.
using DeviceNumber = std::uint32_t;

/// Attaches a device to all interfaces with Ethernet frames, also those that come later.
inline constexpr std::string_view kAnyInterface = "any";

struct DeviceLimits {
    std::uint32_t devices = 16;                       ///< open at the same time (BD-01)
    std::uint32_t devices_per_user = 16;              ///< of one user but root
    BufferSizes buffer_sizes;                         ///< rounded down to multiples of PFILD_RECORD_ALIGNMENT
    std::uint64_t buffer_memory = 2ULL * 16 * 262144; ///< bytes, store and hold of all devices
};

/// As the socket's peer credentials say.
struct DeviceOpener {
    std::uint32_t uid = 0;
    std::int32_t pid = 0;
    Access access = Access::kBoth;
};

/// An interface with a tap.
struct TapInterface {
    std::uint32_t index = 0; ///< not 0
    std::string name;
    std::vector<std::string> altnames{}; ///< by which it can be found, too
    std::uint32_t data_link = 1;         ///< DLT_ number; 1 is EN10MB
    bool up = true;
};

/// A frame that a program writes, with its link header.
struct WrittenFrame {
    std::span<const std::uint8_t> bytes;
    std::uint32_t data_link = 1; ///< DLT_ number; with 1 an Ethernet header is there whole
    bool source_too = false;     ///< the source address is the program's, not to be filled in
    bool feedback = false;       ///< it comes in as well
};

/// What the table needs of the interfaces. The heads and rtnetlink implement it, a test with a list.
class TapPort {
  public:
    TapPort() = default;
    TapPort(const TapPort&) = delete;
    TapPort& operator=(const TapPort&) = delete;
    virtual ~TapPort() = default;

    /// Packets that come up from now on should be so long, and no others need come. Shorter ones may still be on the
    /// way.
    virtual void set_tap(std::uint32_t ifindex, TapWish wish) = 0;
    /// Of packets in this direction only those need come that one of these programs wants; none: all. Those that do not
    /// come are charged (DeviceTable::charge_filtered). => the programs are used during the call alone.
    virtual void set_filters(std::uint32_t ifindex, core::Direction direction,
                             std::span<const cbpf::Program* const> filters) = 0;
    /// Dispatches the packets that have come until now. The other calls call nothing of the table back.
    virtual void catch_up() = 0;
    /// With the errno of the driver when it refuses.
    [[nodiscard]] virtual core::Result<void> set_promiscuous(std::uint32_t ifindex, bool on) = 0;
    /// EMSGSIZE longer than the interface sends; ENETDOWN it is down; ENOBUFS its queue is full; EOPNOTSUPP feedback is
    /// not possible there; what else the kernel says.
    [[nodiscard]] virtual core::Result<void> write(std::uint32_t ifindex, const WrittenFrame& frame) = 0;
    /// Whether an interface that is said to be down is up by now: of one that has just been set up a packet may come
    /// before the news does.
    [[nodiscard]] virtual bool is_up_by_now(std::uint32_t /*ifindex*/) noexcept { return false; }
};

/// A device in listings (net.bpf.peers).
struct DeviceInfo {
    DeviceNumber number = 0;
    DeviceOpener opener;   ///< pid: of who used it last
    std::string interface; ///< present name; empty: none
    DeviceState state = DeviceState::kUnattached;
    std::uint32_t buffer_size = 0; ///< bytes
    bool promiscuous = false;
    bool waits = false; ///< a read waits
    core::Directions directions;
    DeviceSettings settings;
    DeviceCounts stats; ///< since the last flush
    std::uint64_t buffered = 0;
};

class DeviceTable {
  public:
    /// => `port` outlives the table.
    DeviceTable(const DeviceLimits& limits, TapPort& port);
    DeviceTable(const DeviceTable&) = delete;
    DeviceTable& operator=(const DeviceTable&) = delete;
    /// Closes what is open.
    ~DeviceTable();

    // ---- devices

    /// ENOBUFS: too many are open, in all or of this user. => `client` outlives the device.
    [[nodiscard]] core::Result<DeviceNumber> open(const DeviceOpener& opener, DeviceClient& client);
    /// A read that waits ends with EBADF. EBADF: no such device.
    core::Result<void> close(DeviceNumber number);
    /// Nothing: no such device. Valid until it is closed.
    [[nodiscard]] Device* find(DeviceNumber number) const;
    /// `pid` has made a request; listings show it.
    void note_use(DeviceNumber number, std::int32_t pid);

    /// BIOCSETIF. Checked in this order: EBADF no such device; EINVAL had one before; ENXIO no such interface; ENOBUFS
    /// no memory for the buffers.
    [[nodiscard]] core::Result<void> attach(DeviceNumber number, std::string_view interface);
    /// BIOCPROMISC: until the device is closed or the interface goes. Once more is no error. EBADF; EINVAL not
    /// attached, or to "any"; what the driver says.
    [[nodiscard]] core::Result<void> set_promiscuous(DeviceNumber number);
    /// BIOCGETIF: the present name (BD-95). EBADF; EINVAL not attached (BD-91).
    [[nodiscard]] core::Result<std::string> interface_name(DeviceNumber number) const;
    /// BIOCGDLT. EBADF; EINVAL not attached (BD-91).
    [[nodiscard]] core::Result<std::uint32_t> data_link(DeviceNumber number) const;
    /// BIOCSDLT: there is but one of an interface. EBADF; EINVAL not attached, or another.
    [[nodiscard]] core::Result<void> set_data_link(DeviceNumber number, std::uint32_t data_link) const;
    /// write(2), one frame (BD-70 to BD-84); none of 0 bytes is written, and is no error. EBADF no such device, or
    /// opened for reading; EINVAL not attached, or to "any"; EMSGSIZE shorter than the link header, or too long for the
    /// interface; EPERM the write filter; what TapPort::write says.
    [[nodiscard]] core::Result<void> write(DeviceNumber number, std::span<const std::uint8_t> frame);

    /// net.bpf.bufsize, net.bpf.maxbufsize.
    [[nodiscard]] const BufferSizes& buffer_sizes() const { return limits_.buffer_sizes; }
    /// From now on, for the largest size of all devices and the usual one of new ones; the memory of all changes with
    /// it. Rounded as at the start; a usual size above the largest becomes that.
    void set_buffer_sizes(BufferSizes sizes);

    // ---- interfaces

    /// A new interface, or the present name and state of a known index.
    void put_interface(const TapInterface& interface);
    /// It is gone: its devices are orphaned (BD-90). An index that is not known is no error.
    void remove_interface(std::uint32_t index);

    // ---- packets and time

    /// Shows a packet to everybody who is to see it. One of an unknown interface is counted as a stray.
    void dispatch(const TappedPacket& packet) noexcept;
    /// `count` packets of an interface and direction that its tap could not take.
    void charge_lost(std::uint32_t ifindex, core::Direction direction, std::uint64_t count) noexcept;
    /// `count` packets that no device on that interface and direction wants. Before its devices change.
    void charge_filtered(std::uint32_t ifindex, core::Direction direction, std::uint64_t count) noexcept;
    /// Before what is asked about, or done to, the packets that have come until now: they are dispatched.
    void catch_up() { port_.catch_up(); }
    /// Before packets are dispatched that can wait a moment: whether they should, for the sake of a reader
    /// (Device::pause).
    [[nodiscard]] bool pause() noexcept;
    /// Tells clients and taps what has changed.
    void announce();
    /// Somebody waits for single packets: a device is in immediate mode.
    [[nodiscard]] bool is_urgent() const;
    /// The first moment at which a read or a wait of a device is over; nothing: none is (Device::deadline_ns).
    [[nodiscard]] std::optional<std::uint64_t> deadline_ns(std::uint64_t now_ns);
    /// Ends the reads and waits whose time is over.
    void expire(std::uint64_t now_ns);

    // ---- listings

    /// In the order of their numbers.
    [[nodiscard]] std::vector<DeviceInfo> devices() const;
    /// Of all devices that there are or ever were (net.bpf.stats); flushing does not change them.
    [[nodiscard]] DeviceCounts totals() const;
    /// Packets of interfaces that are not known, or not any more.
    [[nodiscard]] std::uint64_t strays() const { return strays_; }

  private:
    struct Entry {
        DeviceNumber number;
        DeviceOpener opener;
        Device device;
        std::optional<std::uint32_t> ifindex = {}; ///< while attached; 0: any
        bool promiscuous = false;
    };
    /// Devices and the versions of their filters.
    using FilterNames = std::vector<std::pair<DeviceNumber, std::uint64_t>>;
    struct Interface {
        TapInterface facts;
        std::vector<Entry*> listeners = {}; ///< reading devices in the order of attachment
        std::uint32_t promiscuous = 0;      ///< devices that asked for it
        TapWish told = {};
        std::array<FilterNames, core::kDirections> told_filters = {}; ///< by direction
    };

    [[nodiscard]] core::Result<Entry*> entry(const char* what, DeviceNumber number) const;
    [[nodiscard]] core::Result<Entry*> attached_entry(const char* what, DeviceNumber number) const;
    [[nodiscard]] std::optional<std::uint32_t> index_named(std::string_view name) const;
    [[nodiscard]] std::uint64_t buffer_bytes() const;
    [[nodiscard]] static TapWish wish_of(const Interface& interface);
    void charge(std::uint32_t ifindex, core::Direction direction, std::uint64_t count,
                void (Device::*how)(std::uint64_t) noexcept) noexcept;
    void announce_filters(std::uint32_t index, Interface& interface, core::Direction direction);
    void listen(Entry& entry);
    void detach(Entry& entry);

    DeviceLimits limits_;
    TapPort& port_;
    std::vector<std::unique_ptr<Entry>> entries_; ///< by number; empty: free
    std::vector<DeviceNumber> free_;              ///< the next one last
    FilterNames names_;       ///< of announce_filters(), which allocates nothing while nothing changes
    std::vector<Entry*> any_; ///< reading devices attached to any, in the order of attachment
    std::map<std::uint32_t, Interface> interfaces_;
    DeviceCounts closed_; ///< of devices that are no more
    std::uint64_t strays_ = 0;
};

} // namespace pfild::capture
