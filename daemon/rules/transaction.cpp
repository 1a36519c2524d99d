// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/transaction.h.
#include "daemon/rules/transaction.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include <spdlog/spdlog.h>

#include "config/edit.h"

namespace pfild::rules {

using Done = core::Result<void>;

/// What a change is about, kind by kind: in this order everything is there when it is needed.
struct Touched {
    std::vector<std::string> interfaces;
    std::vector<std::string> hooks;
    std::vector<std::string> heads;
    std::vector<std::string> left; ///< interfaces that could not be attached, and are wanted no more
    bool panic = false;
};

namespace {

struct Touch {
    Touched& touched;

    void operator()(const config::ReplaceSettings& /*action*/) const {}
    void operator()(const config::ReplacePanic& /*action*/) const { touched.panic = true; }
    void operator()(const config::ReplaceInterface& action) const { touched.interfaces.push_back(action.name()); }
    void operator()(const config::ReplaceHook& action) const {
        if (!config::only_enables(action)) { // else its links come or go
            touched.hooks.push_back(action.name());
        }
    }
    void operator()(const config::ReplaceLinks& action) const { touched.heads.push_back(action.head); }
    void operator()(const config::ReplacePeer& /*action*/) const {} // the model is asked who may do what
};

/// Actions that change owners only change nothing that runs. wanted: hooks and panic; here: by the kernel's names,
/// the rest.
Touched touched_by(const config::Change& wanted, const config::Change& here) {
    Touched all;
    Touched hooks;
    for (const auto& [change, touched] : {std::pair(&wanted, &hooks), std::pair(&here, &all)}) {
        for (const config::Action& action : *change) {
            if (config::line_of(action)) {
                std::visit(Touch{*touched}, action);
            }
        }
    }
    all.hooks = std::move(hooks.hooks);
    all.panic = hooks.panic;
    return all;
}

/// Same name, other type: it cannot stand where it stands.
bool is_another(const config::Hook* before, const config::Hook* after) {
    return before != nullptr && (after == nullptr || after->type != before->type);
}

core::Error not_there(const std::string& interface) {
    return {"attach", interface, "no such interface", "`ip link` lists what there is", ENODEV};
}

} // namespace

/// What is wanted, and which interfaces and links that means.
struct Whole {
    const config::Model& wanted;
    const config::Model& here;
};

/// Makes the world so that what a change is about is as one model wants it. Forward and back are the same steps.
class Transaction::Bring {
  public:
    explicit Bring(Transaction& self, Touched all) : self_(self), all_(std::move(all)) {}

    [[nodiscard]] bool is_needless() const {
        return all_.interfaces.empty() && all_.hooks.empty() && all_.heads.empty();
    }

    /// The first error; what was tried until then is done().
    [[nodiscard]] Done to(const Whole& from, const Whole& target) {
        if (all_.panic) {
            done_.panic = true;
            self_.world_.set_panic(target.wanted.panic);
        }
        for (const std::string& name : all_.interfaces) {
            if (config::find_interface(target.here, name) == nullptr) {
                done_.interfaces.push_back(name);
                self_.world_.remove_interface(name);
            }
        }
        for (const std::string& name : all_.hooks) {
            if (is_another(config::find_hook(from.wanted, name), config::find_hook(target.wanted, name))) {
                done_.hooks.push_back(name);
                done_.heads = all_.heads; // its links go with it
                self_.world_.remove_hook(name);
            }
        }
        return put_hooks(target.wanted).and_then([&] { return put_links(target.here); }).and_then([&] {
            return put_interfaces(target.here).map([&] {
                for (const std::string& name : all_.left) { // a killed daemon's heads may be there
                    self_.world_.remove_interface(name);
                }
            });
        });
    }

    /// Everything that to() has tried, as `target` has it; errors are logged, since there is nowhere else to go.
    void back_to(const Whole& from, const Whole& target) const {
        Bring back(self_, done_);
        if (auto failed = back.to(from, target); !failed) {
            spdlog::error("the old model cannot be put in force again: {}", failed.error().line());
        }
    }

  private:
    [[nodiscard]] Done put_hooks(const config::Model& target) {
        for (const std::string& name : all_.hooks) {
            if (const config::Hook* const hook = config::find_hook(target, name)) {
                done_.hooks.push_back(name);
                if (auto put = self_.world_.put_hook(*hook); !put) {
                    return put;
                }
            }
        }
        return {};
    }

    [[nodiscard]] Done put_links(const config::Model& target) {
        for (const std::string& head : all_.heads) {
            done_.heads.push_back(head);
            if (auto set = self_.set_links(head, target); !set) {
                return set;
            }
        }
        return {};
    }

