// SPDX-License-Identifier: BSD-2-Clause
// See daemon/config.h. Each table is read by one function; what needs several of them (a link, its hook and its head)
// is checked last.
#include "daemon/config.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "cbpf/program.h"
#include "cbpf/text.h"
#include "daemon/config_table.h"
#include "daemon/sys/failure.h"

namespace pfild {
namespace {

constexpr std::size_t kMaxInterfaceName = 15; // IFNAMSIZ without its NUL
constexpr std::uintmax_t kMaxFileSize = 16U << 20U;

bool visible(char c) { return c > ' ' && c <= '~'; }

bool is_name(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), visible);
}

bool is_hook_name(std::string_view text) {
    const std::size_t colon = text.find(':');
    return colon != std::string_view::npos && is_name(text.substr(0, colon), core::kMaxNameLength) &&
           is_name(text.substr(colon + 1), core::kMaxNameLength);
}

class ConfigReader {
  public:
    ConfigReader(const std::string& file, const FileReader& read, ConfigMistakes& mistakes)
        : folder_(std::filesystem::path(file).parent_path()), read_(read), mistakes_(mistakes) {}

    Config read_root(const toml::table& root);

  private:
    void read_odd_packets(ConfigTable& table);
    void read_interface(ConfigTable& table);
    void read_hook(ConfigTable& table);
    void read_link(ConfigTable& table);
    [[nodiscard]] std::vector<cbpf::Instruction> read_bytecode(ConfigTable& table, const std::string& path);
    void check_link(ConfigTable& table, const core::LinkRequest& link);
    [[nodiscard]] std::optional<core::HeadType> head_type(std::string_view head) const;

    std::filesystem::path folder_;
    const FileReader& read_;
    ConfigMistakes& mistakes_;
    Config config_;
    std::set<std::string> broken_hooks_; ///< named in the file, but with mistakes of their own
};

Config ConfigReader::read_root(const toml::table& root) {
    ConfigTable table(root, "", mistakes_);
    table.allow_only({"log_level", "unknown", "mode", "position", "frames", "flows", "flow_idle_s", "flow_tcp_idle_s",
                      "devices", "capture_ring_kib", "capture_buffer_kib", "extension_headers", "fragments",
                      "tc_attach", "runtime_dir", "interface", "hook", "link"});
    config_.log_level = table.word<LogLevel>("log_level", kLogLevelNames).value_or(config_.log_level);
    config_.unknown = table.word<core::UnknownPackets>("unknown", core::kUnknownPacketsNames).value_or(config_.unknown);
    config_.mode = table.word<core::HeadMode>("mode", core::kHeadModeNames).value_or(config_.mode);
    config_.position = table.word<core::HeadPosition>("position", core::kHeadPositionNames).value_or(config_.position);
    config_.tc_attach = table.word<TcAttach>("tc_attach", kTcAttachNames).value_or(config_.tc_attach);
    read_odd_packets(table);
    config_.frames = table.number("frames", kMinFrames, kMaxFrames).value_or(config_.frames);
    config_.flows = table.number("flows", 0, kMaxFlows).value_or(config_.flows);
    config_.flow_idle_s = table.number("flow_idle_s", 1, kMaxFlowIdle).value_or(config_.flow_idle_s);
    config_.flow_tcp_idle_s = table.number("flow_tcp_idle_s", 1, kMaxFlowIdle).value_or(config_.flow_tcp_idle_s);
    config_.devices = table.number("devices", 0, kMaxDevices).value_or(config_.devices);
    config_.capture_ring_kib =
        table.number("capture_ring_kib", kMinCaptureRing, kMaxCaptureRing).value_or(config_.capture_ring_kib);
    if (!std::has_single_bit(config_.capture_ring_kib)) {
        table.mistake("capture_ring_kib", "must be a power of two");
    }
    config_.capture_buffer_kib =
        table.number("capture_buffer_kib", kMinCaptureBuffer, kMaxCaptureBuffer).value_or(config_.capture_buffer_kib);
    config_.runtime_dir = table.string("runtime_dir").value_or(config_.runtime_dir);
    if (!config_.runtime_dir.starts_with('/') || config_.runtime_dir.find('\0') != std::string::npos) {
        table.mistake("runtime_dir", "must begin with a slash");
    }
    for (ConfigTable& interface : table.tables("interface")) {
        read_interface(interface);
    }
    for (ConfigTable& hook : table.tables("hook")) {
        read_hook(hook);
    }
    for (ConfigTable& link : table.tables("link")) {
        read_link(link);
    }
    return std::move(config_);
}

