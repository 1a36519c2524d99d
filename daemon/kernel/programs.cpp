// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/programs.h"

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/flow/flow_index.h"
#include "daemon/kernel/library_log.h"
#include "daemon/sys/failure.h"
#include "pfild/chain.h"
#include "pfild/pfild_bpf.skel.h"

namespace pfild::kernel {
namespace {

int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
    return log_library(level == LIBBPF_DEBUG, format, arguments);
}

core::Result<void> update(const bpf_map* map, const void* key, const void* value) {
    if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) != 0) {
        return sys::failed("write the kernel's table", bpf_map__name(map), errno);
    }
    return {};
}

void erase(const bpf_map* map, std::uint32_t key) {
    (void)bpf_map_delete_elem(bpf_map__fd(map), &key); // absent is what is wanted
}

constexpr std::uint32_t kClassifiersCountTo = 0xff;

core::Result<pfild_secret> draw_secret() {
    pfild_secret secret{};
    do {
        if (::getrandom(&secret, sizeof(secret), 0) != static_cast<ssize_t>(sizeof(secret))) {
            return sys::failed("draw", "a secret for re-entry", errno);
        }
        secret.tc_index &= 0xffffU;
    } while (secret.mark == 0 || secret.tc_index <= kClassifiersCountTo);
    return secret;
}

} // namespace

Programs::Programs(pfild_bpf* skeleton) : skeleton_(skeleton) {}

Programs::~Programs() {
    if (beat_ != nullptr) {
        ::munmap(beat_, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
    }
    pfild_bpf__destroy(skeleton_);
}

core::Result<void> Programs::map_beat() {
    void* memory = ::mmap(nullptr, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), PROT_READ | PROT_WRITE,
                          MAP_SHARED, bpf_map__fd(skeleton_->maps.engine_beat), 0);
    if (memory == MAP_FAILED) {
        return sys::failed("map the kernel's table", "engine_beat", errno);
    }
    beat_ = static_cast<pfild_beat*>(memory);
    return {};
}

core::Result<std::unique_ptr<Programs>> Programs::load(const Options& options) {
    const auto failed = [](int code) {
        return core::fail(
            {"load", "the kernel programs", sys::errno_text(code),
             "it needs CAP_BPF, CAP_NET_ADMIN and Linux 6.1; --log-level debug shows the verifier's words", code});
    };
    libbpf_set_print(log_libbpf);
    pfild_bpf* skeleton = pfild_bpf__open();
    if (skeleton == nullptr) {
        return failed(errno);
    }
    std::unique_ptr<Programs> programs(new Programs(skeleton));
    const std::array<bpf_map*, 3> flow_maps{skeleton->maps.flow_index, skeleton->maps.flow_entries,
                                            skeleton->maps.flow_state};
    (void)bpf_map__set_max_entries(skeleton->maps.flow_index,
                                   static_cast<std::uint32_t>(core::flow_buckets(options.flows)));
    (void)bpf_map__set_max_entries(skeleton->maps.flow_entries, options.flows);
    (void)bpf_map__set_max_entries(skeleton->maps.tap_ring, options.tap_bytes);
    if (!options.pin_folder.empty()) {
        for (bpf_map* map : flow_maps) {
            const std::string path = options.pin_folder + '/' + bpf_map__name(map);
            (void)bpf_map__set_pin_path(map, path.c_str());
        }
    }
    if (auto given = give_identity(skeleton->obj, options.identity); !given) {
        return core::fail(std::move(given.error()));
    }
    if (const int error = pfild_bpf__load(skeleton); error != 0) {
        return failed(-error);
    }
    for (std::uint8_t slot = 0; slot < PFILD_MAX_INTERFACES; slot++) {
        if (auto renewed = programs->renew_secrets(slot); !renewed) {
            return core::fail(std::move(renewed.error()));
        }
    }
    if (auto set = programs->set_chain(ebpf::Place::kTc, PFILD_CHAIN_UNMARK, programs->unmark_fd()); !set) {
        return core::fail(std::move(set.error()));
    }
    programs->identity_ = options.identity;
    return programs->map_beat().and_then([&] { return programs->sign_programs(); }).map([&] {
        return std::move(programs);
    });
}

