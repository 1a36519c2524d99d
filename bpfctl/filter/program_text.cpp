// SPDX-License-Identifier: BSD-2-Clause
// See program_text.h.
#include "bpfctl/filter/program_text.h"

namespace pfild::bpfctl {

void ProgramForm::declare(CLI::App& app, Options& options) {
    const auto note = [this, &options](std::int64_t count) { flags = options.forms = static_cast<int>(count); };
    app.add_flag_function("-d", note,
                          "a listing (so without); -dd: as C; -ddd: as decimal numbers; just as tcpdump prints");
}

Outcome<cbpf::TextForm> ProgramForm::form(std::string_view verb) const {
    constexpr int kForms = static_cast<int>(cbpf::kTextFormNames.size());
    if (flags > kForms) {
        return usage_failure(verb, "-d: there are -d, -dd and -ddd");
    }
    return static_cast<cbpf::TextForm>(flags == 0 ? 0 : flags - 1);
}

cbpf::TextForm form_of(const Options& options) {
    return static_cast<cbpf::TextForm>(options.forms == 0 ? 0 : options.forms - 1);
}

Json rows_of(std::span<const cbpf::Instruction> instructions) {
    Json rows = Json::array();
    for (const cbpf::Instruction& in : instructions) {
        rows.push_back(Json::array({in.code, in.jt, in.jf, in.k}));
    }
    return rows;
}

Json json_of_program(std::span<const cbpf::Instruction> instructions) {
    Json listing = Json::array();
    for (std::size_t number = 0; number < instructions.size(); ++number) {
        listing.push_back(cbpf::listing_line(instructions[number], number));
    }
    return {{"instructions", rows_of(instructions)}, {"listing", std::move(listing)}};
}

} // namespace pfild::bpfctl
