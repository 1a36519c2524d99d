// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/transaction.h.
#include "daemon/rules/transaction.h"

#include <algorithm>
#include <cerrno>
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
};

namespace {

struct Touch {
    Touched& touched;

    void operator()(const config::ReplaceSettings& /*action*/) const {}
    void operator()(const config::ReplaceInterface& action) const { touched.interfaces.push_back(action.name()); }
    void operator()(const config::ReplaceHook& action) const { touched.hooks.push_back(action.name()); }
    void operator()(const config::ReplaceLinks& action) const { touched.heads.push_back(action.head); }
};

/// Actions that change owners only change nothing that runs.
Touched touched_by(const config::Change& change) {
    Touched touched;
    for (const config::Action& action : change) {
        if (config::line_of(action)) {
            std::visit(Touch{touched}, action);
        }
    }
    return touched;
}

/// Same name, other type: it cannot stand where it stands.
bool is_another(const config::Hook* before, const config::Hook* after) {
    return before != nullptr && (after == nullptr || after->type != before->type);
}

} // namespace

/// Makes the world so that what a change is about is as one model wants it. Forward and back are the same steps.
class Transaction::Bring {
  public:
    explicit Bring(Transaction& self, const config::Change& change) : self_(self), all_(touched_by(change)) {}

    /// The first error; what was tried until then is done().
    [[nodiscard]] Done to(const config::Model& from, const config::Model& target) {
        for (const std::string& name : all_.interfaces) {
            if (config::find_interface(target, name) == nullptr) {
                done_.interfaces.push_back(name);
                self_.world_.remove_interface(name);
                self_.waited_for_.erase(name);
            }
        }
        for (const std::string& name : all_.hooks) {
            if (is_another(config::find_hook(from, name), config::find_hook(target, name))) {
                done_.hooks.push_back(name);
                done_.heads = all_.heads; // its links go with it
                self_.world_.remove_hook(name);
            }
        }
        return put_hooks(target).and_then([&] { return put_links(target); }).and_then([&] {
            return put_interfaces(target);
        });
    }

    /// Everything that to() has tried, as `target` has it; errors are logged, since there is nowhere else to go.
    void back_to(const config::Model& from, const config::Model& target) const {
        Bring back(self_, {});
        back.all_ = done_;
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

Done Transaction::put(const config::Interface& interface, const config::Model& target) {
    auto put = world_.put_interface(interface);
    if (!put && put.error().code == ENODEV && interface.owner == config::Owner::kFile) {
        waited_for_.insert(interface.name);
        return {};
    }
    if (!put) {
        return put;
    }
    waited_for_.erase(interface.name);
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

Done Transaction::write(const config::Model& model, const std::string& files) {
    written_ = world_.attached(model);
    return store_.put_next(text_of({.boot = boot_, .files = files, .attached = written_, .model = model}));
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
            spdlog::error("the record has a model that is not in force: {}", back.error().line());
        }
    }
    return live;
}

core::Result<Outcome> Transaction::change(const config::Model& next, const How& how) {
    Outcome outcome{.change = config::difference(model_, next)};
    const std::string& files = how.files.empty() ? files_ : how.files;
    if (outcome.change.empty() && files == files_) {
        return outcome;
    }
    if (auto written = write(next, files); !written) {
        if (how.unrecorded == Unrecorded::kRefused) {
            return core::fail(std::move(written.error()));
        }
        outcome.recorded = false;
        outcome.because = written.error().line();
    }
    const std::set<std::string> waited_for = waited_for_;
    world_.prepare(how.without_xdp);
    Bring bring(*this, outcome.change);
    auto done = bring.to(model_, next);
    if (done) {
        done = commit(outcome.recorded, how.promises);
    }
    if (!done) {
        world_.prepare(WithoutXdp::kUsesTc);
        bring.back_to(next, model_);
        waited_for_ = waited_for;
        if (auto live = world_.go_live(Promises::kTried); !live) {
            spdlog::error("the old model is not wholly in force again: {}", live.error().line());
        }
        return core::fail(std::move(done.error()));
    }
    model_ = next;
    files_ = files;
    if (outcome.recorded) {
        recorded_ = std::move(written_);
        if (auto updated = update_record(); !updated) {
            outcome.recorded = false;
            outcome.because = updated.error().line();
        }
    }
    return outcome;
}

void Transaction::begin(const config::Model& first, const std::string& files,
                        const std::function<void(const core::Error& error)>& refused) {
    config::Model model{.settings = first.settings};
    world_.prepare(WithoutXdp::kUsesTc);
    for (const config::Hook& hook : first.hooks) {
        auto put = world_.put_hook(hook);
        put ? model.hooks.push_back(hook) : refused(put.error());
    }
    for (const config::Interface& interface : first.interfaces) {
        auto attached = put(interface, model);
        if (!attached) {
            refused(attached.error());
        }
        const bool guarded = !attached && world_.has_left_heads(interface.name); // better theirs than none
        if (guarded) {
            waited_for_.insert(interface.name);
        }
        if (attached || guarded) {
            model.interfaces.push_back(interface);
        }
    }
    for (const config::Link& link : first.links) {
        if (auto linked = config::link(model, link); !linked) {
            refused(linked.error());
        }
    }
    std::set<std::string> heads;
    for (const config::Link& link : model.links) {
        heads.insert(link.head);
    }
    for (const std::string& head : heads) {
        if (auto set = set_links(head, model); !set) {
            refused(set.error());
        }
    }
    if (auto live = world_.go_live(Promises::kTried); !live) { // it is tried again each second
        spdlog::error("{}", live.error().line());
    }
    model_ = std::move(model);
    files_ = files;
    if (auto recorded = replace_record(model_); !recorded) {
        spdlog::error("what runs is not recorded: {}", recorded.error().line());
    }
}

Done Transaction::appeared(const std::string& interface) {
    const config::Interface* const wanted = config::find_interface(model_, interface);
    if (wanted == nullptr || !waited_for_.contains(interface)) {
        return {};
    }
    world_.prepare(WithoutXdp::kUsesTc);
    auto done = put(*wanted, model_);
    if (done) {
        done = world_.go_live(Promises::kTried);
    } else {
        (void)world_.go_live(Promises::kTried);
    }
    return done ? update_record() : done;
}

Done Transaction::gone(const std::string& interface) {
    const config::Interface* const wanted = config::find_interface(model_, interface);
    if (wanted == nullptr) {
        return {};
    }
    if (wanted->owner == config::Owner::kFile) {
        waited_for_.insert(interface);
        return update_record();
    }
    (void)config::remove_interface(model_, interface);
    return replace_record(model_);
}

Done Transaction::renamed(const std::map<std::string, std::string>& names) {
    std::map<std::string, std::string> ours;
    for (const auto& [from, to] : names) {
        if (config::find_interface(model_, from) != nullptr && !waited_for_.contains(from)) {
            ours.emplace(from, to);
            waited_for_.erase(to);
        }
    }
    if (ours.empty()) {
        return {};
    }
    config::rename_interfaces(model_, ours);
    return replace_record(model_);
}

Done Transaction::update_record() { return world_.attached(model_) == recorded_ ? Done() : replace_record(model_); }

Done Transaction::replace_record(const config::Model& model) {
    if (auto written = write(model, files_); !written) {
        return written;
    }
    if (auto exchanged = store_.exchange(); !exchanged) {
        return exchanged;
    }
    recorded_ = std::move(written_);
    return {};
}

} // namespace pfild::rules
