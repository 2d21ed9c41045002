#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a report takes to write and to open, and how large it is, as a table in Markdown.

usage: report.py [--repeat N] [--runs N,N,...] BUILD

Makes databases of so many runs (default 100, 1000, 10000) out of a few that were simulated, lets
BUILD/tools/caiman write the report, and opens it in a headless Chromium. "open" is from the request
of the file until its scripts have run and the plots in view are drawn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "reports"))

import browser  # noqa: E402
import campaign  # noqa: E402


def open_page(page, path):
    """Seconds."""
    page.call("Page.navigate", url="about:blank")
    page.wait_for("location.href === 'about:blank'")
    start = time.monotonic()
    page.open(path)
    page.settle()
    return time.monotonic() - start


def measure(options, page, n_runs):
    caiman = os.path.join(options.build, "tools", "caiman")
    with tempfile.TemporaryDirectory() as folder:
        db, html = os.path.join(folder, "x.db"), os.path.join(folder, "x.html")
        campaign.make_base(caiman, db)
        campaign.grow(db, n_runs)
        writing, opening = [], []
        for _ in range(options.repeat):
            start = time.monotonic()
            subprocess.run([caiman, "report", "-q", "-o", html, db], check=True)
            writing.append(time.monotonic() - start)
            opening.append(open_page(page, html))
        return statistics.median(writing), statistics.median(opening), min(opening), os.path.getsize(html)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--runs", default="100,1000,10000")
    parser.add_argument("build")
    options = parser.parse_args()
    path = browser.find_chromium()
    if not path:
        sys.exit("report.py needs chromium")
    page = browser.Browser(path)
    page.set_size(1280, 900)
    print("| runs | write, median | open, median | open, best | size |\n| ---: | ---: | ---: | ---: | ---: |")
    for n_runs in map(int, options.runs.split(",")):
        writing, opening, best, size = measure(options, page, n_runs)
        print(f"| {n_runs} | {writing:.2f} s | {opening:.2f} s | {best:.2f} s | {size / 1e6:.1f} MB |", flush=True)
    page.close()


if __name__ == "__main__":
    main()