core::Result<void> Programs::sign_programs() {
    auto sign = SignOfLife::make();
    if (!sign) {
        return core::fail(std::move(sign.error()));
    }
    sign_of_life_.emplace(std::move(*sign));
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
        if (auto given = sign_of_life_->give_to(bpf_program__fd(program)); !given) {
            return given;
        }
    }
    return {};
}

int Programs::flow_index_fd() const { return bpf_map__fd(skeleton_->maps.flow_index); }
int Programs::flow_entries_fd() const { return bpf_map__fd(skeleton_->maps.flow_entries); }
int Programs::flow_state_fd() const { return bpf_map__fd(skeleton_->maps.flow_state); }
int Programs::tap_ring_fd() const { return bpf_map__fd(skeleton_->maps.tap_ring); }
std::uint32_t Programs::tap_ring_bytes() const { return bpf_map__max_entries(skeleton_->maps.tap_ring); }
int Programs::tap_state_fd() const { return bpf_map__fd(skeleton_->maps.tap_state); }
int Programs::tap_filters_fd(ebpf::Place place) const {
    return bpf_map__fd(place == ebpf::Place::kXdp ? skeleton_->maps.xdp_filters : skeleton_->maps.tc_filters);
}
int Programs::tap_skipped_fd() const { return bpf_map__fd(skeleton_->maps.tap_skipped); }

pfild_identity Programs::identity(std::uint8_t slot, std::uint32_t attachment) const {
    pfild_identity identity = identity_;
    identity.slot = slot;
    identity.attachment = attachment;
    return identity;
}

int Programs::reentry_fd(core::Direction direction) const {
    return bpf_program__fd(direction == core::Direction::kIn ? skeleton_->progs.reentry_in
                                                             : skeleton_->progs.reentry_out);
}

int Programs::port_up_fd() const { return bpf_program__fd(skeleton_->progs.port_up); }

int Programs::unmark_fd() const { return bpf_program__fd(skeleton_->progs.unmark); }

int Programs::set_clock_fd() const { return bpf_program__fd(skeleton_->progs.set_clock); }

core::Result<void> Programs::set_interface(const pfild_interface& interface) {
    const std::uint32_t slot = interface.slot;
    return update(skeleton_->maps.interfaces, &slot, &interface).map([&] { interfaces_.at(slot) = interface; });
}

// A head that has found it in this moment must go on seeing what it found: only whose it is goes.
void Programs::clear_interface(std::uint8_t slot) {
    const std::uint32_t key = slot;
    pfild_interface& interface = interfaces_.at(slot);
    interface.ifindex = 0;
    interface.attachment = 0;
    (void)update(skeleton_->maps.interfaces, &key, &interface); // of an array: cannot fail
}

core::Result<void> Programs::renew_secrets(std::uint8_t slot) {
    for (const core::Direction direction : core::kEachDirection) {
        auto secret = draw_secret();
        if (!secret) {
            return core::fail(std::move(secret.error()));
        }
        const std::uint32_t key = lane(slot, direction);
        auto written = update(skeleton_->maps.secrets, &key, &*secret);
        ::explicit_bzero(&*secret, sizeof(*secret));
        if (!written) {
            return written;
        }
    }
    return {};
}

core::Result<void> Programs::renew_mark(std::uint8_t slot) {
    const std::uint32_t key = lane(slot, core::Direction::kIn);
    pfild_secret secret{};
    (void)bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.secrets), &key, &secret); // of an array: cannot fail
    if (::getrandom(&secret.decided, sizeof(secret.decided), 0) != static_cast<ssize_t>(sizeof(secret.decided))) {
        return sys::failed("draw", "a mark for the XDP head", errno);
    }
    auto written = update(skeleton_->maps.secrets, &key, &secret);
    ::explicit_bzero(&secret, sizeof(secret));
    return written;
}

