// SPDX-License-Identifier: BSD-2-Clause
// Remembers what an instance was asked for, so that a daemon that was killed is followed by one that filters the same.
//
//      control socket, configuration  ->  recorder  ->  orchestrator
//                                            |
//                                            v  after every change
//                                    RUNTIME_DIR/NAME/record      removed at an orderly stop
//
// What is to be attached is written before it is attached: a daemon that is killed meanwhile is followed by one that
// knows of the heads.
//
// The record is a list of requests of docs/control-protocol.md, one a line: hooks, then what is attached, then links in
// an order that gives every head its run order again (PF-20). It is made anew from what the service shows, so a renamed
// or vanished interface is never in it under an old name; only programs are kept here, because listings do not show
// them. The folder is on a file system that does not outlive the machine's run, as the rules and the heads do not.
//
// Control thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/api/service.h"

namespace pfild {

class Recorder final : public api::Service {
  public:
    /// => `inner` outlives it.
    Recorder(api::Service& inner, std::string path) : inner_(inner), path_(std::move(path)) {}

    /// What an interface is called now that still has heads of the killed daemon; nothing if there are none.
    using NameNow = std::function<std::optional<std::string>(std::uint32_t ifindex)>;
    /// The requests of the record that a killed daemon left, with the names that interfaces have now; empty when the
    /// last one stopped in order.
    [[nodiscard]] std::vector<std::string> read(const NameNow& name_now) const;
    [[nodiscard]] bool empty() const;
    /// A request of the record that is about one interface: to attach it, or to link a hook to its head.
    struct OfInterface {
        std::string interface;
        std::string request;
        bool attaches = false;
    };
    /// Nothing: it is about none.
    [[nodiscard]] static std::optional<OfInterface> of_interface(const std::string& request);
    /// What could not be done again stays in the record until that interface is attached or detached. ifindex: by which
    /// the next start finds it.
    void keep(const OfInterface& refused, std::uint32_t ifindex);
    /// The instance stops in order: there is nothing to go on with.
    void forget() noexcept;
    /// While it lives the record stays as it is; then it is written anew.
    class Pause {
      public:
        explicit Pause(Recorder& recorder) : recorder_(recorder) { recorder_.paused_ = true; }
        Pause(const Pause&) = delete;
        Pause& operator=(const Pause&) = delete;
        Pause(Pause&&) = delete;
        Pause& operator=(Pause&&) = delete;
        ~Pause() {
            recorder_.paused_ = false;
            recorder_.save();
        }

      private:
        Recorder& recorder_;
    };
    /// Writes the record anew, with what is about to be done, if anything. A failure is logged: it must not undo what
    /// the caller was promised.
    void save(const api::AttachRequest* intent = nullptr) noexcept;

    [[nodiscard]] core::Result<api::VersionView> version() override { return inner_.version(); }
    [[nodiscard]] core::Result<api::StatusView> status() override { return inner_.status(); }
    [[nodiscard]] core::Result<api::InterfaceView> attach(const api::AttachRequest& request) override;
    [[nodiscard]] core::Result<void> detach(std::string_view interface) override;
    [[nodiscard]] core::Result<std::vector<api::HeadView>> heads() override { return inner_.heads(); }
    [[nodiscard]] core::Result<std::vector<api::HookView>> hooks() override { return inner_.hooks(); }
    [[nodiscard]] core::Result<api::HookView> hook_add(const api::HookAddRequest& request) override;
    [[nodiscard]] core::Result<api::HookProgramView> hook_show(std::string_view name) override {
        return inner_.hook_show(name);
    }
    [[nodiscard]] core::Result<void> hook_delete(std::string_view name) override;
    [[nodiscard]] core::Result<api::HeadView> link(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<api::HeadView> unlink(const core::LinkRequest& request) override;
    [[nodiscard]] core::Result<api::StatsView> stats() override { return inner_.stats(); }
    [[nodiscard]] core::Result<api::FlowsView> flows(const api::FlowsRequest& request) override {
        return inner_.flows(request);
    }
    [[nodiscard]] core::Result<std::uint64_t> flows_flush() override { return inner_.flows_flush(); }
    [[nodiscard]] core::Result<api::PeersView> peers() override { return inner_.peers(); }

  private:
    template <typename T>
    [[nodiscard]] T saved(T result);

    api::Service& inner_;
    std::string path_;
    bool paused_ = false;
    std::vector<OfInterface> kept_;
    std::map<std::string, api::HookAddRequest, std::less<>> programs_; ///< by hook name
};

} // namespace pfild
