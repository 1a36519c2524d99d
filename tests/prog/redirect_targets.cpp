// SPDX-License-Identifier: BSD-2-Clause
// Where redirects lead, which a test run does not show: the programs are attached in the test's own pair of namespaces,
// one frame is sent, and it must come out at one place and at no other. That the port's program may be attached where
// frames are larger than a buffer belongs here, too: a test run does not ask.
//
//      here                     far
//      watched  ==veth==  watched        the interface
//      other    ==veth==  other          p
//      third    ==veth==  third          q
#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/net/links.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

constexpr std::uint16_t kTestType = 0x88b5; ///< IEEE's type for local experiments: no stack sends it by itself
constexpr int kPatienceMs = 2000;           ///< for a frame that must come
constexpr int kProbes = 500;                ///< sent until a pair carries
constexpr int kProbeMs = 10;                ///< for one of them

/// A packet socket on one device, of the namespace that it is made in.
class Tap {
  public:
    explicit Tap(std::uint32_t ifindex) : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_ll address{.sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL)};
        address.sll_ifindex = static_cast<int>(ifindex);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    }

    [[nodiscard]] bool send(const Bytes& frame) const {
        return ::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
    }

    /// As a frame of that type, whatever type is in it: whoever may open a packet socket may say so.
    [[nodiscard]] bool send_as(std::uint16_t type, const Bytes& frame, std::uint32_t ifindex) const {
        sockaddr_ll to{.sll_family = AF_PACKET, .sll_protocol = htobe16(type)};
        to.sll_ifindex = static_cast<int>(ifindex);
        to.sll_halen = 6;
        return ::sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                        sizeof(to)) == static_cast<ssize_t>(frame.size());
    }

    /// Whether a frame that ends as `frame` does has arrived, waiting so long for it. What leaves by the device is not
    /// arriving; what ends otherwise is the stack's own.
    [[nodiscard]] bool arrived(const Bytes& frame, int patience_ms) const {
        const Bytes end(frame.end() - 16, frame.end());
        pollfd polled{.fd = socket_.get(), .events = POLLIN};
        while (::poll(&polled, 1, patience_ms) == 1) {
            Bytes bytes(2048);
            sockaddr_ll from{};
            socklen_t length = sizeof(from);
            const ssize_t got =
                ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
            bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
            if (from.sll_pkttype != PACKET_OUTGOING && bytes.size() >= end.size() &&
                std::equal(end.begin(), end.end(), bytes.end() - 16)) {
                return true;
            }
        }
        return false;
    }

  private:
    sys::Fd socket_;
};

class RedirectTargets : public KernelProgramsTest {
  protected:
    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        ASSERT_NO_FATAL_FAILURE(make_pair("third", 1500));
        ASSERT_NO_FATAL_FAILURE(set_up());
        const pfild_interface interface {
            .slot = kSlot, .flags = PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT, .port_p = other(),
            .port_q = here_["third"], .ifindex = watched(), .attachment = kNumber
        };
        ASSERT_TRUE(programs().set_interface(interface));
        attend(PFILD_LANE_IN(kSlot));
        attend(PFILD_LANE_OUT(kSlot));
    }

    void make_pair(const char* name, std::uint32_t mtu) {
        net::Links links = net::Links::open().value();
        const auto made = links.make_pair({.name = name, .alias = "", .mtu = mtu, .peer_netns = far().fd()});
        ASSERT_TRUE(made) << made.error().line();
    }

    /// Sets all ends up, taps them and waits until they carry.
    void set_up() {
        open_ends(here_, here_taps_);
        const auto visit = sys::NetNsVisit::begin(far());
        ASSERT_TRUE(visit);
        open_ends(far_, far_taps_);
        for (const auto& [name, tap] : here_taps_) {
            EXPECT_TRUE(carries(tap, far_taps_.at(name))) << name;
            EXPECT_TRUE(carries(far_taps_.at(name), tap)) << name;
        }
    }

    /// A pair that was just set up may lose its first frame (one in twenty did, with no program attached), so only a
    /// frame that came through tells that it is ready.
    [[nodiscard]] static bool carries(const Tap& from, const Tap& to) {
        const Bytes probe = ethernet(kTestType, Bytes(64, 0xff));
        for (int i = 0; i < kProbes; i++) {
            (void)from.send(probe); // refused or lost: the next one tells
            if (to.arrived(probe, kProbeMs)) {
                return true;
            }
        }
        return false;
    }

    void hook(std::uint32_t ifindex, bpf_tc_attach_point point, int program_fd) {
        LIBBPF_OPTS(bpf_tc_hook, place, .ifindex = static_cast<int>(ifindex), .attach_point = point);
        ASSERT_EQ(bpf_tc_hook_create(&place), 0);
        LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd);
        ASSERT_EQ(bpf_tc_attach(&place, &options), 0);
    }

    [[nodiscard]] const Tap& here(const char* name) const { return here_taps_.at(name); }
    [[nodiscard]] const Tap& away(const char* name) const { return far_taps_.at(name); }

    /// The places where the frame comes out, all others after the expected one was given time.
    void expect_only(const Bytes& frame, const Tap& expected, const char* sentence) {
        EXPECT_TRUE(expected.arrived(frame, kPatienceMs)) << sentence;
        for (const auto* taps : {&here_taps_, &far_taps_}) {
            for (const auto& [name, tap] : *taps) {
                EXPECT_FALSE(tap.arrived(frame, 0))
                    << sentence << ": also at " << (taps == &far_taps_ ? "far " : "") << name;
            }
        }
    }

    std::map<std::string, std::uint32_t> here_;

  private:
    static void open_ends(std::map<std::string, std::uint32_t>& ends, std::map<std::string, Tap>& taps) {
        net::Links links = net::Links::open().value();
        for (const char* const name : {"watched", "other", "third"}) {
            ends[name] = links.find(name).value().ifindex;
            const auto up = links.set_up(ends[name]);
            ASSERT_TRUE(up) << up.error().line();
            taps.emplace(name, ends[name]);
        }
    }

    std::map<std::string, std::uint32_t> far_;
    std::map<std::string, Tap> here_taps_;
    std::map<std::string, Tap> far_taps_;
};

