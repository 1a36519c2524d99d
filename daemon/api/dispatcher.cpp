// SPDX-License-Identifier: BSD-2-Clause
// The verbs, a row each, in the order of docs/control-protocol.md.
#include "daemon/api/dispatcher.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "daemon/api/arguments.h"
#include "daemon/api/render.h"
#include "daemon/api/request.h"

namespace pfild::api {
namespace {

using OrderedJson = nlohmann::ordered_json;
using Answer = core::Result<OrderedJson>;

/// In one answer: less than 160 KiB of text, which a client takes in time.
constexpr Range kFlowsInAnswer{1, 256};

/// What a verb has to work with.
struct Call {
    Service& service;
    Arguments& arguments;
    AttachDefaults defaults;
};

template <typename View>
Answer show(const core::Result<View>& view) {
    return view.map([](const View& shown) { return to_json(shown); });
}

Answer show(const core::Result<void>& done) {
    return done.map([] { return OrderedJson::object(); });
}

/// `finish` decides whether `ask` is called at all.
template <typename Ask>
Answer when_right(Call& call, Ask ask) {
    if (auto right = call.arguments.finish(); !right) {
        return core::fail(std::move(right.error()));
    }
    return show(ask());
}

/// The two-step list of PF-32: how many there are, and at most `limit` of them.
template <typename View>
Answer show_list(const char* key, std::optional<std::uint64_t> limit, const core::Result<std::vector<View>>& views) {
    return views.map([&](const std::vector<View>& all) {
        OrderedJson list = OrderedJson::array();
        for (const View& view : all) {
            if (limit && list.size() >= *limit) {
                break;
            }
            list.push_back(to_json(view));
        }
        OrderedJson answer = {{"count", all.size()}};
        answer[key] = std::move(list);
        return answer;
    });
}

Answer version(Call& call) {
    return when_right(call, [&] { return call.service.version(); });
}

Answer status(Call& call) {
    return when_right(call, [&] { return call.service.status(); });
}

Answer attach(Call& call) {
    const AttachRequest request{
        .interface = call.arguments.name("interface", kMaxInterfaceName),
        .unknown = call.arguments.word_or("unknown", core::kUnknownPacketsNames, call.defaults.unknown),
        .mode = call.arguments.word_or("mode", core::kHeadModeNames, call.defaults.mode),
        .position = call.arguments.word_or("position", core::kHeadPositionNames, call.defaults.position),
        .turned_off = call.arguments.names("turned_off"),
    };
    return when_right(call, [&] { return call.service.attach(request); });
}

Answer detach(Call& call) {
    const std::string interface = call.arguments.name("interface", kMaxInterfaceName);
    return when_right(call, [&] { return call.service.detach(interface); });
}

Answer heads(Call& call) {
    const auto limit = call.arguments.optional_number("limit");
    if (auto right = call.arguments.finish(); !right) {
        return core::fail(std::move(right.error()));
    }
    return show_list("heads", limit, call.service.heads());
}

Answer hooks(Call& call) {
    const auto limit = call.arguments.optional_number("limit");
    if (auto right = call.arguments.finish(); !right) {
        return core::fail(std::move(right.error()));
    }
    return show_list("hooks", limit, call.service.hooks());
}

Answer hook_add(Call& call) {
    const HookAddRequest request{
        .name = call.arguments.name("name", kMaxName),
        .type = call.arguments.word<core::HeadType>("type", core::kHeadTypeNames),
        .on_match = call.arguments.word<core::OnMatch>("on_match", core::kOnMatchNames),
        .filter = call.arguments.text("filter"),
        .program = call.arguments.program("program"),
        .dlt = call.arguments.number("dlt"),
        .run = call.arguments.word_or("run", core::kRunsInNames, core::RunsIn::automatic),
        .compiled = call.arguments.word_if_any<core::Compiled>("compiled", core::kCompiledNames)
                        .value_or(core::Compiled::unverified),
    };
    return when_right(call, [&] { return call.service.hook_add(request); });
}

Answer hook_show(Call& call) {
    const std::string name = call.arguments.name("name", kMaxName);
    return when_right(call, [&] { return call.service.hook_show(name); });
}

Answer hook_delete(Call& call) {
    const std::string name = call.arguments.name("name", kMaxName);
    return when_right(call, [&] { return call.service.hook_delete(name); });
}

Answer link(Call& call) {
    const core::LinkRequest request{
        .hook = call.arguments.name("hook", kMaxName),
        .head = call.arguments.name("head", kMaxName),
        .directions = call.arguments.directions("directions"),
        .append = call.arguments.flag_or("append", false),
    };
    return when_right(call, [&] { return call.service.link(request); });
}

Answer unlink(Call& call) {
    const core::LinkRequest request{
        .hook = call.arguments.name("hook", kMaxName),
        .head = call.arguments.name("head", kMaxName),
        .directions = call.arguments.directions("directions"),
    };
    return when_right(call, [&] { return call.service.unlink(request); });
}

Answer stats(Call& call) {
    return when_right(call, [&] { return call.service.stats(); });
}

Answer flows(Call& call) {
    FlowsRequest request;
    request.from = call.arguments.number_or("from", {}, request.from);
    request.most = call.arguments.number_or("most", kFlowsInAnswer, request.most);
    return when_right(call, [&] { return call.service.flows(request); });
}

Answer flows_flush(Call& call) {
    if (auto right = call.arguments.finish(); !right) {
        return core::fail(std::move(right.error()));
    }
    return call.service.flows_flush().map([](std::uint64_t forgotten) {
        return OrderedJson{{"forgotten", forgotten}};
    });
}

Answer peers(Call& call) {
    return when_right(call, [&] { return call.service.peers(); });
}

struct Verb {
    std::string_view name;
    Answer (*run)(Call& call);
};

constexpr std::array kVerbs{
    Verb{"version", version},
    Verb{"status", status},
    Verb{"attach", attach},
    Verb{"detach", detach},
    Verb{"heads", heads},
    Verb{"hooks", hooks},
    Verb{"hook-add", hook_add},
    Verb{"hook-show", hook_show},
    Verb{"hook-delete", hook_delete},
    Verb{"link", link},
    Verb{"unlink", unlink},
    Verb{"stats", stats},
    Verb{"flows", flows},
    Verb{"flows-flush", flows_flush},
    Verb{"peers", peers},
};

Answer run(Service& service, const Request& request, AttachDefaults defaults) {
    const auto* const verb = std::find_if(kVerbs.begin(), kVerbs.end(),
                                          [&](const Verb& candidate) { return candidate.name == request.verb; });
    if (verb == kVerbs.end()) {
        return core::fail({"request", "", "there is no such verb", "`bpfctl help` lists what can be asked", ENOSYS});
    }
    Arguments arguments(verb->name, request.arguments);
    Call call{service, arguments, defaults};
    return verb->run(call);
}

} // namespace

std::string Dispatcher::answer(std::string_view line) {
    std::uint64_t id = 0;
    try {
        const auto request = parse_request(line);
        if (!request) {
            return failure_line(request.error().id, request.error().error);
        }
        id = request->id;
        auto result = run(service_, *request, defaults_);
        return result ? success_line(id, std::move(*result)) : failure_line(id, result.error());
    } catch (const std::exception& exception) { // out of memory, most likely; the daemon goes on
        return failure_line(id, {"request", "", exception.what(), "", ENOMEM});
    }
}

} // namespace pfild::api