    [[nodiscard]] Done put_interfaces(const config::Model& target) {
        for (const std::string& name : all_.interfaces) {
            if (const config::Interface* const interface = config::find_interface(target, name)) {
                done_.interfaces.push_back(name);
                if (auto put = self_.put(*interface, target); !put) {
                    return put;
                }
            }
        }
        return {};
    }

    Transaction& self_;
    Touched all_;
    Touched done_;
};

// All that a change names is had, or the change is refused; but for what is as good as not there, and what only a
// pattern means. When interfaces come by themselves each one is had that can be.
bool Transaction::may_wait(const std::string& interface, const core::Error& why) const {
    if (!all_or_nothing_) {
        return true;
    }
    const auto item = items_.find(interface);
    const config::Interface* const wanted =
        item == items_.end() ? nullptr : config::find_interface(model_, item->second);
    return (item != items_.end() && config::is_pattern(item->second) &&
            config::find_interface(here_, interface) == nullptr) ||
           (why.code == ENODEV && (wanted == nullptr || wanted->owner != config::Owner::kBpfctl));
}

Done Transaction::put(const config::Interface& interface, const config::Model& target) {
    auto put = world_.put_interface(interface);
    if (!put && may_wait(interface.name, put.error())) {
        cannot_.insert_or_assign(interface.name, put.error().line());
        return {};
    }
    if (!put) {
        return put;
    }
    cannot_.erase(interface.name);
    return set_links(interface.name, target);
}

// The head of an interface that is not attached gets its links when it is.
Done Transaction::set_links(const std::string& head, const config::Model& target) {
    if (!world_.has_head(head)) {
        return {};
    }
    const std::vector<config::Link> links = config::links_at(target, head);
    for (const core::Direction direction : core::kEachDirection) {
        if (auto set = world_.set_run_order(head, direction, config::run_order(links, direction)); !set) {
            return set;
        }
    }
    return {};
}

Done Transaction::write(const config::Model& model, const config::Model& there, const std::string& files,
                        const std::optional<Trial>& trial) {
    written_ = world_.attached(there);
    return store_.put_next(
        text_of({.boot = boot_, .files = files, .attached = written_, .model = model, .trial = trial}));
}

Done Transaction::commit(bool recorded, Promises promises) {
    if (recorded) {
        if (auto exchanged = store_.exchange(); !exchanged) {
            return exchanged;
        }
    }
    auto live = world_.go_live(promises);
    if (!live && recorded) {
        if (auto back = store_.exchange(); !back) {
            spdlog::error("the running model is not the one in force: {}", back.error().line());
        }
    }
    return live;
}

core::Result<config::Guarded> Transaction::see(const config::Model& next, const config::Change& change) {
    // Only who names interfaces anew depends on what the last message about them may not have told yet.
    const bool same_interfaces = next.interfaces == model_.interfaces;
    config::Guarded seen =
        config::guarded(next, world_.host_interfaces(same_interfaces ? Look::kAsKnown : Look::kAnew));
    std::set<std::string> items;
    for (const config::Action& action : change) {
        const auto* const replaced = std::get_if<config::ReplaceInterface>(&action);
        if (replaced == nullptr || !replaced->after) {
            continue;
        }
        if (replaced->after->owner == config::Owner::kBpfctl && seen.missing.contains(replaced->name())) {
            return core::fail(not_there(replaced->name()));
        }
        items.insert(replaced->name());
    }
    std::erase_if(cannot_, [&](const auto& one) { // what a change names is tried again
        const auto item = seen.items.find(one.first);
        return item == seen.items.end() || items.contains(item->second);
    });
    return seen;
}

/// What cannot be attached is as it was before, or not there.
void Transaction::spare(config::Guarded& seen) const {
    for (const auto& [name, why] : cannot_) {
        const auto at = std::find_if(seen.model.interfaces.begin(), seen.model.interfaces.end(),
                                     [name = &name](const config::Interface& one) { return one.name == *name; });
        if (at == seen.model.interfaces.end()) {
            continue;
        }
        if (const config::Interface* const before = config::find_interface(here_, name)) {
            *at = *before;
        } else {
            seen.model.interfaces.erase(at);
        }
    }
}

void Transaction::take_as_seen(config::Guarded seen) {
    std::erase_if(cannot_, [&](const auto& one) { return !seen.items.contains(one.first); });
    waited_for_ = cannot_;
    for (const std::string& name : seen.missing) {
        waited_for_.emplace(name, "");
    }
    there_ = seen.model;
    spare(seen);
    here_ = std::move(seen.model);
    items_ = std::move(seen.items);
}

core::Result<Outcome> Transaction::change(const config::Model& next, const How& how) {
    Outcome outcome{.change = config::difference(model_, next)};
    const std::string& files = how.files.empty() ? files_ : how.files;
    std::optional<Trial> trial = how.ends_trial ? std::nullopt : how.trial ? how.trial : trial_;
    if (outcome.change.empty() && files == files_ && trial == trial_) {
        return outcome;
    }
    const std::map<std::string, std::string> could_not = cannot_;
    auto seen = see(next, outcome.change);
    if (!seen) {
        return core::fail(std::move(seen.error()));
    }
    if (auto written = write(next, seen->model, files, trial); !written) {
        if (how.unrecorded == Unrecorded::kRefused) {
            cannot_ = could_not;
            return core::fail(std::move(written.error()));
        }
        outcome.recorded = false;
        outcome.because = written.error().line();
    }
    const std::map<std::string, std::string> items = std::exchange(items_, seen->items);
    config::Guarded target = *seen;
    spare(target);
    all_or_nothing_ = true;
    world_.prepare(how.without_xdp, HeadsCome::kLast);
    Touched touched = touched_by(outcome.change, config::difference(here_, target.model));
    for (const auto& [name, why] : could_not) {
        if (!seen->items.contains(name)) {
            touched.left.push_back(name);
        }
    }
    Bring bring(*this, std::move(touched));
    auto done = bring.to({model_, here_}, {next, target.model});
    if (done && how.allowed) {
        done = how.allowed();
    }
    if (done) {
        done = commit(outcome.recorded, how.promises);
    }
    if (!done) {
        items_ = items;
        world_.prepare(WithoutXdp::kUsesTc, HeadsCome::kLast);
        bring.back_to({next, target.model}, {model_, here_});
        cannot_ = could_not;
        if (auto live = world_.go_live(Promises::kTried); !live) {
            spdlog::error("the old model is not wholly in force again: {}", live.error().line());
        }
        return core::fail(std::move(done.error()));
    }
    model_ = next;
    files_ = files;
    trial_ = std::move(trial);
    take_as_seen(std::move(*seen));
    if (outcome.recorded) {
        recorded_ = std::move(written_);
        if (auto updated = update_kept_model(); !updated) {
            outcome.recorded = false;
            outcome.because = updated.error().line();
        }
    }
    return outcome;
}

/// The items of the first model that can be had: interfaces that are there are attached.
std::vector<config::Interface> Transaction::begin_interfaces(const config::Model& first,
                                                             const std::vector<config::HostInterface>& host_interfaces,
                                                             const Refused& refused) {
    config::Guarded seen = config::guarded(first, host_interfaces);
    std::set<std::string> lost;
    for (const config::Interface& interface : seen.model.interfaces) {
        auto attached = world_.put_interface(interface);
        if (attached) {
            continue;
        }
        refused(attached.error());
        const std::string& item = seen.items.at(interface.name);
        const bool has_gone = attached.error().code == ENODEV && interface.owner != config::Owner::kBpfctl;
        if (has_gone || config::is_pattern(item) || world_.has_left_heads(interface.name)) { // better theirs than none
            cannot_.emplace(interface.name, attached.error().line());
        } else {
            lost.insert(item);
        }
    }
    std::vector<config::Interface> had;
    for (const config::Interface& interface : first.interfaces) {
        if (seen.missing.contains(interface.name) && interface.owner == config::Owner::kBpfctl) {
            refused(not_there(interface.name));
        } else if (!lost.contains(interface.name)) {
            had.push_back(interface);
        }
    }
    return had;
}

void Transaction::begin(const config::Model& first, const std::string& files, const Refused& refused) {
    config::Model model{.settings = first.settings,
                        .panic = first.panic,
                        .interfaces = {},
                        .hooks = {},
                        .links = {},
                        .peers = first.peers};
    world_.prepare(WithoutXdp::kUsesTc, HeadsCome::kLast);
    world_.set_panic(first.panic);
    for (const config::Hook& hook : first.hooks) {
        auto put = world_.put_hook(hook);
        put ? model.hooks.push_back(hook) : refused(put.error());
    }
    const std::vector<config::HostInterface> host_interfaces = world_.host_interfaces(Look::kAnew);
    model.interfaces = begin_interfaces(first, host_interfaces, refused);
    for (const config::Link& link : first.links) {
        if (auto linked = config::link(model, link); !linked) {
            refused(linked.error());
        }
    }
    take_as_seen(config::guarded(model, host_interfaces));
    std::set<std::string> heads;
    for (const config::Link& link : here_.links) {
        heads.insert(link.head);
    }
    for (const std::string& head : heads) {
        if (auto set = set_links(head, here_); !set) {
            refused(set.error());
        }
    }
    if (auto live = world_.go_live(Promises::kTried); !live) { // it is tried again each second
        spdlog::error("{}", live.error().line());
    }
    model_ = std::move(model);
    files_ = files;
    if (auto recorded = replace_kept_model(model_); !recorded) {
        spdlog::error("what runs is not recorded: {}", recorded.error().line());
    }
}

Done Transaction::look_again(const std::optional<std::string>& seen_one) {
    config::Guarded seen = config::guarded(model_, world_.host_interfaces(seen_one ? Look::kAsKnown : Look::kAnew));
    const auto is_tried = [&](const auto& one) { return !seen_one || one.first == *seen_one; };
    std::map<std::string, std::string> tried;
    std::copy_if(cannot_.begin(), cannot_.end(), std::inserter(tried, tried.end()), is_tried);
    std::erase_if(cannot_, is_tried);
    items_ = seen.items;
    config::Guarded target = seen;
    spare(target);
    Bring bring(*this, touched_by({}, config::difference(here_, target.model)));
    Done done;
    if (!bring.is_needless()) {
        all_or_nothing_ = false;
        world_.prepare(WithoutXdp::kUsesTc, HeadsCome::kFirst);
        done = bring.to({model_, here_}, {model_, target.model});
        auto live = world_.go_live(Promises::kTried);
        done = done ? std::move(live) : std::move(done);
    }
    take_as_seen(std::move(seen));
    return done ? update_kept_model() : done;
}

Done Transaction::gone(const std::string& interface) {
    (void)config::remove_interface(here_, interface);
    const config::Interface* const wanted = config::find_interface(model_, interface);
    const bool of_bpfctl = wanted != nullptr && wanted->owner == config::Owner::kBpfctl;
    const std::size_t links = model_.links.size();
    if (of_bpfctl) {
        (void)config::remove_interface(model_, interface);
        if (trial_) { // it cannot come again
            (void)config::remove_interface(trial_->before, interface);
        }
    } else if (wanted == nullptr) {
        std::erase_if(model_.links, [&](const config::Link& link) {
            return link.head == interface && link.owner == config::Owner::kBpfctl;
        });
    }
    if (of_bpfctl || model_.links.size() != links) {
        if (auto recorded = replace_kept_model(model_); !recorded) {
            return recorded;
        }
    }
    return look_again(interface);
}

Done Transaction::renamed(const std::map<std::string, std::string>& names) {
    const config::Model before = model_;
    config::rename_interfaces(model_, names);
    if (trial_) {
        config::rename_interfaces(trial_->before, names);
    }
    config::rename_interfaces(here_, names);
    std::map<std::string, std::string> items;
    for (const auto& [interface, item] : items_) {
        const auto now = names.find(interface);
        items.emplace(now == names.end() ? interface : now->second, item);
    }
    items_ = std::move(items);
    there_ = here_;
    if (!(model_ == before)) {
        if (auto recorded = replace_kept_model(model_); !recorded) {
            return recorded;
        }
    }
    return names.empty() ? Done() : look_again(names.begin()->second);
}

bool Transaction::expects_more() const {
    return !waited_for_.empty() ||
           std::any_of(model_.interfaces.begin(), model_.interfaces.end(),
                       [](const config::Interface& one) { return one.wanted && config::is_pattern(one.name); });
}

std::string Transaction::item_of(const std::string& interface) const {
    const auto item = items_.find(interface);
    return item == items_.end() || cannot_.contains(interface) ? std::string() : item->second;
}

Done Transaction::end_trial() {
    auto trial = std::exchange(trial_, std::nullopt);
    auto recorded = replace_kept_model(model_);
    if (!recorded) {
        trial_ = std::move(trial);
    }
    return recorded;
}

Done Transaction::update_kept_model() {
    return world_.attached(there_) == recorded_ ? Done() : replace_kept_model(model_);
}

Done Transaction::replace_kept_model(const config::Model& model) {
    if (auto written = write(model, there_, files_, trial_); !written) {
        return written;
    }
    if (auto exchanged = store_.exchange(); !exchanged) {
        return exchanged;
    }
    recorded_ = std::move(written_);
    return {};
}

} // namespace pfild::rules