TEST_F(RedirectTargets, what_goes_out_leaves_by_p) {
    hook(watched(), BPF_TC_EGRESS, heads().fd(core::Direction::kOut));
    const Bytes frame = ethernet(kTestType, Bytes(64, 0x01));
    ASSERT_TRUE(here("watched").send(frame));
    expect_only(frame, away("other"), "OUT comes up on p");
    EXPECT_NE(counted().find("out.diverted+"), std::string::npos);
}

TEST_F(RedirectTargets, what_goes_out_is_what_it_says_itself_not_what_its_sender_calls_it) {
    hook(watched(), BPF_TC_EGRESS, heads().fd(core::Direction::kOut));
    const Bytes packet = ethernet(kTypeIpv4, ipv4(17, Bytes(32, 0x05)));
    ASSERT_TRUE(here("watched").send_as(kTypeArp, packet, watched()));
    expect_only(packet, away("other"), "it is asked about, though its sender calls it ARP");
    const Bytes request = ethernet(kTypeArp, joined(arp(), Bytes(32, 0x06)));
    ASSERT_TRUE(here("watched").send_as(kTypeIpv4, request, watched()));
    expect_only(request, away("watched"), "the twin: ARP passes, though its sender calls it IPv4");
}

TEST_F(RedirectTargets, what_comes_in_leaves_by_q) {
    hook(watched(), BPF_TC_INGRESS, heads().fd(core::Direction::kIn));
    const Bytes frame = ethernet(kTestType, Bytes(64, 0x02));
    ASSERT_TRUE(away("watched").send(frame));
    // A packet socket sees what comes in before the head does.
    ASSERT_TRUE(here("watched").arrived(frame, kPatienceMs));
    expect_only(frame, away("third"), "IN comes up on q");
    EXPECT_NE(counted().find("in.diverted+"), std::string::npos);
}

TEST_F(RedirectTargets, what_re_enters_in_is_received_by_the_interface) {
    ASSERT_TRUE(programs().set_stack_port(other(), {.lane = PFILD_LANE_IN(kSlot), .interface = watched()}));
    hook(other(), BPF_TC_INGRESS, programs().reentry_fd(core::Direction::kIn));
    const Bytes frame = ethernet(kTestType, Bytes(64, 0x03));
    ASSERT_TRUE(away("other").send(frame));
    ASSERT_TRUE(here("other").arrived(frame, kPatienceMs)) << "on its way";
    expect_only(frame, here("watched"), "as if it had come by the wire");
}

TEST_F(RedirectTargets, what_re_enters_out_is_sent_by_the_interface) {
    ASSERT_TRUE(programs().set_stack_port(here_["third"], {.lane = PFILD_LANE_OUT(kSlot), .interface = watched()}));
    hook(here_["third"], BPF_TC_INGRESS, programs().reentry_fd(core::Direction::kOut));
    const Bytes frame = ethernet(kTestType, Bytes(64, 0x04));
    ASSERT_TRUE(away("third").send(frame));
    ASSERT_TRUE(here("third").arrived(frame, kPatienceMs)) << "on its way";
    expect_only(frame, away("watched"), "onto the wire");
}

TEST_F(RedirectTargets, the_ports_program_may_stand_where_a_frame_needs_several_buffers) {
    ASSERT_NO_FATAL_FAILURE(make_pair("jumbo", 9000));
    const auto jumbo = static_cast<int>(net::Links::open().value().find("jumbo").value().ifindex);
    const std::array<bpf_insn, 2> drop{
        {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_DROP}, {.code = BPF_JMP | BPF_EXIT}}};
    const sys::Fd plain(bpf_prog_load(BPF_PROG_TYPE_XDP, "plain", "GPL", drop.data(), drop.size(), nullptr));
    ASSERT_TRUE(plain);
    EXPECT_EQ(bpf_xdp_attach(jumbo, plain.get(), XDP_FLAGS_DRV_MODE, nullptr), -ERANGE)
        << "the twin: a program that knows no packets of several buffers";
    EXPECT_EQ(bpf_xdp_attach(jumbo, programs().port_up_fd(), XDP_FLAGS_DRV_MODE, nullptr), 0);
}

} // namespace
} // namespace pfild::tests
