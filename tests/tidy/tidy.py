#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tidy checks that no compiler makes: layers, the core's purity, headers, links, size.

usage: tidy.py [ROOT]

Prints what is wrong as file:line: message and ends with status 1 if there is anything. The longest
functions and files are printed, and only a hard cap on them is an error; tests/tidy/exceptions
lists what may be longer, each with its reason.
"""

import os
import re
import subprocess
import sys

FILE_LINES_MAX = 900
FUNCTION_LINES_MAX = 120
SHOWN = 10

# Which folders the files of a folder may include (the arrows in docs/ARCHITECTURE.md).
LAYERS = {
    "core": {"core"},
    "transports": {"transports", "core"},
    "sim": {"sim", "transports", "core"},
    "lab": {"lab", "sim", "transports", "core"},
    "reports": {"reports"},
    "config": {"config", "core"},
    "apps": {"apps", "config", "reports", "transports", "core"},
    "harness": {"harness", "config", "lab", "reports", "sim", "transports", "core"},
}
# Libraries that only some files may include: header pattern, what it is, files that may.
LIBRARIES = [
    (re.compile(r"sqlite3\.h"), "SQLite", re.compile(r"(reports|tests|tools|bench)/")),
    (re.compile(r"sodium"), "libsodium", re.compile(r"core/(crypto|digest)\.c$|(?!core/)")),
    (re.compile(r"gio/|glib-unix"), "GIO", re.compile(r"(?!core/|sim/)")),
    (
        re.compile(r"(sys/|netinet/|arpa/|pthread|unistd|time\.h|poll\.h|math\.h)"),
        "the operating system",
        re.compile(r"(?!core/|sim/)"),
    ),
]
# clang-format takes the dashes of an unquoted name for minus signs, and the spaces get into the name.
SPLIT_NAME = re.compile(r"\bG_DEFINE_QUARK \(.* - ")
IMPURE = re.compile(
    r"\b(g_get_monotonic_time|g_get_real_time|g_date_time_new_now\w*|g_random_\w+|g_rand_new\w*"
    r"|clock_gettime|gettimeofday|rand|random|randombytes\w*|getenv|g_getenv|g_thread_\w+|g_file_\w+)\s*\("
)
# The one place where the core turns to the system for chance: the source that production injects.
IMPURE_ALLOWED = {("core/crypto.c", "randombytes_buf")}
# Written so that the pattern does not match itself.
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
HOME = re.compile(r"/(?:home|Users)/[A-Za-z0-9_]|/r[o]ot/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
LINK = re.compile(r"\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$")
SPDX = "SPDX-License-Identifier: Apache-2.0"
SCRIPTS = (".py", ".sh")


class Tidy:
    def __init__(self, root):
        self.root = root
        self.problems = []

    def problem(self, path, line, message):
        self.problems.append((path, line, message))

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as source:
            return source.read()


def find_files(root):
    """All files of the tree: what git knows or would add, or without git all but builds."""
    try:
        command = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, files in os.walk(root):
            builds = [f for f in folders if os.path.exists(os.path.join(folder, f, "meson-private"))]
            folders[:] = [f for f in folders if f not in (".git", "__pycache__", *builds)]
            names += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(name for name in names if name and os.path.isfile(os.path.join(root, name)))


def without_comments(text):
    """@text with comments and strings blanked, line numbers kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def check_includes(tidy, path, text):
    folder = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        if quote == '"':
            check_layer(tidy, path, number, folder, header)
        for pattern, name, allowed in LIBRARIES:
            if quote == "<" and pattern.match(header) and not allowed.match(path):
                tidy.problem(path, number, f"{folder}/ must not use {name} ({header})")


def check_layer(tidy, path, number, folder, header):
    relative = "/" not in header or header.startswith("../")
    if relative:
        # Headers are installed in these same folders, so among themselves they go by relative names.
        beside = os.path.normpath(os.path.join(os.path.dirname(path), header))
        if not path.endswith(".h") or not os.path.exists(os.path.join(tidy.root, beside)):
            tidy.problem(path, number, f'includes are by path from the root, not "{header}"')
            return
        header = beside
    target = header.split("/")[0]
    if folder in LAYERS and "/" in header and target not in LAYERS[folder]:
        tidy.problem(path, number, f"{folder}/ must not include {target}/ ({header})")


def check_purity(tidy, path, text):
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        for match in IMPURE.finditer(line):
            if (path, match.group(1)) not in IMPURE_ALLOWED:
                tidy.problem(path, number, f"{path.split('/')[0]}/ takes time, chance and input as arguments: {match.group(1)}")