core::Result<void> Programs::set_stack_port(std::uint32_t ifindex, const pfild_port& port) {
    return update(skeleton_->maps.stack_ports, &ifindex, &port);
}

core::Result<void> Programs::set_engine_port(std::uint32_t ifindex, const pfild_port& port) {
    return update(skeleton_->maps.engine_ports, &ifindex, &port);
}

void Programs::clear_ports(std::uint32_t stack_ifindex, std::uint32_t engine_ifindex) {
    erase(skeleton_->maps.stack_ports, stack_ifindex);
    erase(skeleton_->maps.engine_ports, engine_ifindex);
}

core::Result<void> Programs::set_socket(std::uint32_t lane, int socket_fd) {
    return update(skeleton_->maps.sockets, &lane, &socket_fd);
}

void Programs::clear_socket(std::uint32_t lane) { erase(skeleton_->maps.sockets, lane); }

core::Result<void> Programs::show_life() {
    life_.reset(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!life_) {
        return sys::failed("open", "an AF_XDP socket", errno);
    }
    return set_socket(PFILD_LIFE, life_.get());
}

core::Result<void> Programs::set_queue_socket(std::uint8_t slot, std::uint32_t queue, int socket_fd) {
    const std::uint32_t key = PFILD_QUEUE_SOCKET(slot, queue);
    return update(skeleton_->maps.queue_sockets, &key, &socket_fd);
}

void Programs::clear_queue_socket(std::uint8_t slot, std::uint32_t queue) {
    erase(skeleton_->maps.queue_sockets, PFILD_QUEUE_SOCKET(slot, queue));
}

const bpf_map* Programs::chains(ebpf::Place place) const {
    return place == ebpf::Place::kXdp ? skeleton_->maps.xdp_chains : skeleton_->maps.tc_chains;
}

int Programs::chains_fd(ebpf::Place place) const { return bpf_map__fd(chains(place)); }

core::Result<void> Programs::set_chain(ebpf::Place place, std::uint32_t lane, int program_fd) {
    return update(chains(place), &lane, &program_fd);
}

void Programs::clear_chain(ebpf::Place place, std::uint32_t lane) { erase(chains(place), lane); }

bool Programs::takes_chain(ebpf::Place place, int program_fd) const {
    const std::uint32_t nowhere = PFILD_CHAIN_TRIED;
    const bool taken = bpf_map_update_elem(chains_fd(place), &nowhere, &program_fd, BPF_ANY) == 0;
    erase(chains(place), nowhere);
    return taken;
}

core::Result<void> Programs::lend_maps(bpf_object* other) const {
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, other) {
        if (bpf_map__is_internal(map)) {
            continue;
        }
        const int fd = bpf_object__find_map_fd_by_name(skeleton_->obj, bpf_map__name(map));
        if (const int error = fd < 0 ? fd : bpf_map__reuse_fd(map, fd); error != 0) {
            return sys::failed("share the kernel's table", bpf_map__name(map), -error);
        }
    }
    return {};
}

pfild_counters Programs::counters(std::uint8_t slot, core::Direction direction) const {
    pfild_counters sum{};
    std::vector<pfild_counters> by_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    const std::uint32_t key = lane(slot, direction);
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &key, by_cpu.data()) != 0) {
        return sum;
    }
    for (const pfild_counters& one : by_cpu) {
        for (std::size_t i = 0; i < PFILD_COUNTERS; i++) {
            sum.count[i] += one.count[i];
        }
    }
    return sum;
}

void Programs::reset_counters(std::uint8_t slot) {
    const std::vector<pfild_counters> zero(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    for (const core::Direction direction : core::kEachDirection) {
        const std::uint32_t key = lane(slot, direction);
        (void)bpf_map_update_elem(bpf_map__fd(skeleton_->maps.counters), &key, zero.data(), BPF_ANY);
    }
}

} // namespace pfild::kernel
