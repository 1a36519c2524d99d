// SPDX-License-Identifier: BSD-2-Clause
// See config/source.h. Each file is read by the descriptions of config/described.h; what needs several items or files
// (a name that is there twice, a link, its hook and its head) is checked of the whole, and told at the place that the
// item has in its file.
#include "config/source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "cbpf/analysis/link_types.h"
#include "cbpf/program.h"
#include "cbpf/text.h"
#include "config/described.h"
#include "config/digest.h"
#include "config/file_content.h"
#include "config/matchless.h"
#include "config/toml/values.h"
#include "core/pfil/registry.h"
#include "describe/mistakes.h"
#include "describe/nearest.h"
#include "describe/terms.h"

namespace pfild::config {

namespace {

using describe::Value;

/// Where an item of the model stands in the files.
struct Origin {
    const File* file = nullptr;
    const Value* value = nullptr; ///< its table
    std::string path;             ///< "interface[1]"
};

/// Reads file after file into one model.
class Reader {
  public:
    explicit Reader(const Surroundings& around) : around_(around) {}

    void take(const File& file);
    [[nodiscard]] FileResult<Source> finish();

  private:
    void take_content(const File& file, const Value& value);
    void take_hook(FileHook& entry, const Origin& origin);
    [[nodiscard]] std::vector<cbpf::Instruction> program_of(const FileHook& entry, const Origin& origin);
    void take_peer(FilePeer& entry, const Origin& origin);
    void settle_interfaces();
    void check();
    [[nodiscard]] const Origin* origin_of(const Flaw& flaw) const;
    void refuse(const Origin& origin, const std::string& key, std::string reason);
    void digest(std::string_view name, std::string_view bytes);