void ConfigReader::read_odd_packets(ConfigTable& table) {
    core::OddPackets& odd = config_.odd_packets;
    odd.extension_headers = table.word<core::ExtensionHeaders>("extension_headers", core::kExtensionHeadersNames)
                                .value_or(odd.extension_headers);
    odd.fragments = table.word<core::Fragments>("fragments", core::kFragmentsNames).value_or(odd.fragments);
}

void ConfigReader::read_interface(ConfigTable& table) {
    table.allow_only({"name", "unknown", "mode", "position"});
    const auto name = table.required_string("name");
    const auto unknown = table.word<core::UnknownPackets>("unknown", core::kUnknownPacketsNames);
    const auto mode = table.word<core::HeadMode>("mode", core::kHeadModeNames);
    const auto position = table.word<core::HeadPosition>("position", core::kHeadPositionNames);
    if (!name) {
        return;
    }
    if (!is_name(*name, kMaxInterfaceName) || name->find('/') != std::string::npos) {
        table.mistake("name", "must be 1 to 15 visible ASCII characters without a slash");
        return;
    }
    for (const InterfaceConfig& other : config_.interfaces) {
        if (other.name == *name) {
            table.mistake("name", "'" + *name + "' is there twice");
            return;
        }
    }
    config_.interfaces.push_back(
        {*name, unknown.value_or(config_.unknown), mode.value_or(config_.mode), position.value_or(config_.position)});
}

void ConfigReader::read_hook(ConfigTable& table) {
    table.allow_only({"name", "type", "on_match", "bytecode", "filter", "run"});
    const std::size_t mistakes = mistakes_.list.size();
    HookConfig hook;
    hook.name = table.required_string("name").value_or("");
    hook.type = table.required_word<core::HeadType>("type", core::kHeadTypeNames).value_or(hook.type);
    hook.on_match = table.required_word<core::OnMatch>("on_match", core::kOnMatchNames).value_or(hook.on_match);
    hook.filter = table.string("filter");
    hook.run = table.word<core::RunsIn>("run", core::kRunsInNames).value_or(hook.run);
    if (const auto bytecode = table.required_string("bytecode")) {
        hook.program = read_bytecode(table, *bytecode);
    }
    if (hook.filter && std::any_of(hook.filter->begin(), hook.filter->end(), [](char c) {
            return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == '\x7f';
        })) {
        table.mistake("filter", "must not hold control characters");
    }
    if (!hook.name.empty() && !is_hook_name(hook.name)) {
        table.mistake("name", "must be MODULE:RULESET, each of 1 to 63 visible ASCII characters");
    }
    for (const HookConfig& other : config_.hooks) {
        if (other.name == hook.name) {
            table.mistake("name", "'" + hook.name + "' is there twice");
        }
    }
    if (mistakes_.list.size() == mistakes) {
        config_.hooks.push_back(std::move(hook));
    } else {
        broken_hooks_.insert(hook.name);
    }
}

std::vector<cbpf::Instruction> ConfigReader::read_bytecode(ConfigTable& table, const std::string& path) {
    const auto text = read_((folder_ / path).string());
    if (!text) {
        table.mistake("bytecode", text.error().line());
        return {};
    }
    auto instructions = cbpf::parse_decimal(*text);
    if (!instructions) {
        table.mistake("bytecode", path + ": " + instructions.error().message());
        return {};
    }
    if (const auto program = cbpf::Program::verify(*instructions); !program) {
        table.mistake("bytecode", path + ": " + program.error().message());
    }
    return std::move(*instructions);
}

