// SPDX-License-Identifier: BSD-2-Clause
// See heads.h.
#include "bpfctl/text/heads.h"

#include "bpfctl/fields.h"
#include "bpfctl/text/table.h"

namespace pfild::bpfctl {

std::string heads_text(const Json& heads) {
    Table table(std::vector<Align>(6, Align::kLeft));
    table.add({"Head", "Type", "DLT", "Dir", "Hook", "Covers"});
    for (const Json& head : heads) {
        table.add({text(head, "name"), text(head, "type"), text(head, "dlt"), "", "",
                   cut(joined(texts(head, "covers"), "nothing attached"), kWidestExcerpt)});
        for (const std::string& hook : texts(head, "in")) {
            table.add({"", "", "", "In", hook});
        }
        for (const std::string& hook : texts(head, "out")) {
            table.add({"", "", "", "Out", hook});
        }
    }
    return table.str();
}

} // namespace pfild::bpfctl
