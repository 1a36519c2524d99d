# SPDX-License-Identifier: BSD-2-Clause
"""Files, functions and parameter lists stay small enough to be understood at once.

Functions are found by their indentation, which check_format.py guarantees: a definition opens with a line that ends in "{" and
closes at the first "}" that stands in the column of its first line.
"""
import re

import sources as source_tree

SOURCE_LINES = 600
HEADER_LINES = 250
FUNCTION_LINES = 80
BPF_ENTRY_LINES = 60
PARAMETERS = 6

# The switch over all instructions is one function by nature.
LONG_FUNCTIONS = {("cbpf/interpret.cpp", "interpret")}

NOT_A_FUNCTION = re.compile(
    r"^(if|for|while|switch|do|else|try|catch|return|case|default|namespace|class|struct|enum|union|extern \"C\""
    r"|#|//|/\*|\*|\[|\}|static_assert|template <[^>]*> (class|struct))\b|=\s*\{$|\[[^\]]*\]\s*(\([^()]*\))?[^()]*\{$"
)
ENTRY = re.compile(r"\bSEC\(")


def is_source(path):
    """Headers that hold BPF or code shared with it count as sources."""
    return not path.endswith(".h") or path.startswith("bpf/")


def file_limit(path):
    return SOURCE_LINES if is_source(path) else HEADER_LINES


def without_noise(line):
    """The line without string contents and comments, so that braces in them do not count."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    line = re.sub(r"'(\\.|[^'\\])'", "' '", line)
    return re.sub(r"//.*|/\*.*?\*/", "", line).rstrip()


def ends_statement(line):
    """Does a new declaration begin after this line?"""
    ended = line == "" or line.endswith((";", "}", "{", ":")) or line.lstrip().startswith("#")
    return ended and not line.endswith("::")


def signature(lines, opening):
    """The declaration that ends in the line `opening`, as one line, and the index of its first line."""
    first = opening
    closed = 0  # parentheses that are closed, but not opened, in what was read so far from the back
    while first >= 0:
        closed += lines[first].count(")") - lines[first].count("(")
        if first == 0 or (closed <= 0 and ends_statement(lines[first - 1])):
            break
        first -= 1
    return " ".join(line.strip() for line in lines[first : opening + 1]), first


def parameter_list(text):
    """What stands between the parentheses of a function: the first pair behind a name, macros such as SEC(..) aside."""
    text = re.sub(r"^(?:SEC|__attribute__|alignas)\s*\(+[^()]*\)+\s*", "", text)
    start = text.find("(")
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start + 1 : at]
    return ""


def count_parameters(text):
    inside = parameter_list(text)
    nested = re.compile(r"\([^()]*\)|<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]")
    while nested.search(inside):
        inside = nested.sub("", inside)
    return 0 if inside.strip() in ("", "void") else inside.count(",") + 1


def functions(text):
    """(name, first line, lines, parameters, is a BPF entry) of each function definition."""
    lines = [without_noise(line) for line in text.splitlines()]
    for opening, line in enumerate(lines):
        if not line.endswith("{"):
            continue
        declared, first = signature(lines, opening)
        named = re.search(r"([~\w:]+)\s*\(", re.sub(r"^SEC\([^)]*\)\s*", "", declared))
        if not named or NOT_A_FUNCTION.search(declared):
            continue
        indent = len(lines[first]) - len(lines[first].lstrip())
        closing = next((at for at in range(opening + 1, len(lines)) if lines[at].startswith(" " * indent + "}")), opening)
        length = closing - first + 1
        yield named[1], first + 1, length, count_parameters(declared), bool(ENTRY.search(declared))


def function_violations(path, text):
    found = []
    for name, first, length, parameters, is_entry in functions(text):
        limit = BPF_ENTRY_LINES if is_entry else FUNCTION_LINES
        if length > limit and (path, name.rsplit("::", 1)[-1]) not in LONG_FUNCTIONS:
            found.append(f"{path}:{first}: {name} has {length} lines, more than {limit}")
        if parameters > PARAMETERS:
            found.append(f"{path}:{first}: {name} has {parameters} parameters, more than {PARAMETERS}")
    return found


def violations(sources):
    found = []
    for path in sources.code():
        length = len(sources.lines(path))
        if length > file_limit(path):
            found.append(f"{path}:1: {length} lines, more than {file_limit(path)}")
        found += function_violations(path, sources.text(path))
    return found


if __name__ == "__main__":
    source_tree.main(violations)
