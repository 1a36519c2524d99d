// SPDX-License-Identifier: BSD-2-Clause
// What the daemon shows of the flows that the kernel knows. See control/views.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "describe/shape.h"
#include "pfild/flow.h"

namespace pfild::control {

inline constexpr std::array<std::string_view, 3> kFlowAnswerWords{"ask", "pass", "drop"};
static_assert(PFILD_FLOW_DROP + 1 == kFlowAnswerWords.size());

/// One direction of a known flow.
struct FlowLaneView {
    pfild_flow_answer answer = PFILD_FLOW_ASK; ///< by the rules in force: asks the engine, passes, is dropped
    std::uint64_t packets = 0;                 ///< answered in the kernel
    std::uint64_t bytes = 0;                   ///< of those, from the Ethernet header on
};

struct TagView {
    enum class Type : std::uint8_t { kCustomer, kService };

    Type type = Type::kCustomer;
    std::uint32_t vlan = 0;
    std::uint32_t priority = 0;
    bool drop_eligible = false;
};
inline constexpr std::array<std::string_view, 2> kTagTypeWords{"802.1Q", "802.1ad"};
static_assert(static_cast<std::size_t>(TagView::Type::kService) + 1 == kTagTypeWords.size());

enum class FlowFamily : std::uint8_t { kInet, kInet6 };
inline constexpr std::array<std::string_view, 2> kFlowFamilyWords{"inet", "inet6"};
static_assert(static_cast<std::size_t>(FlowFamily::kInet6) + 1 == kFlowFamilyWords.size());

/// A flow that the kernel knows. Times are seconds before now.
struct FlowView {
    std::string interface; ///< its name, or "if7" when it is not attached
    FlowFamily family = FlowFamily::kInet;
    std::uint8_t protocol = 0;
    std::vector<TagView> tags; ///< outermost first
    std::string remote;
    std::optional<std::uint16_t> remote_port; ///< nothing: the protocol has none
    std::string local;
    std::optional<std::uint16_t> local_port;
    FlowLaneView in;
    FlowLaneView out;
    double age_s = 0;  ///< since it was made
    double idle_s = 0; ///< since the last packet
    double limit_s = 0;
};

/// A part of the table: the flows in places from the requested one on.
struct FlowsView {
    std::vector<FlowView> flows;
    std::optional<std::uint32_t> next; ///< place to go on with; nothing: that was the rest
};

struct FlushView {
    std::uint64_t forgotten = 0;
};

/// The table as a whole; all 0 when there is none.
struct FlowTableView {
    std::uint64_t capacity = 0; ///< entries
    std::uint64_t memory_bytes = 0;
    std::uint64_t in_use = 0;
    std::uint64_t created = 0;
    std::uint64_t expired = 0;
    std::uint64_t removed = 0;
    std::uint64_t refused = 0;
};

void describe(describe::Fields& fields, FlowTableView& view);
void describe(describe::Fields& fields, FlowsView& view);
void describe(describe::Fields& fields, FlowView& view);
void describe(describe::Fields& fields, FlushView& view);

} // namespace pfild::control
