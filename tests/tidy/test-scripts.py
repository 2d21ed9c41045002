#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the scripts that judge: a wrong sum or a blind check would let everything else rot."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "ci"), os.path.join(ROOT, "tests", "tidy")]

import coverage  # noqa: E402
import tidy  # noqa: E402

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* x.c - a module. */\n"


class Scratch(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text):
        full = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as out:
            out.write(text)
        return full


class Summary(Scratch):
    def sum_up(self, tests, status=0):
        log = self.write("testlog.json", "".join(json.dumps(test) + "\n" for test in tests))
        command = [os.path.join(ROOT, "ci", "summary.py"), log, "--meson-status", str(status)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()

    def test_cases_of_tap_and_plain_tests(self):
        tap = "TAP version 13\n# start\nok 1 /a/b\nok 2 /a/c # SKIP no root\nok 3 /a/d\n1..3\n"
        tests = [
            {"name": "caiman:core / rtt", "result": "OK", "stdout": tap},
            {"name": "caiman:tidy / format", "result": "OK", "stdout": "fine"},
            {"name": "caiman:tidy / man", "result": "SKIP", "stdout": ""},
        ]
        status, lines = self.sum_up(tests)
        self.assertEqual(status, 0)
        self.assertEqual(lines[-1], "3 passed, 0 failed, 2 skipped")
        self.assertIn("  core         2 passed, 0 failed, 1 skipped", lines)

    def test_failed_cases(self):
        tap = "ok 1 /a\nnot ok 2 /b\nnot ok 3 /c\n    not ok 1 nested\n"
        status, lines = self.sum_up([{"name": "x", "result": "FAIL", "stdout": tap}], 1)
        self.assertEqual((status, lines[-1]), (1, "1 passed, 2 failed"))

    def test_a_crash_counts_though_all_printed_cases_passed(self):
        for result in ("ERROR", "TIMEOUT", "FAIL", "INTERRUPT", "UNEXPECTEDPASS"):
            status, lines = self.sum_up([{"name": "x", "result": result, "stdout": "ok 1 /a\n"}], 1)
            self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_no_tests_is_a_failure(self):
        self.assertEqual(self.sum_up([])[0], 1)
        self.assertEqual(self.sum_up([])[1][-1], "0 passed, 1 failed")

    def test_a_failed_run_counts_though_no_test_did(self):
        status, lines = self.sum_up([{"name": "x", "result": "OK", "stdout": ""}], 2)
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))


class Coverage(unittest.TestCase):
    def test_an_assertion_over_several_lines_is_left_out(self):
        text = 'f ();\ng_assert (a (")") &&\n          (b || c));\nif (d)\n'
        branch = {"count": 0, "fallthrough": False, "throw": False}
        lines = [{"line_number": n, "count": 1, "branches": [branch, dict(branch, count=3)]} for n in range(1, 5)]
        self.assertEqual(coverage.statement_lines(text, coverage.ASSERTION), {2, 3})
        self.assertEqual(coverage.count_file({"lines": lines}, text), [4, 4, 4, 2])

    def test_an_unreachable_line_is_left_out(self):
        lines = [{"line_number": n, "count": 0, "branches": []} for n in (1, 2)]
        self.assertEqual(coverage.count_file({"lines": lines}, "x ();\ng_assert_not_reached ();\n"), [1, 0, 0, 0])

    def test_a_bar_that_is_not_met(self):
        folders = {"core": [100, 95, 100, 74]}
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertFalse(coverage.check_bars(folders, {}, ["core:90:75"]))
            self.assertTrue(coverage.check_bars(folders, {}, ["core:90:74"]))
            self.assertFalse(coverage.check_bars(folders, {}, ["sim:0:0"]))


