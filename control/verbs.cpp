// SPDX-License-Identifier: BSD-2-Clause
// The table of verbs. See control/verbs.h.
#include "control/verbs.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "control/asking.h"
#include "describe/describe.h"

namespace pfild::control {
namespace {

using describe::Value;

constexpr std::size_t kMostProgramBytes = std::size_t{4} << 20U; ///< of the arguments of hook-add
constexpr std::size_t kMostModelBytes = std::size_t{64} << 20U;  ///< of those that hold a model, or many changes

/// What a request is before its arguments are read.
template <typename Request>
Request begun(const AttachDefaults& /*defaults*/) {
    return {};
}
template <>
AttachRequest begun(const AttachDefaults& defaults) {
    return {.interface = {},
            .unknown = defaults.unknown,
            .silent = defaults.silent,
            .mode = defaults.mode,
            .position = defaults.position,
            .strict = defaults.strict,
            .turned_off = {}};
}

/// `ask` takes the service and the request; it is a lambda without captures, so that a row is constant.
template <typename Request, typename Answer, typename Ask>
Verb row(Verb verb, Ask /*ask*/) {
    verb.request = []() -> const describe::Shape& { return describe::shape_of<Request>(); };
    verb.answer = []() -> const describe::Shape& { return describe::shape_of<Answer>(); };
    verb.run = [](const Verb& /*itself*/, Service& service, const AttachDefaults& defaults, const Value& arguments) {
        return answered<Request, Answer>(service, arguments, begun<Request>(defaults), Ask{});
    };
    return verb;
}

constexpr Verb looking(std::string_view name, std::string_view sentence) {
    return {.name = name, .sentence = sentence, .who = Who::kReaders, .changes = false};
}
/// A verb that only looks. How it is answered is a row, too, of the daemon.
template <typename Request, typename Answer>
Verb looks(std::string_view name, std::string_view sentence) {
    Verb verb = looking(name, sentence);
    verb.request = []() -> const describe::Shape& { return describe::shape_of<Request>(); };
    verb.answer = []() -> const describe::Shape& { return describe::shape_of<Answer>(); };
    verb.run = [](const Verb& itself, Service& service, const AttachDefaults& /*defaults*/, const Value& arguments) {
        return service.look(itself.name, arguments);
    };
    return verb;
}
/// Changes the rules that packets meet: the lock-out guard is asked.
constexpr Verb changes_rules(std::string_view name, std::string_view sentence, std::size_t most_bytes = 0) {
    return {.name = name, .sentence = sentence, .guarded = true, .most_bytes = most_bytes};
}
constexpr Verb changes(std::string_view name, std::string_view sentence, std::size_t most_bytes = 0) {
    return {.name = name, .sentence = sentence, .most_bytes = most_bytes};
}

/// `after` takes the service and the place of the last answer; it is a lambda without captures, too.
template <typename After>
Verb streams(Verb verb, After /*after*/) {
    verb.streams = true;
    verb.next = [](Service& service, std::uint64_t& place) -> std::optional<Value> {
        const auto answer = After{}(service, place);
        return answer ? std::optional(describe::write(*answer)) : std::nullopt;
    };
    return verb;
}

core::Result<Done> done(core::Result<void> result) {
    return std::move(result).map([] { return Done{}; });
}

/// Those that only look.
std::vector<Verb> looking_verbs() {
    return {
        looks<NoArguments, VersionView>("version", "Who answers."),
        looks<NoArguments, StatusView>("status", "What is attached, and how pfild is."),
        looks<ListRequest, HeadList>("heads", "The points of filtering, and what is linked there."),
        looks<ListRequest, HookList>("hooks", "The hooks, what they counted and where they are linked."),
        looks<HookRequest, HookProgramView>("hook-show", "A hook with its program."),
        looks<StatsRequest, StatsView>("stats", "All counters."),
        looks<FlowsRequest, FlowsView>("flows", "The flows that the kernel knows, a part of them at a time."),
        looks<NoArguments, PeersView>("peers", "The open bpf devices: yours, and those of all others if you are root."),
        looks<NoArguments, SysctlView>("sysctl", "The variables net.bpf of sysctl(8)."),
        streams(row<NoArguments, DeedView>(looking("monitor", "Who changes what, as it happens."),
                                           [](Service& service, const NoArguments&) -> core::Result<DeedView> {
                                               return service.deeds().begin();
                                           }),
                [](Service& service, std::uint64_t& place) { return service.deeds().after(place); }),
    };
}

/// Those that change one item of the model, or what runs.
std::vector<Verb> item_verbs() {
    return {
        row<AttachRequest, InterfaceView>(
            changes_rules("attach", "Puts heads on an interface."),
            [](Service& service, const AttachRequest& request) { return service.attach(request); }),
        row<DetachRequest, Done>(
            changes("detach", "Takes the heads off an interface."),
            [](Service& service, const DetachRequest& request) { return done(service.detach(request.interface)); }),
        row<HookAddRequest, HookView>(
            changes_rules("hook-add", "Makes a hook.", kMostProgramBytes),
            [](Service& service, const HookAddRequest& request) { return service.hook_add(request); }),
        row<HookAddRequest, HookView>(
            changes_rules("hook-replace", "Gives a hook another filter, at once and where it is linked.",
                          kMostProgramBytes),
            [](Service& service, const HookAddRequest& request) { return service.hook_replace(request); }),
        row<HookRequest, HookView>(
            changes_rules("hook-disable", "No packet meets a hook any more; it keeps its links."),
            [](Service& service, const HookRequest& request) { return service.hook_enable(request.name, false); }),
        row<HookRequest, HookView>(
            changes_rules("hook-enable", "Packets meet a disabled hook again, where they did."),
            [](Service& service, const HookRequest& request) { return service.hook_enable(request.name, true); }),
        row<HookRequest, Done>(
            changes_rules("hook-delete", "Unlinks a hook everywhere and forgets it (PF-11)."),
            [](Service& service, const HookRequest& request) { return done(service.hook_delete(request.name)); }),
        row<LinkRequest, HeadView>(
            changes_rules("link", "Makes the packets of a head meet a hook; answers the head as it is then."),
            [](Service& service, const LinkRequest& request) { return service.link(request); }),
        row<UnlinkRequest, HeadView>(
            changes_rules("unlink", "Takes a hook off a head; answers the head as it is then."),
            [](Service& service, const UnlinkRequest& request) { return service.unlink(request); }),
        row<PanicRequest, Done>(
            changes("panic", "Drops all packets of attached interfaces, until it is over."),
            [](Service& service, const PanicRequest& request) { return done(service.panic(request.on)); }),
        row<SysctlSetRequest, SysctlView>(
            changes("sysctl-set", "Sets variables net.bpf, until the daemon ends."),
            [](Service& service, const SysctlSetRequest& request) { return service.sysctl_set(request); }),
        row<NoArguments, FlushView>(changes("flows-flush", "Forgets all flows; their next packets go to the engine."),
                                    [](Service& service, const NoArguments&) {
                                        return service.flows_flush().map(
                                            [](std::uint64_t forgotten) { return FlushView{forgotten}; });
                                    }),
    };
}

/// Those about the model as a whole.
std::vector<Verb> model_verbs() {
    return {
        row<NoArguments, ChangedView>(changes_rules("reload", "Reads the files of the configuration again."),
                                      [](Service& service, const NoArguments&) { return service.reload(); }),
        looks<NoArguments, ModelView>("config-show", "The model in force, and whose its items are."),
        row<ApplyRequest, ChangedView>(
            changes_rules("config-apply", "Puts a model in force, for good or until it is confirmed.", kMostModelBytes),
            [](Service& service, const ApplyRequest& request) { return service.config_apply(request); }),
        row<NoArguments, Done>(
            changes("config-confirm", "The model in force is to stay; asked over another connection."),
            [](Service& service, const NoArguments&) { return done(service.config_confirm()); }),
        row<NoArguments, ChangedView>(
            changes("config-rollback", "The model before the one that waits for its confirmation is in force again."),
            [](Service& service, const NoArguments&) { return service.config_rollback(); }),
        row<BatchRequest, ChangedView>(
            changes_rules("batch", "Many changes as one: all of them or none.", kMostModelBytes),
            [](Service& service, const BatchRequest& request) { return service.batch(request); }),
    };
}

std::vector<Verb> all_verbs() {
    std::vector<Verb> all;
    for (const std::vector<Verb>& some : std::array{looking_verbs(), item_verbs(), model_verbs()}) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

} // namespace

std::span<const Verb> verbs() {
    static const std::vector<Verb> kVerbs = all_verbs();
    return kVerbs;
}

std::vector<std::string_view> verb_names() {
    std::vector<std::string_view> names;
    for (const Verb& verb : verbs()) {
        names.push_back(verb.name);
    }
    return names;
}

const Verb* find_verb(std::string_view name) {
    const std::span<const Verb> all = verbs();
    const auto found = std::find_if(all.begin(), all.end(), [name](const Verb& verb) { return verb.name == name; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace pfild::control
