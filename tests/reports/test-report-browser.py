#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTML report as its readers meet it, in a headless Chromium.

usage: test-report-browser.py CAIMAN

Prints TAP. Nothing here waits for a time; the test's time limit ends what hangs. Without Chromium
it is skipped.
"""

import os
import sqlite3
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import browser as browser_module  # noqa: E402
import campaign  # noqa: E402

CAIMAN = os.path.abspath(sys.argv[1])
SIZE_MAX = 10_000_000
EVIL = "</script><img src=x onerror=document.title='owned'>"

SWEEP = campaign.SCENARIO % "300ms" + """
[sweep]
link lte.delay = 20ms, 80ms, 300ms
link wifi.rate = 10mbit, 40mbit
client.policy = adaptive, reference
"""

# Of each canvas in the page: whether any pixel was painted.
INK = """[...document.querySelectorAll('canvas')].map((canvas) => {
  const data = canvas.width ? canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data : [];
  return data.length > 0 && new Uint32Array(data.buffer).some((pixel) => pixel !== 0);
})"""
CELLS = "[...document.querySelectorAll('#runs-table tbody tr')].map((row) => row.cells[%d].textContent)"
HEADS = "[...document.querySelectorAll('#runs-table th')].map((head) => head.textContent)"

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def caiman(*arguments, status=0):
    done = subprocess.run([CAIMAN, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)


@test
def validation_page(page):
    page.open("small.html", "#/validation")
    assert "1 of 2 metrics within tolerance" in text_of(page, "p.note")
    rows = "[...document.querySelectorAll('#validation-table tbody tr')].map((row) => row.textContent)"
    first, second = page.evaluate(rows)
    assert "within" in first and "-5.0 %" in first and "outside" in second and "–" in second, (first, second)
    page.evaluate("document.getElementById('validation-outside').click()")
    assert page.evaluate(rows) == [second]
    assert "validation" in text_of(page, "#nav")
    page.open("big.html", "#/validation")
    assert "was compared" in text_of(page, "p.note") and "validation" not in text_of(page, "#nav")


def make_databases():
    """small.db: passing and failing runs, two policies and a sweep; big.db: 10 000 runs."""
    campaign.make_base(CAIMAN, "small.db")
    write("sweep.ini", SWEEP)
    caiman("run", "-q", "--db", "small.db", "--keep-events", "0", "--seed", "1..2", "sweep.ini")
    with sqlite3.connect("small.db") as db:
        db.execute("INSERT INTO validation SELECT max(id), 0, 'one', 'flow', 'upload', 'goodput', 'bit/s', 0, 15, 3, 9.5e6, 1e7, 9e6, 1e7, 9e6, 1.1e7, 1e6, 1 FROM campaign")
        db.execute("INSERT INTO validation SELECT max(id), 1, 'two', 'flow', 'upload', 'recovery', 'ns', 0, 15, 3, NULL, 2e8, 1e8, 1e8, 1e8, 3e8, 4e7, 0 FROM campaign")
    caiman("report", "small.db", "-o", "small.html")
    campaign.make_base(CAIMAN, "big.db")
    campaign.grow("big.db", 10_000)
    caiman("report", "big.db", "-o", "big.html")


def number_of(text):
    return float(text.split()[0].replace("\u202f", ""))


def expect_ink(page):
    page.evaluate("document.dispatchEvent(new Event('x')), dispatchEvent(new Event('beforeprint')), dispatchEvent(new Event('afterprint'))")
    page.settle()
    ink = page.evaluate(INK)
    assert ink and all(ink), ink
    return len(ink)


def text_of(page, selector):
    return page.evaluate(f"document.querySelector({selector!r}).textContent")


@test
def campaign_page(page):
    page.open("small.html")
    assert text_of(page, "h1") == "caiman: small.db"
    cards = page.evaluate("[...document.querySelectorAll('.card')].map((card) => card.textContent)")
    runs = sqlite3.connect("small.db").execute("SELECT count(*), sum(exit_class = 0) FROM run").fetchone()
    assert cards[0] == f"{runs[0]}runs" and f"{runs[1]}ok" in cards, (cards, runs)
    assert "caiman replay small.db" in text_of(page, "#failed-table"), "failing runs have no command"
    assert "upload.longest-gap <= 1ms, got" in text_of(page, "#failed-table")
    assert "adaptive" in text_of(page, "#policies") and "reference" in text_of(page, "#policies")
    assert expect_ink(page) > 5
    page.evaluate("(() => { const s = document.getElementById('distribution-form'); s.value = 'box'; s.dispatchEvent(new Event('change')) })()")
    page.settle()
    assert expect_ink(page) > 5
    # Tooltips say what a metric means.
    title = page.evaluate("document.querySelector('#policies td').nextSibling && [...document.querySelectorAll('#policies td[title]')].map((c) => c.title).join()")
    assert "delivered payload over the time" in title, title


@test
def sorting(page):
    page.open("small.html")
    heads = page.evaluate(HEADS)
    column = heads.index("longest-gap")
    click = f"document.querySelectorAll('#runs-table th button')[{column}].click()"
    page.evaluate(click)
    units = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}
    shown = [number_of(text) * units[text.split()[1]] for text in page.evaluate(CELLS % column)]
    assert shown == sorted(shown, reverse=True) and len(set(shown)) > 3, shown
    page.evaluate(click)
    shown = [number_of(text) * units[text.split()[1]] for text in page.evaluate(CELLS % column)]
    assert shown == sorted(shown), shown
    assert page.evaluate(f"document.querySelectorAll('#runs-table th')[{column}].getAttribute('aria-sort')") == "ascending"
    page.evaluate(f"document.querySelectorAll('#runs-table th button')[{heads.index('seed')}].click()")
    seeds = [int(text) for text in page.evaluate(CELLS % heads.index("seed"))]
    assert seeds == sorted(seeds), seeds


@test
def filtering(page):
    page.open("small.html")
    heads = page.evaluate(HEADS)
    pick = "(() => { const e = document.getElementById(%r); e.value = %r; e.dispatchEvent(new Event(%r)) })()"
    page.evaluate(pick % ("runs-policy", "reference", "change"))
    assert set(page.evaluate(CELLS % heads.index("policy"))) == {"reference"}
    page.evaluate(pick % ("runs-verdict", "FAILED", "change"))
    assert set(page.evaluate(CELLS % heads.index("verdict"))) == {"✗ FAILED"}
    page.evaluate(pick % ("runs-text", "fails SEED 3", "input"))
    rows = page.evaluate(CELLS % heads.index("scenario"))
    assert rows == [], rows  # the words must stand together, and a variant is between them
    page.evaluate(pick % ("runs-text", "seed 3", "input"))
    assert page.evaluate(CELLS % heads.index("seed")) == ["3"]
    assert text_of(page, "#runs-table .status").startswith("1 to 1 of 1 (of ")
    # A metric more, and less.
    page.evaluate(pick % ("runs-metric", "flow goodput", "change"))
    assert "goodput" in page.evaluate(HEADS)
    page.evaluate(pick % ("runs-metric", "flow goodput", "change"))
    assert "goodput" not in page.evaluate(HEADS)


@test
def run_page(page):
    page.open("small.html", "#/run/9")
    sections = page.evaluate("[...document.querySelectorAll('section')].map((s) => s.id)")
    for wanted in ["expectations", "lost", "throughput-up", "throughput-down", "states", "lines", "latency", "metrics", "facts"]:
        assert wanted in sections, (wanted, sections)
    assert expect_ink(page) >= 6
    assert "not held" in text_of(page, "#expectations") and "<= 1ms" in text_of(page, "#expectations")
    assert "silence: blackhole, 0.10 s to 0.30 s" in text_of(page, "#throughput-up")
    assert "wifi, client" in text_of(page, "#states") and "working" in text_of(page, "#states")
    assert page.evaluate("document.querySelectorAll('#states rect').length") > 4
    assert "[link wifi]" in text_of(page, "#scenario-text pre")
    assert "head-of-line wait" in text_of(page, "#lost")
    assert "send-buffer" in text_of(page, "#facts")
    # The exact value is in the title: what the database has.
    exact = sqlite3.connect("small.db").execute(
        "SELECT value FROM metric WHERE run_id = 9 AND subject = 'upload' AND name = 'completion-time'").fetchone()[0]
    titles = page.evaluate("[...document.querySelectorAll('#metrics td')].map((cell) => cell.title)")
    assert f"{exact:.0f} ns" in titles, exact


@test
def sweep_page(page):
    page.open("small.html", "#/sweep")
    assert expect_ink(page) == 1
    assert page.evaluate("document.querySelectorAll('td.heat').length") == 12  # 2 maps of 3 x 2
    page.evaluate("(() => { const s = document.getElementById('sweep-x'); s.value = 'client.policy'; s.dispatchEvent(new Event('change')) })()")
    page.settle()
    assert "against client.policy" in text_of(page, "#sweep-lines h2")
    assert expect_ink(page) == 1
    # A cell is the median of what the database has.
    page.open("small.html", "#/sweep")
    title = page.evaluate("document.querySelector('td.heat').title")
    values = sorted(row[0] for row in sqlite3.connect("small.db").execute(
        "SELECT value FROM metric JOIN run ON run.id = run_id WHERE subject = 'upload' AND name = 'efficiency'"
        " AND variant = 'link lte.delay=20ms link wifi.rate=10mbit client.policy=adaptive'"))
    assert len(values) == 2 and abs(float(title.split()[0]) / values[0] - 1) < 1e-5, (title, values)


@test
def hash_routes(page):
    page.open("small.html")
    page.evaluate("document.querySelector('#failed-table a').click()")
    page.settle()
    assert page.evaluate("location.hash") == "#/run/9"
    assert "run 9" in text_of(page, "h1")
    page.evaluate("history.back()")
    page.wait_for("location.hash === ''")
    page.settle()
    assert page.evaluate("Boolean(document.getElementById('runs-table'))")
    page.go("#/run/777777")
    assert "no such run" in text_of(page, "main")
    page.go("#/nowhere<img src=x>")
    assert "No such page" in text_of(page, "main")
    assert page.evaluate("document.querySelectorAll('img').length") == 0


@test
def themes(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.set_scheme("dark")
    page.open("small.html")
    dark = page.evaluate(ground)
    page.set_scheme("light")
    page.settle()
    light = page.evaluate(ground)
    assert dark != light, "the system's scheme does not matter"
    colour = "Chart.getChart(document.querySelector('canvas')).options.scales.x.ticks.color"
    expect_ink(page)
    in_light = page.evaluate(colour)
    page.evaluate("document.getElementById('theme').click()")
    page.settle()
    assert page.evaluate(ground) == dark and page.evaluate(colour) != in_light
    assert "dark" in text_of(page, "#theme")
    page.evaluate("document.getElementById('theme').click()")
    page.settle()
    assert page.evaluate(ground) == light and "light" in text_of(page, "#theme")
    # Paper is light, whatever the screen has.
    page.evaluate("document.getElementById('theme').click()")
    page.set_scheme("dark")
    page.settle()
    assert page.evaluate(ground) == dark
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(ground) == light
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(ground) == dark
    page.set_scheme("light")


@test
def phone(page):
    page.set_size(360, 740, True)
    for fragment in ["", "#/run/9", "#/sweep", "#/validation", "#/run/777"]:
        page.open("small.html", fragment)
        page.settle()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, (fragment, width)
    page.set_size(1280, 900)


@test
def printing(page):
    page.open("small.html", "#/run/9")
    page.print_pdf("run.pdf")
    with open("run.pdf", "rb") as file:
        assert file.read(5) == b"%PDF-"


@test
def hostile_names(page):
    """What a database holds is text, wherever it is shown."""
    campaign.make_base(CAIMAN, "evil.db")
    connection = sqlite3.connect("evil.db")
    with connection:
        for statement in [
            "UPDATE run SET scenario_name = ?1, outcome = ?1, variant = 'link a.delay=' || ?1 || seed, policy = policy || ?1",
            "UPDATE expectation SET name = ?1, actual = ?1", "UPDATE link SET name = name || ?1", "UPDATE flow SET name = ?1 || flow",
            "UPDATE event SET text = text || ?1 WHERE side = 'harness'", "UPDATE scenario SET text = text || ?1", "UPDATE campaign SET name = ?1",
            "UPDATE metric_name SET subject = ?1 || subject WHERE subject_kind = 'flow'", "UPDATE parameter_value SET value = ?1",
            "INSERT INTO validation SELECT id, 0, ?1, 'flow', ?1, ?1, ?1, 0, 1, 1, 1, 2, 1, 1, 2, 2, 1, 0 FROM campaign",
        ]:
            connection.execute(statement, (EVIL,))
    connection.close()
    caiman("report", "evil.db", "-o", "evil.html", "--title", EVIL)
    for fragment in ["", "#/run/9", "#/sweep", "#/validation"]:
        page.open("evil.html", fragment)
        page.settle()
        assert page.evaluate("document.title") == EVIL
        assert page.evaluate("document.querySelectorAll('img').length") == 0
        assert EVIL in text_of(page, "main")
        if fragment != "#/validation":  # a table alone
            expect_ink(page)


@test
def ten_thousand_runs(page):
    size = os.path.getsize("big.html")
    assert size < SIZE_MAX, size
    page.open("big.html")
    assert "10 000" in text_of(page, ".card").replace("\u202f", " ")
    print(f"# {size / 1e6:.1f} MB, loaded in {page.evaluate('performance.getEntriesByType(`navigation`)[0].domComplete'):.0f} ms")
    assert page.evaluate("document.querySelectorAll('#runs-table tbody tr').length") == 50
    expect_ink(page)
    # A run without plots has its metrics, and says how to get the rest.
    bare = page.evaluate("document.querySelector('#runs-table a.bare, #failed-table a.bare') ? document.querySelector('a.bare').hash : ''")
    if not bare:
        page.go("#/run/9999")
        bare = "#/run/9999"
    page.go(bare)
    assert f"caiman report big.db --run {bare.split('/')[-1]}" in text_of(page, "main"), bare
    assert "upload.goodput" in text_of(page, "#metrics")


@test
def without_scripts(page):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.events.clear()
    page.call("Page.navigate", url="file://" + os.path.abspath("small.html"))
    while "Page.loadEventFired" not in page.events:
        page.read_message()
    root = page.call("DOM.getDocument", depth=-1)["root"]
    main_node = page.call("DOM.querySelector", nodeId=root["nodeId"], selector="main")["nodeId"]
    html = page.call("DOM.getOuterHTML", nodeId=main_node)["outerHTML"]
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "<h2>Verdicts</h2>" in html and "caiman replay small.db 9" in html, html


def main():
    path = browser_module.find_chromium()
    if not path:
        print("1..0 # SKIP chromium is not installed (package chromium)")
        return 0
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_databases()
        page = browser_module.Browser(path)
        page.set_size(1280, 900)
        page.set_scheme("light")
        for number, function in enumerate(TESTS, 1):
            page.problems.clear()
            try:
                function(page)
                assert not page.problems, page.problems
                print(f"ok {number} {function.__name__}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("".join("# " + line for line in traceback.format_exc().splitlines(True)))
                print(f"not ok {number} {function.__name__}", flush=True)
        page.close()
        os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
