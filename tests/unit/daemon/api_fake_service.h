// SPDX-License-Identifier: BSD-2-Clause
// A service whose answers a test sets, and that remembers what it was asked. One thread.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "control/asking.h"
#include "control/rights.h"
#include "control/service.h"

namespace pfild::test {

class FakeService final : public control::Service {
  public:
    std::vector<std::string> calls;     ///< the verbs that came through, with their object
    std::optional<core::Error> refusal; ///< what everything answers, when set
    std::string refuse_once;            ///< this call is refused, the first time
    int refuse_code = EIO;
    control::AttachRequest last_attach;
    control::HookAddRequest last_hook;
    core::LinkRequest last_link;
    std::vector<control::HeadView> head_list;
    std::vector<control::HookView> hook_list;
    control::HookProgramView hook_program_view;
    control::StatusView status_view;
    control::StatsView stats_view;
    control::FlowsRequest last_flows;
    control::FlowsView flows_view;
    control::PeersView peers_view;
    control::Deeds made;
    control::ChangedView changed_view;
    control::ApplyRequest last_apply;
    control::BatchRequest last_batch;
    std::optional<std::string> not_recorded; ///< why the last change will be forgotten
    control::SysctlView sysctl_view;
    std::uint64_t forgotten = 0; ///< what flows-flush says
    control::Asker last_asker;   ///< of a call, not of its end
    std::string said_beside;     ///< the remark
    std::size_t padding = 0;     ///< so many letters in version's kernel, to make a large answer

