// SPDX-License-Identifier: BSD-2-Clause
// See control/manual.h.
#include "control/manual.h"

#include <algorithm>

#include "control/message.h"
#include "control/verbs.h"
#include "describe/describe.h"
#include "describe/json.h"
#include "describe/manual.h"

namespace pfild::control {
namespace {

using describe::Shape;

/// Each once, in the order of the verbs that need them; those without fields say nothing.
void add(std::vector<const Shape*>& shapes, const Shape& shape) {
    if (!shape.fields().empty() && std::find(shapes.begin(), shapes.end(), &shape) == shapes.end()) {
        shapes.push_back(&shape);
    }
}

std::string link_to(const Shape& shape) { return shape.fields().empty() ? "–" : '`' + std::string(shape.name()) + '`'; }

std::string replaced(std::string text, const std::string& name, const std::string& made) {
    const std::size_t begin = text.find("<!-- " + name + ": made");
    const std::size_t from = begin == std::string::npos ? begin : text.find("-->\n", begin);
    const std::size_t end = from == std::string::npos ? from : text.find("<!-- " + name + ": end -->", from);
    return end == std::string::npos ? text : text.replace(from + 4, end - from - 4, made);
}

} // namespace

std::string verb_table() {
    std::string table = "| verb | what it does | arguments | result | who |\n| --- | --- | --- | --- | --- |\n";
    for (const Verb& verb : verbs()) {
        table += "| `" + std::string(verb.name) + "` | " + std::string(verb.sentence) + " | " +
                 link_to(verb.request()) + " | " + link_to(verb.answer()) + " | " +
                 (verb.who == Who::kReaders ? "group pfild" : "root") + (verb.streams ? ", goes on" : "") +
                 (verb.most_bytes != 0 ? ", in memory up to " + std::to_string(verb.most_bytes) + " bytes" : "") +
                 " |\n";
    }
    return table;
}

std::string object_tables() {
    std::vector<const Shape*> shapes;
    for (const Verb& verb : verbs()) {
        add(shapes, verb.request());
    }
    for (const Verb& verb : verbs()) {
        add(shapes, verb.answer());
        for (const Shape* const inner : describe::shapes_within(verb.answer())) {
            add(shapes, *inner);
        }
    }
    add(shapes, describe::shape_of<ErrorView>());
    std::string text;
    for (const Shape* const shape : shapes) {
        text += "### " + std::string(shape->name()) + '\n' + std::string(shape->sentence()) + "\n\n" +
                describe::field_table(*shape) + '\n';
    }
    return text;
}

std::string with_made_parts(std::string text) {
    return replaced(replaced(std::move(text), "verbs", verb_table()), "objects", object_tables());
}

std::vector<std::pair<std::string, std::string>> schema_files() {
    std::vector<std::pair<std::string, std::string>> files;
    const auto add_file = [&files](const std::string& title, const Shape& shape) {
        files.emplace_back(title + ".json", json_page(describe::schema_document(shape, title)) + '\n');
    };
    for (const Verb& verb : verbs()) {
        add_file(std::string(verb.name) + ".arguments", verb.request());
        add_file(std::string(verb.name) + ".result", verb.answer());
    }
    add_file("error", describe::shape_of<ErrorView>());
    return files;
}

} // namespace pfild::control
