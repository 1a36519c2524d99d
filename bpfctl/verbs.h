// SPDX-License-Identifier: BSD-2-Clause
// The verb table, and how a word of the command line finds its row: the whole name, or the only one that begins with
// it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "bpfctl/failure.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {

extern const Verb kStatus;
extern const Verb kAttach;
extern const Verb kDetach;
extern const Verb kHeads;
extern const Verb kHooks;
extern const Verb kHookAdd;
extern const Verb kHookShow;
extern const Verb kHookReplace;
extern const Verb kHookDisable;
extern const Verb kHookEnable;
extern const Verb kHookDelete;
extern const Verb kLink;
extern const Verb kUnlink;
extern const Verb kPanic;
extern const Verb kFlows;
extern const Verb kFlowsFlush;
extern const Verb kCapture;
extern const Verb kDevbpfRun;
extern const Verb kExtcap;
extern const Verb kFilterCompile;
extern const Verb kFilterShow;
extern const Verb kFilterRun;
extern const Verb kFilterExplain;
extern const Verb kConfigShow;
extern const Verb kConfigSave;
extern const Verb kConfigDiff;
extern const Verb kConfigCheck;
extern const Verb kConfigCompile;
extern const Verb kConfigApply;
extern const Verb kConfigConfirm;
extern const Verb kConfigRollback;
extern const Verb kBatchOfVerbs;
extern const Verb kReload;
extern const Verb kMonitor;
extern const Verb kPeers;
extern const Verb kSysctl;
extern const Verb kStats;
extern const Verb kRescue;
extern const Verb kVersion;
extern const Verb kHelp;

/// All rows, in the order in which help shows them. Verbs with the same first word stand together, the one that has no
/// second word before those that have.
inline constexpr std::array kVerbs{
    &kStatus,      &kAttach,        &kDetach,         &kHeads,      &kHooks,        &kHookAdd,       &kHookShow,
    &kHookReplace, &kHookDisable,   &kHookEnable,     &kHookDelete, &kLink,         &kUnlink,        &kPanic,
    &kFlows,       &kFlowsFlush,    &kFilterCompile,  &kFilterShow, &kFilterRun,    &kFilterExplain, &kCapture,
    &kDevbpfRun,   &kExtcap,        &kConfigShow,     &kConfigSave, &kConfigDiff,   &kConfigCheck,   &kConfigCompile,
    &kConfigApply, &kConfigConfirm, &kConfigRollback, &kReload,     &kBatchOfVerbs, &kMonitor,       &kPeers,
    &kSysctl,      &kStats,         &kRescue,         &kVersion,    &kHelp};
[[nodiscard]] std::span<const Verb* const> verbs();

/// A row and how many words its name took.
struct Resolved {
    const Verb* verb;
    std::size_t words;
};

/// The verb that the words begin with. An exact word wins over longer ones ("hook" over "hooks"); a word that begins
/// several, or none, is Exit::kUsage and lists what it could be. Behind a verb of one word ("flows") a second one
/// counts only as a whole ("flush"), because it could as well be an operand. => words is not empty.
[[nodiscard]] Outcome<Resolved> resolve(std::span<const std::string> words);

} // namespace pfild::bpfctl
