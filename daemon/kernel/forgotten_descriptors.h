// SPDX-License-Identifier: BSD-2-Clause
// What libxdp 1.3.1 leaves open. Each look at a device, also within its attach and detach, opens a descriptor of the
// program that runs there and forgets it; an attach forgets one of the program that it attaches. Later versions close
// them, and then there is nothing to do here.
#pragma once

#include <cstdint>
#include <set>

namespace pfild::kernel {

/// Around calls of libxdp for one device: its end closes what they forgot. Control thread, which alone has descriptors
/// of XDP programs.
class ForgottenDescriptors {
  public:
    explicit ForgottenDescriptors(std::uint32_t ifindex);
    ForgottenDescriptors(const ForgottenDescriptors&) = delete;
    ForgottenDescriptors& operator=(const ForgottenDescriptors&) = delete;
    ForgottenDescriptors(ForgottenDescriptors&&) = delete;
    ForgottenDescriptors& operator=(ForgottenDescriptors&&) = delete;
    /// => what those calls returned is closed, or is kept, or is of no program that is searched.
    ~ForgottenDescriptors();

    /// Descriptors of that program are searched, too; this one is kept.
    void search_also(std::uint32_t program, int kept);
    void keep(int descriptor) { known_.insert(descriptor); }

  private:
    std::set<std::uint32_t> programs_; ///< ids that are searched: first, what the device ran at the start
    std::set<int> known_;              ///< descriptors that were open at the start, or are kept
};

/// The id of a program; 0: it is none.
[[nodiscard]] std::uint32_t program_id(int descriptor);

/// The id of the program that XDP runs natively on the device, a dispatcher's if there is one; 0: none.
[[nodiscard]] std::uint32_t native_program(std::uint32_t ifindex);

} // namespace pfild::kernel
