// SPDX-License-Identifier: BSD-2-Clause
// See answer.h.
#include "bpfctl/answer.h"

#include <cerrno>
#include <vector>

#include "bpfctl/fields.h"

namespace pfild::bpfctl {
namespace {

tl::unexpected<Failure> no_answer(const std::string& socket, std::string why) {
    return fail(Exit::kUnreachable,
                {"daemon", socket, std::move(why), "are bpfctl and pfild of the same version?", EPROTO});
}

/// Says, while the parser runs, whether the document has stayed within the limits.
class Limits {
  public:
    bool admit(int depth, Json::parse_event_t event) {
        if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
            kept_ = kept_ && depth < kMaxDepth;
            members_.push_back(0);
        } else if (event == Json::parse_event_t::key) {
            kept_ = kept_ && !members_.empty() && ++members_.back() <= kMaxMembers;
        } else if (event != Json::parse_event_t::value && !members_.empty()) {
            members_.pop_back();
        }
        return kept_;
    }

    [[nodiscard]] bool kept() const noexcept { return kept_; }

  private:
    bool kept_ = true;
    std::vector<int> members_; ///< of each object or list that is open
};

/// A text member of the daemon's error; empty, not "?", if there is none.
std::string word(const Json& error, std::string_view key) {
    return member(error, key).is_string() ? text(error, key) : std::string();
}

tl::unexpected<Failure> refusal(const Json& error) {
    Failure failure{Exit::kRefused,
                    {word(error, "what"), word(error, "object"), word(error, "why"), word(error, "advice"), EIO},
                    word(error, "errno")};
    if (failure.error.why.empty()) {
        failure.error.why = "refused without a reason";
    }
    return tl::make_unexpected(std::move(failure));
}

} // namespace

Outcome<Json> parse_answer(std::string_view line, std::uint64_t id, const std::string& socket) {
    Limits limits;
    const auto watch = [&limits](int depth, Json::parse_event_t event, const Json&) {
        return limits.admit(depth, event);
    };
    Json answer = Json::parse(line, watch, false);
    if (!limits.kept()) {
        return no_answer(socket, "its answer is nested too deeply or has too many members");
    }
    if (!answer.is_object() || !member(answer, "ok").is_boolean()) {
        return no_answer(socket, "its answer is not one of the control protocol");
    }
    if (!flag(answer, "ok")) {
        return member(answer, "error").is_object() ? refusal(member(answer, "error"))
                                                   : no_answer(socket, "it refused without an error");
    }
    if (number(answer, "id") != id || !member(answer, "result").is_object()) {
        return no_answer(socket, "its answer is to another question");
    }
    Json result = std::move(answer["result"]);
    if (member(answer, "unrecorded").is_string()) {
        result["unrecorded"] = text(answer, "unrecorded");
    }
    if (member(answer, "remark").is_string()) {
        result["remark"] = text(answer, "remark");
    }
    return result;
}

} // namespace pfild::bpfctl