    const Surroundings& around_;
    std::vector<std::string> order_;             ///< of the files
    std::vector<std::unique_ptr<Value>> values_; ///< that origins point to
    Source source_;
    Digest digest_;
    std::vector<FileInterface> interfaces_; ///< in the order of the files, as their origins
    std::vector<Origin> interface_origins_;
    std::vector<Origin> hook_origins_;
    std::vector<Origin> link_origins_;
    std::vector<Origin> peer_origins_;
    std::vector<Origin> setting_origins_; ///< a file each
    std::vector<FileMistake> mistakes_;
};

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_blank(const Value* value) {
    const std::string* const text = value->text();
    return text != nullptr && text->find_first_not_of(" \t\r\n") == std::string::npos;
}

/// The bytes and how many there are: no other files have the same ones in this order.
void Reader::digest(std::string_view name, std::string_view bytes) {
    digest_.add(std::string(name) + '\n' + std::to_string(bytes.size()) + '\n');
    digest_.add(bytes);
}

void Reader::take(const File& file) {
    order_.push_back(file.path);
    digest(base_name(file.path), file.text);
    auto value = values_of_toml(file.text);
    if (!value) {
        const describe::Mistake& mistake = value.error();
        mistakes_.push_back({file.path, mistake.place.line, mistake.place.column, "", mistake.why});
        return;
    }
    values_.push_back(std::make_unique<Value>(std::move(*value)));
    take_content(file, *values_.back());
}

void Reader::take_content(const File& file, const Value& value) {
    FileContent content{.settings = source_.model.settings};
    describe::Reading reading({.first_index = 1});
    describe::shape_of<FileContent>().read(&content, value, reading);
    for (const describe::Mistake& mistake : reading.mistakes()) {
        const std::string advice = mistake.advice.empty() ? "" : " (" + mistake.advice + ')';
        constexpr std::array<std::string_view, 4> kTables{"interface", "hook", "link", "peer"};
        const bool of_tables = std::find(kTables.begin(), kTables.end(), mistake.path) != kTables.end();
        mistakes_.push_back(
            {file.path, mistake.place.line, mistake.place.column, mistake.path,
             of_tables ? "must be tables, each begun by [[" + mistake.path + "]]" : mistake.why + advice});
    }
    source_.model.settings = content.settings;
    setting_origins_.push_back({&file, &value, ""});
    const auto origin = [&](const char* table, std::size_t index) {
        const Value* const all = value.find(table);
        return Origin{&file, &all->items()->at(index), std::string(table) + '[' + std::to_string(index + 1) + ']'};
    };
    for (std::size_t i = 0; i < content.interfaces.size(); ++i) {
        interfaces_.push_back(std::move(content.interfaces[i]));
        interface_origins_.push_back(origin("interface", i));
    }
    for (std::size_t i = 0; i < content.hooks.size(); ++i) {
        take_hook(content.hooks[i], origin("hook", i));
    }
    for (std::size_t i = 0; i < content.links.size(); ++i) {
        source_.model.links.push_back(std::move(content.links[i].link));
        link_origins_.push_back(origin("link", i));
    }
    for (std::size_t i = 0; i < content.peers.size(); ++i) {
        take_peer(content.peers[i], origin("peer", i));
    }
}

/// Digits are a number, whatever users are called.
std::optional<std::uint32_t> number_in(const std::string& text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end && number <= kMaxUid ? std::optional(number) : std::nullopt;
}

void Reader::take_peer(FilePeer& entry, const Origin& origin) {
    Peer& peer = entry.peer;
    const bool digits = peer.name.find_first_not_of("0123456789") == std::string::npos;
    const auto uid = digits ? number_in(peer.name) : around_.user(peer.name);
    if (!uid && digits && !peer.name.empty()) {
        refuse(origin, "user", "a user's number is at most " + std::to_string(kMaxUid));
    } else if (!uid && !peer.name.empty()) {
        refuse(origin, "user",
               "there is no user " + describe::in_quotes(peer.name) +
                   " in /etc/passwd (one from elsewhere is named by his number)");
    }
    for (std::size_t i = 0; i < peer.verbs.size(); ++i) {
        const std::string& verb = peer.verbs[i];
        if (std::find(around_.verbs.begin(), around_.verbs.end(), verb) == around_.verbs.end() && !verb.empty()) {
            refuse({origin.file, &origin.value->find("verbs")->items()->at(i), origin.path}, "verbs",
                   "there is no verb " + describe::in_quotes(verb) + " (" + describe::advice_for(verb, around_.verbs) +
                       ')');
        }
    }
    if (uid) { // equal ones are found even if a mistake keeps the whole from being taken
        peer.uid = *uid;
        source_.model.peers.push_back(std::move(peer));
        peer_origins_.push_back(origin);
    }
}

void Reader::take_hook(FileHook& entry, const Origin& origin) {
    if (entry.hook.filter && entry.bytecode) {
        refuse(origin, "bytecode", "there is a filter, too, and that is what counts: leave one of them out");
    } else if (entry.bytecode) {
        entry.hook.program = program_of(entry, origin);
    } else if (!entry.hook.filter) {
        refuse(origin, "filter", "is missing, and there is no bytecode either");
    } else if (is_blank(origin.value->find("filter"))) {
        refuse(origin, "filter", "is empty; to match every packet write 'greater 0'");
    }
    source_.model.hooks.push_back(std::move(entry.hook));
    hook_origins_.push_back(origin);
}

std::vector<cbpf::Instruction> Reader::program_of(const FileHook& entry, const Origin& origin) {
    const std::string& path = *entry.bytecode;
    const auto text = around_.read(path.front() == '/' ? path : folder_of(origin.file->path) + path);
    if (!text) {
        refuse(origin, "bytecode", text.error().line());
        return {};
    }
    digest(path, *text);
    auto instructions = cbpf::parse_decimal(*text);
    if (!instructions) {
        refuse(origin, "bytecode", path + ": " + instructions.error().message());
        return {};
    }
    const auto program = cbpf::Program::verify(*instructions);
    if (!program) {
        refuse(origin, "bytecode", path + ": " + program.error().message());
        return {};
    }
    const core::HeadType type = entry.hook.type;
    const cbpf::LinkFits fits = cbpf::link_fits_of(*program);
    for (const cbpf::LinkFormInfo& form : cbpf::kLinkFormTable) {
        if (form.number == core::dlt(type) && fits.at(static_cast<std::size_t>(form.form)) == cbpf::Fit::kForeign) {
            refuse(origin, "bytecode",
                   path + ": it is a program for another link type than " + std::string(form.name) +
                       ", which hooks of type " + std::string(core::name(type)) + " are shown");
            return std::move(*instructions);
        }
    }
    if (const auto why = matchless(entry.hook, *program)) {
        refuse(origin, "bytecode", path + ": " + *why + "; 'force = true' takes it");
    }
    return std::move(*instructions);
}

FileResult<Source> Reader::finish() {
    settle_interfaces();
    check();
    if (!mistakes_.empty()) {
        const auto rank = [this](const FileMistake& mistake) {
            return std::tuple(std::find(order_.begin(), order_.end(), mistake.file) - order_.begin(), mistake.line,
                              mistake.column);
        };
        std::stable_sort(mistakes_.begin(), mistakes_.end(),
                         [&](const FileMistake& one, const FileMistake& other) { return rank(one) < rank(other); });
        return tl::make_unexpected(std::move(mistakes_));
    }
    put_in_order(source_.model);
    source_.digest = digest_.finish();
    return std::move(source_);
}

/// What an interface does not say, all files together say.
void Reader::settle_interfaces() {
    const Settings& settings = source_.model.settings;
    for (FileInterface& interface : interfaces_) {
        source_.model.interfaces.push_back({.name = std::move(interface.name),
                                            .unknown = interface.unknown.value_or(settings.unknown),
                                            .silent = interface.silent.value_or(settings.silent),
                                            .mode = interface.mode.value_or(settings.mode),
                                            .position = interface.position.value_or(settings.position),
                                            .strict = interface.strict.value_or(settings.strict),
                                            .wanted = interface.wanted,
                                            .owner = Owner::kFile});
    }
}

/// Links are not looked at while anything else is wrong: what they lead to may be what was not understood.
void Reader::check() {
    const bool understood = mistakes_.empty();
    for (const Flaw& flaw : flaws(source_.model)) {
        const Origin* const origin = origin_of(flaw);
        if (origin == nullptr || (flaw.item == Flaw::Item::kLink && !understood)) {
            continue;
        }
        const std::string path = origin->path.empty() ? flaw.key : origin->path + '.' + flaw.key;
        const bool told = std::any_of(mistakes_.begin(), mistakes_.end(), [&](const FileMistake& mistake) {
            return mistake.file == origin->file->path &&
                   (mistake.key.starts_with(path) || path.starts_with(mistake.key + '.'));
        });
        if (!told) {
            refuse(*origin, flaw.key, flaw.reason);
        }
    }
}

const Origin* Reader::origin_of(const Flaw& flaw) const {
    switch (flaw.item) {
    case Flaw::Item::kInterface:
        return &interface_origins_.at(flaw.index);
    case Flaw::Item::kHook:
        // A program that cannot be read, and a filter that is missing, have been told.
        return flaw.key == "filter" && !source_.model.hooks.at(flaw.index).filter ? nullptr
                                                                                  : &hook_origins_.at(flaw.index);
    case Flaw::Item::kLink:
        return &link_origins_.at(flaw.index);
    case Flaw::Item::kPeer:
        return &peer_origins_.at(flaw.index);
    case Flaw::Item::kSettings:
        break;
    }
    const auto last = std::find_if(setting_origins_.rbegin(), setting_origins_.rend(),
                                   [&](const Origin& origin) { return origin.value->find(flaw.key) != nullptr; });
    return last == setting_origins_.rend() ? nullptr : &*last;
}

void Reader::refuse(const Origin& origin, const std::string& key, std::string reason) {
    const Value* const value = origin.value->find(key);
    const describe::Place place = value != nullptr ? value->place : origin.value->place;
    const std::string path = origin.path.empty() ? key : origin.path + '.' + key;
    mistakes_.push_back({origin.file->path, place.line, place.column, path, std::move(reason)});
}

} // namespace

std::string FileMistake::text() const {
    std::string place = file;
    if (line != 0) {
        place += ':' + std::to_string(line) + ':' + std::to_string(column);
    }
    return place + ": " + (key.empty() ? "" : key + ": ") + reason;
}

FileResult<Source> read_source(const Files& files, const Surroundings& around) {
    Reader reader(around);
    for (const File& file : files) {
        reader.take(file);
    }
    return reader.finish();
}

} // namespace pfild::config