void ConfigReader::read_link(ConfigTable& table) {
    table.allow_only({"hook", "head", "directions", "append"});
    const auto hook = table.required_string("hook");
    const auto head = table.required_string("head");
    const auto directions = table.required_directions("directions");
    const auto append = table.flag("append");
    if (hook && head && directions) {
        core::LinkRequest link{*hook, *head, *directions, append.value_or(false)};
        check_link(table, link);
        config_.links.push_back(std::move(link));
    }
}

void ConfigReader::check_link(ConfigTable& table, const core::LinkRequest& link) {
    const auto hook = std::find_if(config_.hooks.begin(), config_.hooks.end(),
                                   [&](const HookConfig& candidate) { return candidate.name == link.hook; });
    const auto type = head_type(link.head);
    if (hook == config_.hooks.end() && !broken_hooks_.contains(link.hook)) {
        table.mistake("hook", "there is no [[hook]] of that name");
    }
    if (!type) {
        table.mistake("head", "must be inet, inet6, ethernet or the name of an [[interface]]");
    }
    if (hook != config_.hooks.end() && type && hook->type != *type) {
        table.mistake("hook", "is of type " + std::string(core::name(hook->type)) + ", the head of type " +
                                  std::string(core::name(*type)));
    }
    for (const core::LinkRequest& other : config_.links) {
        for (const core::Direction direction : core::kEachDirection) {
            if (other.hook == link.hook && other.head == link.head && other.directions.has(direction) &&
                link.directions.has(direction)) {
                table.mistake("directions",
                              "it is linked there already, direction " + std::string(core::name(direction)));
            }
        }
    }
}

std::optional<core::HeadType> ConfigReader::head_type(std::string_view head) const {
    if (const auto type = core::head_type_named(head)) {
        return type;
    }
    const bool attached = std::any_of(config_.interfaces.begin(), config_.interfaces.end(),
                                      [&](const InterfaceConfig& interface) { return interface.name == head; });
    return attached ? std::optional(core::HeadType::ethernet) : std::nullopt;
}

/// The library's exceptions end here.
ConfigResult<toml::table> parse_toml(std::string_view text, const std::string& file) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& error) {
        const toml::source_position& where = error.source().begin;
        return tl::make_unexpected(
            std::vector<ConfigMistake>{{file, where.line, where.column, "", std::string(error.description())}});
    }
}

} // namespace

std::string ConfigMistake::text() const {
    std::string place = file;
    if (line != 0) {
        place += ':' + std::to_string(line) + ':' + std::to_string(column);
    }
    return place + ": " + (key.empty() ? "" : key + ": ") + reason;
}

ConfigResult<Config> parse_config(std::string_view text, const std::string& file, const FileReader& read) {
    const auto root = parse_toml(text, file);
    if (!root) {
        return tl::make_unexpected(root.error());
    }
    ConfigMistakes mistakes{file, {}};
    Config config = ConfigReader(file, read, mistakes).read_root(*root);
    if (!mistakes.list.empty()) {
        std::stable_sort(mistakes.list.begin(), mistakes.list.end(),
                         [](const ConfigMistake& a, const ConfigMistake& b) {
                             return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                         });
        return tl::make_unexpected(std::move(mistakes.list));
    }
    return config;
}

core::Result<std::string> read_file(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (error || !std::filesystem::is_regular_file(status)) {
        return error ? sys::failed("read", path, error.value())
                     : core::fail({"read", path, "it is no regular file", "", EINVAL});
    }
    if (std::filesystem::file_size(path, error) > kMaxFileSize) {
        return sys::failed("read", path, EFBIG);
    }
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (!stream.is_open() || stream.bad()) {
        return sys::failed("read", path, errno != 0 ? errno : EIO);
    }
    return content;
}

ConfigResult<Config> load_config(const std::string& file) {
    const auto text = read_file(file);
    if (!text) {
        return tl::make_unexpected(std::vector<ConfigMistake>{{file, 0, 0, "", text.error().why}});
    }
    return parse_config(*text, file, read_file);
}

} // namespace pfild