class Tidy(Scratch):
    def problems(self, path, text):
        self.write(path, text)
        with contextlib.redirect_stdout(io.StringIO()):
            found = tidy.check_tree(self.folder.name)
        return [message for where, _, message in found if where == path]

    def assert_problem(self, path, text, part):
        found = self.problems(path, text)
        self.assertTrue(any(part in message for message in found), found)

    def test_a_tidy_file(self):
        self.assertEqual(self.problems("core/x.c", HEAD + '#include "core/y.h"\n#include <glib.h>\n'), [])

    def test_layers(self):
        for path, header in (
            ("core/x.c", '"sim/path.h"'),
            ("transports/x.c", '"sim/path.h"'),
            ("sim/x.c", '"harness/scenario.h"'),
            ("reports/x.c", '"core/types.h"'),
            ("harness/x.c", "<sqlite3.h>"),
            ("core/x.c", "<gio/gio.h>"),
            ("core/link.c", "<sodium.h>"),
            ("sim/x.c", "<sys/socket.h>"),
            ("core/x.c", '"types.h"'),
            ("core/x.h", '"../core/types.h"'),
        ):
            self.assert_problem(path, HEAD + f"#include {header}\n", "include" if '"' in header else "must not use")
            os.remove(os.path.join(self.folder.name, path))

    def test_headers_that_are_installed(self):
        self.write("core/y.h", HEAD + "#pragma once\n")
        self.write("sim/y.h", HEAD + "#pragma once\n")
        text = HEAD + "#pragma once\n#include "
        self.assertEqual(self.problems("transports/x.h", text + '"../core/y.h"\n'), [])
        self.assertEqual(self.problems("core/x.h", text + '"y.h"\n'), [])
        self.assert_problem("transports/x.h", text + '"../sim/y.h"\n', "must not include sim/")

    def test_purity(self):
        self.assert_problem("core/x.c", HEAD + "int x = g_get_monotonic_time ();\n", "g_get_monotonic_time")
        self.assertEqual(self.problems("core/x.c", HEAD + "/* not g_get_real_time () */\n"), [])

    def test_quark_names(self):
        self.assert_problem("sim/x.c", HEAD + "G_DEFINE_QUARK (a - error - quark, a_error)\n", "quark")
        self.assertEqual(self.problems("sim/x.c", HEAD + "G_DEFINE_QUARK (a_error_quark, a_error)\n"), [])

    def test_text(self):
        self.assert_problem("core/x.c", "int x;\n", "first line")
        self.assert_problem("core/x.h", HEAD, "pragma")
        self.assert_problem("a.md", "trailing \n", "white space")
        self.assert_problem("a.md", "TO" + "DO later\n", "unfinished")
        self.assert_problem("a.md", "see /ho" + "me/someone\n", "path of one machine")
        self.assert_problem("a.md", "no newline", "no newline")
        self.assert_problem("run.sh", "#!/bin/sh\necho\n", "script begins")

    def test_links(self):
        self.write("b.md", "# A heading: here\n")
        self.assertEqual(self.problems("a.md", "[b](b.md#a-heading-here) `[c](c.md)` [w](https://a.b)\n"), [])
        self.assert_problem("a.md", "[c](c.md)\n", "not there: c.md")
        self.assert_problem("a.md", "[b](b.md#other)\n", "not there: b.md#other")

    def test_sizes(self):
        body = "  x ();\n" * (tidy.FUNCTION_LINES_MAX + 1)
        long = HEAD + "static void\nrun (int a)\n{\n" + body + "}\n"
        self.assert_problem("tools/x.c", long, "function of 121 lines")
        self.write("tests/tidy/exceptions", "tools/x.c:run a table\n")
        self.assertEqual(self.problems("tools/x.c", long), [])
        self.assert_problem("tests/tidy/exceptions", "tools/x.c:run\n", "no reason")
        self.assert_problem("tests/tidy/exceptions", "tools/x.c:gone a table\n", "needs no exception")
        self.assert_problem("tools/y.c", HEAD + "\n" * tidy.FILE_LINES_MAX, "file of 902 lines")


class Quickstart(unittest.TestCase):
    def run_it(self, *arguments):
        command = [os.path.join(ROOT, "quickstart"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    def test_help_and_usage(self):
        self.assertEqual(self.run_it("help").returncode, 0)
        for arguments in (("tset",), ("test", "more")):
            done = self.run_it(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("usage: ./quickstart", done.stderr)

    def test_package_list(self):
        script = (
            'source <(sed "/^main /d; s,^cd .*,," quickstart); packages_in build; echo --;'
            "packages_in test; echo --; packages_missing dpkg no-such-package"
        )
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        build, test, missing = (part.split() for part in done.stdout.split("--\n"))
        self.assertIn("libglib2.0-dev", build)
        self.assertIn("gcovr", test)
        self.assertFalse(set(build) & set(test))
        if os.path.exists("/usr/bin/dpkg-query"):
            self.assertEqual(missing, ["no-such-package"])


class Completion(unittest.TestCase):
    def complete(self, *words):
        script = 'source data/completions/caiman; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _caiman; printf "%s\\n" "${COMPREPLY[@]}"'
        command = ["bash", "-c", script, "bash", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_words(self):
        self.assertEqual(self.complete("caiman", "re"), ["replay", "report"])
        self.assertEqual(self.complete("caiman", "plot", "lost"), ["lost-time"])
        self.assertEqual(self.complete("caiman", "report", "--format", "m"), ["md"])
        self.assertIn("--junit", self.complete("caiman", "run", "--j"))
        self.assertEqual(self.complete("caiman", "version", ""), [])
        self.assertEqual(self.complete("caiman", "run", "--policy", "round"), ["round-robin"])

    def test_the_man_page_names_every_command_and_option(self):
        with open(os.path.join(ROOT, "docs/man/caiman.1"), encoding="utf-8") as page:
            text = page.read()
        verbs = self.complete("caiman", "")
        self.assertIn("run", verbs)
        for verb in verbs:
            self.assertIn(f"\n.It Cm {verb}\n", text)
            for option in self.complete("caiman", verb, "-"):
                self.assertRegex(text, rf"\n\.It Fl (\w , )?{option[1:]}\b", f"{verb} {option}")


if __name__ == "__main__":
    unittest.main()