def functions_of(text):
    """(name, first line, number of lines) of each function: with this layout, { and } at column 0."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            head = next((i for i in range(start - 2, -1, -1) if re.match(r"\w+ \(", lines[i])), start - 1)
            yield re.match(r"\w*", lines[head]).group(0), head + 1, number - start - 1
            start = None


def check_c(tidy, path, text, sizes):
    if text.split("\n", 1)[0] != f"/* {SPDX} */":
        tidy.problem(path, 1, f"the first line must be /* {SPDX} */")
    lines = text.splitlines()
    if len(lines) < 2 or not lines[1].startswith("/* "):
        tidy.problem(path, 2, "the second line must begin the comment that says what the module is for")
    if path.endswith(".h") and "#pragma once" not in lines:
        tidy.problem(path, 1, "a header needs #pragma once")
    for number, line in enumerate(lines, 1):
        if SPLIT_NAME.search(line):
            tidy.problem(path, number, "the name of the quark has spaces in it: use underscores")
    check_includes(tidy, path, text)
    if path.startswith(("core/", "sim/")):
        check_purity(tidy, path, text)
    sizes["file"].append((len(lines), path, 1, path))
    for name, line, length in functions_of(text):
        sizes["function"].append((length, path, line, f"{path}:{name}"))


def check_script(tidy, path, text):
    lines = text.splitlines()
    if SPDX not in "\n".join(lines[:2]):
        tidy.problem(path, 2, f"a script begins with its interpreter and # {SPDX}")


def check_text(tidy, path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() and path != "LICENSE":
            tidy.problem(path, number, "white space at the end of the line")
        if UNFINISHED.search(line):
            tidy.problem(path, number, "unfinished: plans belong in issues")
        if HOME.search(line) or os.path.abspath(tidy.root) + "/" in line:
            tidy.problem(path, number, "names a path of one machine")
    if text and not text.endswith("\n"):
        tidy.problem(path, text.count("\n") + 1, "no newline at the end of the file")


def anchors_of(text):
    """The anchors that a Markdown file's headings get."""
    found = set()
    for line in text.splitlines():
        match = HEADING.match(line)
        if match:
            title = re.sub(r"[^\w\- ]", "", match.group(1).lower())
            found.add(title.replace(" ", "-"))
    return found


def check_markdown(tidy, path, text):
    text = re.sub(r"^( *)```.*?^ *```", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    for number, line in enumerate(text.splitlines(), 1):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            linked = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            if not os.path.exists(os.path.join(tidy.root, linked)):
                tidy.problem(path, number, f"link to a file that is not there: {target}")
            elif anchor and linked.endswith(".md") and anchor not in anchors_of(tidy.read(linked)):
                tidy.problem(path, number, f"link to a heading that is not there: {target}")


def read_exceptions(tidy):
    """The names in tests/tidy/exceptions, a name and its reason per line."""
    path = "tests/tidy/exceptions"
    names = {}
    if not os.path.exists(os.path.join(tidy.root, path)):
        return names
    for number, line in enumerate(tidy.read(path).splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, _, reason = line.partition(" ")
        if not reason.strip():
            tidy.problem(path, number, f"{name} has no reason")
        names[name] = number
    return names


def check_sizes(tidy, sizes):
    exceptions = read_exceptions(tidy)
    unused = dict(exceptions)
    for kind, limit in (("function", FUNCTION_LINES_MAX), ("file", FILE_LINES_MAX)):
        sizes[kind].sort(key=lambda size: (-size[0], size[3]))
        print(f"# longest {kind}s (more than {limit} lines is an error)")
        for length, _, _, name in sizes[kind][:SHOWN]:
            print(f"#   {length:5} {name}")
        for length, path, line, name in sizes[kind]:
            if length > limit and name not in exceptions:
                tidy.problem(path, line, f"{kind} of {length} lines, at most {limit} without an exception")
            elif length > limit:
                unused.pop(name, None)
    for name, number in unused.items():
        tidy.problem("tests/tidy/exceptions", number, f"{name} needs no exception")


def check_tree(root):
    """Checks the tree at @root and returns the problems as (path, line, message)."""
    tidy = Tidy(root)
    sizes = {"function": [], "file": []}
    for path in find_files(root):
        if "/corpus/" in path:
            continue
        try:
            text = tidy.read(path)
        except UnicodeDecodeError:
            continue
        check_text(tidy, path, text)
        if path.endswith((".c", ".h")):
            check_c(tidy, path, text, sizes)
        elif path.endswith(SCRIPTS) or text.startswith("#!"):
            check_script(tidy, path, text)
        elif path.endswith(".md"):
            check_markdown(tidy, path, text)
    check_sizes(tidy, sizes)
    return sorted(set(tidy.problems))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    problems = check_tree(root)
    for path, line, message in problems:
        print(f"{path}:{line}: {message}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
