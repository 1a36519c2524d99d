// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/head_programs.h"

#include <cerrno>
#include <memory>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include "daemon/kernel/forgotten_descriptors.h"
#include "daemon/kernel/identity.h"
#include "daemon/sys/failure.h"
#include "pfild/pfild_in_tc.skel.h"
#include "pfild/pfild_out_tc.skel.h"

namespace pfild::kernel {
namespace {

/// Loads an object with one program in it; the program lives on without the object.
core::Result<sys::Fd> load_one(const Programs& programs, const pfild_identity& identity, bpf_object* object,
                               bpf_program* const& program) {
    auto ready = programs.lend_maps(object).and_then([&] { return give_identity(object, identity); });
    if (!ready) {
        return core::fail(std::move(ready.error()));
    }
    if (const int error = bpf_object__load(object); error != 0) {
        return sys::failed("load", "a head", -error);
    }
    sys::Fd loaded(::fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
    if (!loaded) {
        return sys::failed("keep", "a head", errno);
    }
    return programs.sign_of_life().give_to(loaded.get()).map([&] { return std::move(loaded); });
}

} // namespace

core::Result<HeadPrograms> HeadPrograms::load(const Programs& programs, std::uint8_t slot, std::uint32_t attachment) {
    const pfild_identity identity = programs.identity(slot, attachment);
    const std::unique_ptr<pfild_in_tc, decltype(&pfild_in_tc__destroy)> in(pfild_in_tc__open(), &pfild_in_tc__destroy);
    const std::unique_ptr<pfild_out_tc, decltype(&pfild_out_tc__destroy)> out(pfild_out_tc__open(),
                                                                              &pfild_out_tc__destroy);
    if (!in || !out) {
        return sys::failed("open", "the heads", errno);
    }
    HeadPrograms heads;
    for (const core::Direction direction : core::kEachDirection) {
        const bool incoming = direction == core::Direction::kIn;
        auto loaded = incoming ? load_one(programs, identity, in->obj, in->progs.pfild_in)
                               : load_one(programs, identity, out->obj, out->progs.pfild_out);
        if (!loaded) {
            return core::fail(std::move(loaded.error()));
        }
        heads.ids_[core::index(direction)] = program_id(loaded->get());
        heads.heads_[core::index(direction)] = std::move(*loaded);
    }
    return heads;
}

} // namespace pfild::kernel
