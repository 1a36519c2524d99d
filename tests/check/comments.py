# SPDX-License-Identifier: BSD-2-Clause
"""What a file says to people: all of a page, of code its comments, of Python its docstrings too. As (line number, text)."""
import io
import re
import tokenize

import sources as source_tree

BLOCK = re.compile(r"/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
OPENS_A_STATEMENT = (tokenize.ENCODING, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)


def numbered(text, first=1):
    return list(enumerate(text.splitlines(), first))


def of_c(text):
    bare = STRING.sub(lambda found: '"' + " " * (len(found[0]) - 2) + '"', text)  # no comment begins in a string
    for block in BLOCK.finditer(bare):
        yield from numbered(text[block.start() : block.end()], bare.count("\n", 0, block.start()) + 1)
    without = BLOCK.sub(lambda found: "\n" * found[0].count("\n"), bare)
    for number, line in numbered(without):
        if "//" in line:
            yield number, line[line.index("//") :]


def of_python(text):
    before = tokenize.ENCODING
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and before in OPENS_A_STATEMENT):
                yield from numbered(token.string, token.start[0])
            before = token.type
    except (tokenize.TokenError, IndentationError):
        return  # check_scripts says so


def of_script(text):
    for number, line in numbered(text):
        if re.match(r"\s*#(?!!)", line):
            yield number, line


def said_in(sources, path):
    text = sources.text(path)
    if path.endswith(".md"):
        return numbered(text)
    if path.endswith(source_tree.CODE_SUFFIXES):
        return list(of_c(text))
    if path.endswith(".py"):
        return list(of_python(text))
    if re.search(r"\.(cmake|toml|sh|in)$|(^|/)(CMakeLists\.txt|\.clang-[a-z]+)$|^scripts/[^.]+$", path):
        return list(of_script(text))
    return []
