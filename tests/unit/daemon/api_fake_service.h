// SPDX-License-Identifier: BSD-2-Clause
// A service whose answers a test sets, and that remembers what it was asked. One thread.
#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "control/rights.h"
#include "daemon/api/service.h"

namespace pfild::test {

class FakeService final : public api::Service {
  public:
    std::vector<std::string> calls;     ///< the verbs that came through, with their object
    std::optional<core::Error> refusal; ///< what everything answers, when set
    std::string refuse_once;            ///< this call is refused, the first time
    int refuse_code = EIO;
    api::AttachRequest last_attach;
    api::HookAddRequest last_hook;
    core::LinkRequest last_link;
    std::vector<api::HeadView> head_list;
    std::vector<api::HookView> hook_list;
    api::HookProgramView hook_program_view;
    api::StatusView status_view;
    api::StatsView stats_view;
    api::FlowsRequest last_flows;
    api::FlowsView flows_view;
    api::PeersView peers_view;
    control::Deeds made;
    control::ChangedView changed_view;
    control::ApplyRequest last_apply;
    control::BatchRequest last_batch;
    std::optional<std::string> not_recorded; ///< why the last change will be forgotten
    std::uint64_t forgotten = 0;             ///< what flows-flush says
    control::Asker last_asker;               ///< of a call, not of its end
    std::string said_beside;                 ///< the remark
    std::size_t padding = 0;                 ///< so many letters in version's kernel, to make a large answer

    core::Result<api::VersionView> version() override {
        calls.emplace_back("version");
        return answer(api::VersionView{"0.1.0", 2, "6.18.0" + std::string(padding, 'x'), "default", 12});
    }
    core::Result<api::StatusView> status() override {
        calls.emplace_back("status");
        return answer(status_view);
    }
    core::Result<api::InterfaceView> attach(const api::AttachRequest& request) override {
        calls.push_back("attach " + request.interface);
        last_attach = request;
        api::InterfaceView view;
        view.name = request.interface;
        view.unknown = request.unknown;
        return answer(view);
    }
    core::Result<void> detach(std::string_view interface) override {
        calls.push_back("detach " + std::string(interface));
        return refused();
    }
    core::Result<std::vector<api::HeadView>> heads() override {
        calls.emplace_back("heads");
        return answer(head_list);
    }
    core::Result<std::vector<api::HookView>> hooks() override {
        calls.emplace_back("hooks");
        return answer(hook_list);
    }
    core::Result<api::HookView> hook_add(const api::HookAddRequest& request) override {
        calls.push_back("hook-add " + request.name);
        last_hook = request;
        api::HookView view;
        view.name = request.name;
        view.type = request.type;
        view.module = "cbpf";
        view.on_match = request.on_match;
        view.filter = request.filter;
        view.instructions = request.program.size();
        return answer(view);
    }
    core::Result<api::HookProgramView> hook_show(std::string_view name) override {
        calls.push_back("hook-show " + std::string(name));
        return answer(hook_program_view);
    }
    core::Result<api::HookView> hook_replace(const api::HookAddRequest& request) override { return hook_add(request); }
    core::Result<api::HookView> hook_enable(std::string_view name, bool enabled) override {
        calls.push_back((enabled ? "hook-enable " : "hook-disable ") + std::string(name));
        api::HookView view;
        view.name = name;
        view.enabled = enabled;
        return answer(view);
    }
    core::Result<void> hook_delete(std::string_view name) override {
        calls.push_back("hook-delete " + std::string(name));
        return refused();
    }
    core::Result<api::HeadView> link(const core::LinkRequest& request) override {
        calls.push_back("link " + request.hook + " " + request.head);
        return head_of(request);
    }
    core::Result<api::HeadView> unlink(const core::LinkRequest& request) override {
        calls.push_back("unlink " + request.hook + " " + request.head);
        return head_of(request);
    }
    core::Result<api::StatsView> stats(const api::StatsRequest& request) override {
        calls.push_back("stats" + (request.interface ? ' ' + *request.interface : ""));
        return answer(stats_view);
    }
    core::Result<api::FlowsView> flows(const api::FlowsRequest& request) override {
        calls.emplace_back("flows");
        last_flows = request;
        return answer(flows_view);
    }
    core::Result<std::uint64_t> flows_flush() override {
        calls.emplace_back("flows-flush");
        return answer(forgotten);
    }
    core::Result<api::PeersView> peers() override {
        calls.emplace_back("peers");
        return answer(peers_view);
    }
    core::Result<control::ChangedView> reload() override {
        calls.emplace_back("reload");
        return answer(changed_view);
    }
    core::Result<control::ModelView> config_show() override {
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
    [[nodiscard]] core::Result<api::HeadView> head_of(const core::LinkRequest& request) {
        last_link = request;
        api::HeadView view;
        view.name = request.head;
        view.directions = request.directions;
        return answer(view);
    }
};

} // namespace pfild::test
