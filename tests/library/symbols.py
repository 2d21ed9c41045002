#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libcaiman exports, held against what its headers declare.

usage: symbols.py check MAP LIBRARY HEADER...   the three must agree; the difference is printed
       symbols.py update MAP HEADER...          writes the symbol map that the headers ask for

A symbol that goes away breaks programs that are linked already, so the map is checked in, and a
change of it shows in review.
"""

import re
import subprocess
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
INLINE = re.compile(r"^static inline\b.*?^}", re.DOTALL | re.MULTILINE)
MACRO = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
TYPE_BODY = re.compile(r"\{[^{}]*\}")
FUNCTION = re.compile(r"\b(caiman_\w+) \((?!\*)")
VARIABLE = re.compile(r"^extern\b[^;(]*?\b(caiman_\w+)\s*(?:\[[^\]]*\])?;", re.MULTILINE)
DECLARED_TYPE = re.compile(r"^G_DECLARE_(?:FINAL|DERIVABLE)_TYPE \(\w+,\s*(caiman_\w+),", re.MULTILINE)


def declared_in(text):
    """The functions and variables that the C header @text declares."""
    text = MACRO.sub("", INLINE.sub("", COMMENT.sub("", text)))
    names = {name + "_get_type" for name in DECLARED_TYPE.findall(text)}
    text = re.sub(r"^G_DE(?:CLARE|FINE)_\w+ \([^)]*\)", "", text, flags=re.MULTILINE)
    names.update(VARIABLE.findall(text))
    while TYPE_BODY.search(text):
        text = TYPE_BODY.sub("", text)
    return names | set(FUNCTION.findall(text))


def declared(headers):
    names = set()
    for header in headers:
        with open(header, encoding="utf-8") as source:
            names |= declared_in(source.read())
    return names


def mapped(path):
    """The global symbols of the linker's version script at @path."""
    with open(path, encoding="utf-8") as source:
        text = COMMENT.sub("", source.read())
    public = re.search(r"global:(.*?)local:", text, re.DOTALL).group(1)
    return set(public.replace(";", " ").split())


def exported(library):
    command = ["nm", "--dynamic", "--defined-only", "--format=posix", library]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split("@")[0].split()[0] for line in lines if line.split()[1] != "A"}


def complain(names, what):
    for name in sorted(names):
        print(f"{name} {what}")
    return bool(names)


def check(map_path, library, headers):
    in_map, in_library, in_headers = mapped(map_path), exported(library), declared(headers)
    wrong = complain(in_headers - in_map, "is declared in a public header and not in the symbol map")
    wrong |= complain(in_map - in_headers, "is in the symbol map and no public header declares it")
    wrong |= complain(in_map - in_library, "is in the symbol map and not in the library")
    wrong |= complain(in_library - in_map, "is exported and not in the symbol map")
    if wrong:
        print("`ninja libcaiman-map` writes the map that goes with the headers (docs/library.md)")
    else:
        print(f"{len(in_map)} symbols")
    return 1 if wrong or not in_map else 0


def update(map_path, headers):
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 */",
        "/* libcaiman.map - all symbols that libcaiman exports; everything else stays hidden. */",
        "CAIMAN_0 {",
        "global:",
        *(f"  {name};" for name in sorted(declared(headers))),
        "local:",
        "  *;",
        "};",
    ]
    with open(map_path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return 0


def main(arguments):
    if len(arguments) > 3 and arguments[0] == "check":
        return check(arguments[1], arguments[2], arguments[3:])
    if len(arguments) > 2 and arguments[0] == "update":
        return update(arguments[1], arguments[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