    core::Result<control::VersionView> version() {
        calls.emplace_back("version");
        return answer(control::VersionView{"0.1.0", 2, "6.18.0" + std::string(padding, 'x'), "default", 12});
    }
    core::Result<control::StatusView> status() {
        calls.emplace_back("status");
        return answer(status_view);
    }
    core::Result<control::InterfaceView> attach(const control::AttachRequest& request) override {
        calls.push_back("attach " + request.interface);
        last_attach = request;
        control::InterfaceView view;
        view.name = request.interface;
        view.unknown = request.unknown;
        view.silent = request.silent;
        return answer(view);
    }
    core::Result<void> detach(std::string_view interface) override {
        calls.push_back("detach " + std::string(interface));
        return refused();
    }
    core::Result<std::vector<control::HeadView>> heads() {
        calls.emplace_back("heads");
        return answer(head_list);
    }
    core::Result<std::vector<control::HookView>> hooks() {
        calls.emplace_back("hooks");
        return answer(hook_list);
    }
    core::Result<control::HookView> hook_add(const control::HookAddRequest& request) override {
        calls.push_back("hook-add " + request.name);
        last_hook = request;
        control::HookView view;
        view.name = request.name;
        view.type = request.type;
        view.module = "cbpf";
        view.on_match = request.on_match;
        view.filter = request.filter;
        view.instructions = request.program.size();
        return answer(view);
    }
    core::Result<control::HookProgramView> hook_show(std::string_view name) {
        calls.push_back("hook-show " + std::string(name));
        return answer(hook_program_view);
    }
    core::Result<control::HookView> hook_replace(const control::HookAddRequest& request) override {
        return hook_add(request);
    }
    core::Result<control::HookView> hook_enable(std::string_view name, bool enabled) override {
        calls.push_back((enabled ? "hook-enable " : "hook-disable ") + std::string(name));
        control::HookView view;
        view.name = name;
        view.enabled = enabled;
        return answer(view);
    }
    core::Result<void> hook_delete(std::string_view name) override {
        calls.push_back("hook-delete " + std::string(name));
        return refused();
    }
    core::Result<control::HeadView> link(const core::LinkRequest& request) override {
        calls.push_back("link " + request.hook + " " + request.head);
        return head_of(request);
    }
    core::Result<control::HeadView> unlink(const core::LinkRequest& request) override {
        calls.push_back("unlink " + request.hook + " " + request.head);
        return head_of(request);
    }
    core::Result<control::StatsView> stats(const control::StatsRequest& request) {
        calls.push_back("stats" + (request.interface ? ' ' + *request.interface : ""));
        return answer(stats_view);
    }
    core::Result<control::FlowsView> flows(const control::FlowsRequest& request) {
        calls.emplace_back("flows");
        last_flows = request;
        return answer(flows_view);
    }
    core::Result<std::uint64_t> flows_flush() override {
        calls.emplace_back("flows-flush");
        return answer(forgotten);
    }
    core::Result<control::PeersView> peers() {
        calls.emplace_back("peers");
        return answer(peers_view);
    }
    core::Result<control::SysctlView> sysctl() {
        calls.emplace_back("sysctl");
        return answer(sysctl_view);
    }
    core::Result<control::SysctlView> sysctl_set(const control::SysctlSetRequest& request) override {
        calls.emplace_back("sysctl-set " + std::to_string(request.maxbufsize.value_or(0)) + ' ' +
                           std::to_string(request.bufsize.value_or(0)));
        return answer(sysctl_view);
    }
    core::Result<control::ChangedView> reload() override {
        calls.emplace_back("reload");
        return answer(changed_view);
    }
    core::Result<control::ModelView> config_show() {
        calls.emplace_back("config-show");
        return answer(control::ModelView());
    }
    core::Result<control::ChangedView> config_apply(const control::ApplyRequest& request) override {
        calls.emplace_back("config-apply");
        last_apply = request;
        return answer(changed_view);
    }
    core::Result<void> config_confirm() override {
        calls.emplace_back("config-confirm");
        return refused();
    }
    core::Result<control::ChangedView> config_rollback() override {
        calls.emplace_back("config-rollback");
        return answer(changed_view);
    }
    core::Result<control::ChangedView> batch(const control::BatchRequest& request) override {
        calls.emplace_back("batch");
        last_batch = request;
        return answer(changed_view);
    }
    core::Result<describe::Value> look(std::string_view verb, const describe::Value& arguments) override {
        using namespace control; // NOLINT(google-build-using-namespace): the table names what is said there
        using Fake = FakeService;
        const std::vector<Look<Fake>> looks{
            control::look<Fake, NoArguments, VersionView>("version",
                                                          [](Fake& fake, const auto&) { return fake.version(); }),
            control::look<Fake, NoArguments, StatusView>("status",
                                                         [](Fake& fake, const auto&) { return fake.status(); }),
            control::look<Fake, ListRequest, HeadList>("heads",
                                                       [](Fake& fake, const ListRequest& request) {
                                                           return fake.heads().map([&](auto all) {
                                                               return part_of<HeadList>(std::move(all), request);
                                                           });
                                                       }),
            control::look<Fake, ListRequest, HookList>("hooks",
                                                       [](Fake& fake, const ListRequest& request) {
                                                           return fake.hooks().map([&](auto all) {
                                                               return part_of<HookList>(std::move(all), request);
                                                           });
                                                       }),
            control::look<Fake, HookRequest, HookProgramView>(
                "hook-show", [](Fake& fake, const HookRequest& request) { return fake.hook_show(request.name); }),
            control::look<Fake, StatsRequest, StatsView>(
                "stats", [](Fake& fake, const StatsRequest& request) { return fake.stats(request); }),
            control::look<Fake, FlowsRequest, FlowsView>(
                "flows", [](Fake& fake, const FlowsRequest& request) { return fake.flows(request); }),
            control::look<Fake, NoArguments, PeersView>("peers", [](Fake& fake, const auto&) { return fake.peers(); }),
            control::look<Fake, NoArguments, SysctlView>("sysctl",
                                                         [](Fake& fake, const auto&) { return fake.sysctl(); }),
            control::look<Fake, NoArguments, ModelView>("config-show",
                                                        [](Fake& fake, const auto&) { return fake.config_show(); }),
        };
        return look_at(std::span<const Look<Fake>>(looks), *this, verb, arguments);
    }
    std::optional<std::string> unrecorded() const override { return not_recorded; }
    control::Deeds& deeds() override { return made; }

    core::Result<void> panic(bool on) override {
        calls.emplace_back(on ? "panic on" : "panic off");
        return refused();
    }
    void asked_by(const control::Asker& asker) override {
        last_asker = calls_asked_for_++ % 2 == 0 ? asker : last_asker;
    }
    [[nodiscard]] std::string remark() const override { return said_beside; }

  private:
    std::size_t calls_asked_for_ = 0;

    [[nodiscard]] core::Result<void> refused() {
        if (!refuse_once.empty() && calls.back() == refuse_once) {
            refuse_once.clear();
            return core::fail({calls.back(), "", "refused", "", refuse_code});
        }
        if (refusal) {
            return core::fail(*refusal);
        }
        return {};
    }
    template <typename View>
    [[nodiscard]] core::Result<View> answer(View view) {
        return refused().map([&] { return view; });
    }
    [[nodiscard]] core::Result<control::HeadView> head_of(const core::LinkRequest& request) {
        last_link = request;
        control::HeadView view;
        view.name = request.head;
        view.directions = request.directions;
        return answer(view);
    }
};

} // namespace pfild::test
