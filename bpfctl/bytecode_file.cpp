// SPDX-License-Identifier: BSD-2-Clause
// See bytecode_file.h.
#include "bpfctl/bytecode_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cbpf/text.h"

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kLargest = 1 << 20; ///< bytes; 512 instructions need 20 KiB

struct CloseFile {
    void operator()(std::FILE* file) const noexcept {
        if (file != stdin) {
            std::fclose(file); // NOLINT(cppcoreguidelines-owning-memory): this is the owner
        }
    }
};

tl::unexpected<core::Error> refuse(const std::string& path, std::string why, std::string advice, int code) {
    return core::fail({"bytecode", path == "-" ? "standard input" : path, std::move(why), std::move(advice), code});
}

} // namespace

core::Result<std::vector<cbpf::Instruction>> read_bytecode(const std::string& path) {
    const std::unique_ptr<std::FILE, CloseFile> file(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
    if (!file) {
        return refuse(path, std::strerror(errno), "", errno); // NOLINT(concurrency-mt-unsafe): one thread
    }
    std::string text(kLargest + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        return refuse(path, std::strerror(errno), "", errno); // NOLINT(concurrency-mt-unsafe): one thread
    }
    if (text.size() > kLargest) {
        return refuse(path, "it is longer than " + std::to_string(kLargest) + " bytes", "is it bytecode?", EFBIG);
    }
    auto program = cbpf::parse(text);
    if (!program) {
        return refuse(path, program.error().message(), "it must be what `tcpdump -d`, -dd or -ddd prints", EINVAL);
    }
    return std::move(program->instructions);
}

} // namespace pfild::bpfctl
