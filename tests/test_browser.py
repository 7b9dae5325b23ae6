"""The app in a real browser: filters in the address, permanent links, hostile text, narrow screens, no strangers."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import rich
import tiny
from tiny import CAPABILITY, DOCUMENTED, MEASURED, noisy

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no browser: /usr/bin/chromium is missing; apt-get install chromium"
)
HERE = Path(__file__).parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> ![x](http://evil.example/x.png) $x^2$ :red[x]"
RUN = "20261121T100000Z-aaaaaa"
OLDER = "20261120T100000Z-richer"


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[str]:
    """Serve the app over a small knowledge base with one outcome of each kind; return its address."""
    root = tiny.make_root(tmp_path_factory.mktemp("root"))
    path = root / "claims" / "programming" / f"{CAPABILITY}.yaml"
    statement = f"statement: '{HOSTILE.replace(chr(39), chr(39) * 2)}'"
    path.write_text(
        path.read_text(encoding="utf-8").replace("statement: Python's sum of one and one is two.", statement),
        encoding="utf-8",
    )
    tiny.write(root, rich.rich_outcome(tiny.claim_of(root, MEASURED), MEASURED, OLDER))
    for claim, given in (
        (MEASURED, {"effects": noisy(1.0)}),
        (CAPABILITY, {"finding": {"sum": 2}, "log": HOSTILE}),
    ):
        tiny.write(root, tiny.outcome(tiny.claim_of(root, claim), claim, f"{RUN}-{claim}", **given))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"KB_ROOT": str(root), "PYTHONPATH": str(HERE)}
    command = [sys.executable, "-m", "streamlit", "run", str(HERE / "app.py"), f"--server.port={port}"]
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        lines = iter(server.stdout.readline, "")
        assert any("URL" in line for line in lines), "the app ended before it served"
        yield f"http://127.0.0.1:{port}/"
        server.kill()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def rows(page):
    return page.locator("table.kb-table tbody tr")


def wait_for_rows(page, count):
    page.wait_for_function(
        "count => document.querySelectorAll('table.kb-table tbody tr').length === count", arg=count
    )


def address(page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def test_filters_go_into_the_address_and_a_shared_address_brings_them_back(served, browser, page):
    from playwright.sync_api import expect

    page.goto(served)
    wait_for_rows(page, 3)
    page.get_by_role("button", name="refuted").click()
    wait_for_rows(page, 1)
    page.get_by_label("Search").fill("loop")
    page.get_by_label("Search").press("Enter")
    page.wait_for_url("**q=loop**")
    assert address(page) == {"verdict": ["refuted"], "q": ["loop"]}
    other = browser.new_context().new_page()
    other.goto(page.url)
    wait_for_rows(other, 1)
    expect(other.get_by_label("Search")).to_have_value("loop")
    assert "One loop is twice as fast" in rows(other).inner_text()
    other.context.close()


def test_clearing_a_filter_takes_it_out_of_the_address(served, page):
    page.goto(f"{served}?verdict=untested")
    wait_for_rows(page, 1)
    page.get_by_role("button", name="untested").click()
    wait_for_rows(page, 3)
    page.wait_for_url(served)


def test_a_claim_is_reached_from_the_list_and_by_its_permanent_link(served, page):
    page.goto(served)
    page.get_by_role("link", name="One loop is twice as fast as two").click()
    page.wait_for_selector("h1:has-text('One loop is twice as fast as two')")
    assert address(page) == {"id": [MEASURED]}
    assert page.title() == "One loop is twice as fast as two"
    page.get_by_role("link", name="All claims").click()
    wait_for_rows(page, 3)
    page.goto(f"{served}claim?id={DOCUMENTED}")
    page.wait_for_selector("h1:has-text('Python has a share of 40%')")


def test_a_claim_is_reached_by_keyboard(served, page):
    page.goto(served)
    link = page.get_by_role("link", name="Python adds one and one")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Python adds one and one')")


def test_the_answer_says_its_state_by_icon_and_word_and_the_picture_is_drawn(served, page):
    page.goto(f"{served}claim?id={MEASURED}")
    assert page.locator(".kb-answer").inner_text().startswith("✘ refuted")
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    chart.locator("text=claimed: twice, 1.5 to 2.5").wait_for()
    chart.locator("text=measured on tiny").wait_for()


def test_hostile_text_makes_no_element_and_runs_nothing(served, page):
    strangers = []
    page.on(
        "request", lambda request: strangers.append(request.url) if "evil.example" in request.url else None
    )
    page.goto(f"{served}claim?id={CAPABILITY}")
    page.locator("text=All runs").wait_for()
    assert page.title() == "Python adds one and one"
    assert page.locator(".kb-prose").first.inner_text() == HOSTILE
    assert page.locator("main img, .katex").count() == 0
    assert strangers == []


def test_nothing_is_fetched_from_elsewhere_and_nothing_fails(served, page):
    foreign, failed = [], []
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((served, "data:", "blob:")) else foreign.append(request.url)
        ),
    )
    page.on("pageerror", lambda error: failed.append(str(error)))
    for path, sign in (("", "table.kb-table"), (f"claim?id={MEASURED}", "text=All runs")):
        page.goto(served + path)
        page.wait_for_selector(sign)
    assert foreign == []
    assert failed == []


@pytest.mark.parametrize(
    "path", ["", f"claim?id={MEASURED}", f"claim?id={MEASURED}&run={OLDER}", "claim?id=unknown"]
)
def test_a_narrow_screen_needs_no_sideways_scrolling(served, page, path):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(served + path)
    page.wait_for_selector("h1.kb-title")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth <= main.clientWidth")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_specification_curve_fills_the_page_and_has_a_text_for_screen_readers(served, page, width):
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{served}claim?id={MEASURED}&run={OLDER}")
    chart = page.locator("[data-testid=stVegaLiteChart]", has_text="value of a block: median")
    chart.locator("text=size: 4000").wait_for()
    box = chart.bounding_box()
    assert box["width"] > 0.8 * width
    assert 400 < box["height"] < 700
    assert page.get_by_label("12 of 12 specifications inside the claimed region").count() > 0


def test_an_unknown_claim_is_answered_with_a_link_to_the_nearest(served, page):
    page.goto(f"{served}claim?id=tiny-step-fastr")
    page.get_by_role("link", name="One loop is twice as fast as two").click()
    page.wait_for_selector("h1:has-text('One loop is twice as fast as two')")


def test_the_samples_are_downloaded_as_csv(served, page):
    page.goto(f"{served}claim?id={MEASURED}")
    page.get_by_text("samples (cost in ns").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Samples as CSV").click()
    lines = Path(started.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("block,place,round")
    assert len(lines) == 33
