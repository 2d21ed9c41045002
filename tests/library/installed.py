#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libcaiman as a stranger meets it: installed, found by pkg-config, its examples compiled and run.

usage: installed.py BUILD-DIR SOURCE-DIR CC

Installs BUILD-DIR into a scratch directory, compiles caiman.h as C and as C++ with all warnings,
and each program of examples/ against the shared and the static library. Prints TAP.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

SECONDS_MAX = 60  # only what hangs takes that long
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Server:
    """A program that prints the port on which it listens, and what it prints after that."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        # A server that is waited for in vain must not outlive the test.
        self.alarm = threading.Timer(SECONDS_MAX, self.process.kill)
        self.alarm.start()

    def __enter__(self):
        match = re.fullmatch(r"listening on port (\d+)\n", self.process.stdout.readline())
        self.host = "127.0.0.1:" + match.group(1)
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.alarm.cancel()

    def wait(self):
        assert self.process.wait(SECONDS_MAX) == 0, "the server failed"


class Installed:
    def __init__(self, build, source, cc, scratch):
        self.source = source
        self.cc = cc.split()
        self.scratch = scratch
        self.root = os.path.join(scratch, "root")
        run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--tags", "runtime,devel", "--destdir", self.root])
        self.package = self.relocate()
        self.libdir = self.ask_package("--variable=libdir")[0]

    def relocate(self):
        """The directory of a pkg-config file that says where the library really lies."""
        found = [os.path.join(folder, "caiman.pc") for folder, _, files in os.walk(self.root) if "caiman.pc" in files]
        assert len(found) == 1, f"{len(found)} pkg-config files"
        with open(found[0], encoding="utf-8") as source:
            text = source.read()
        package = os.path.join(self.scratch, "pkgconfig")
        os.mkdir(package)
        with open(os.path.join(package, "caiman.pc"), "w", encoding="utf-8") as out:
            out.write(re.sub(r"^prefix=", "prefix=" + self.root, text, flags=re.MULTILINE))
        return package

    def ask_package(self, *options):
        path = self.package + ":" + os.environ.get("PKG_CONFIG_PATH", "")
        return run(["pkg-config", *options, "caiman"], env=dict(os.environ, PKG_CONFIG_PATH=path)).split()

    def compile(self, name, static):
        output = os.path.join(self.scratch, name + ("-static" if static else ""))
        flags = self.ask_package("--cflags", "--libs", *(["--static"] if static else []))
        # Both libraries are there; without this the linker takes the shared one.
        flags = ["-l:libcaiman.a" if static and flag == "-lcaiman" else flag for flag in flags]
        rpath = [] if static else ["-Wl,-rpath," + self.libdir]
        program = os.path.join(self.source, "examples", name + ".c")
        run([*self.cc, "-O1", *WARNINGS, "-Wno-unused-parameter", "-o", output, program, *flags, *rpath])
        needed = run(["objdump", "-p", output])
        assert ("libcaiman.so.0" in needed) != static, "linked against the wrong library"
        return output

    def compile_header(self, compiler, standard):
        language = "c++" if "++" in standard else "c"
        program = "#include <caiman/caiman.h>\nint main (void) { CaimanConfig config; caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE); return 0; }\n"
        source = os.path.join(self.scratch, "header." + ("cc" if language == "c++" else "c"))
        with open(source, "w", encoding="utf-8") as out:
            out.write(program)
        flags = self.ask_package("--cflags", "--libs")
        run([compiler, "-std=" + standard, *WARNINGS, "-o", source + ".out", source, *flags])


# --- What each example must do ---


def check_echo(program, scratch):
    with Server([program, "server", "127.0.0.1:0"]) as server:
        for text in ("hello\nworld\n", "x" * 300000):
            assert run([program, "client", server.host], input=text) == text
            assert server.process.stdout.readline() == f"{len(text)} bytes echoed\n"


def check_file_copy(program, scratch):
    sent, received = os.path.join(scratch, "sent"), os.path.join(scratch, "received")
    data = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100000))
    with open(sent, "wb") as out:
        out.write(data)
    with Server([program, "receive", "127.0.0.1:0", received]) as server:
        assert run([program, "send", sent, server.host]) == f"{len(data)} bytes\n"
        server.wait()
    with open(received, "rb") as source:
        assert source.read() == data


def check_foreign_loop(program, scratch):
    assert run([program], input="one\ntwo\n\n") == "echo: one\necho: two\necho: \n"


def check_links(program, scratch):
    told = run([program]).splitlines()
    order = [
        "adding first",
        "client: link over first is working",
        'server: got "hello"',
        "adding second",
        "client: link over second is working",
        'server: got "over both"',
        "removing first",
        'server: got "over the second alone"',
    ]
    assert [line for line in told if line in order] == order, told
    assert "client: link over first is closed" in told, told


def check_own_transport(program, scratch):
    assert run([program]) == "1000000 bytes over two links, ended: finished\n"


def check_statistics(program, scratch):
    echo = os.path.join(scratch, "echo")
    with Server([echo, "server", "127.0.0.1:0"]) as server:
        told = run([program, server.host], input="x" * 500000)
    assert "link lo is working\n" in told, told
    assert "\nsent 500000, 0 of it not acknowledged, received 500000\n" in told, told
    assert re.search(r"^  lo +closed +sent 500000 resent 0 ", told, re.MULTILINE), told


EXAMPLES = [
    ("echo", check_echo),
    ("file-copy", check_file_copy),
    ("foreign-loop", check_foreign_loop),
    ("links", check_links),
    ("own-transport", check_own_transport),
    ("statistics", check_statistics),
]


def cases_of(installed):
    for compiler, standard in (("gcc", "c11"), ("clang", "c11"), ("g++", "c++11"), ("clang++", "c++11")):
        name = f"/library/header/{compiler}-{standard}"
        if shutil.which(compiler):
            yield name, lambda c=compiler, s=standard: installed.compile_header(c, s)
        else:
            yield name + f" # SKIP {compiler} is not installed", None
    names = sorted(name[:-2] for name in os.listdir(os.path.join(installed.source, "examples")) if name.endswith(".c"))
    yield "/library/examples/all-are-here", lambda: compare(names, sorted(name for name, _ in EXAMPLES))
    for static in (False, True):
        for name, check in EXAMPLES:
            kind = "static" if static else "shared"
            yield f"/library/examples/{kind}/{name}", lambda n=name, c=check, s=static: c(
                installed.compile(n, s), installed.scratch
            )


def compare(found, expected):
    assert found == expected, f"{found} instead of {expected}"


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        installed = Installed(*arguments, scratch)
        number = 0
        for number, (name, case) in enumerate(cases_of(installed), 1):
            try:
                if case:
                    case()
                print(f"ok {number} {name}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError, AttributeError) as error:
                failed += 1
                print(f"not ok {number} {name}\n# " + str(error).replace("\n", "\n# "), flush=True)
        print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
