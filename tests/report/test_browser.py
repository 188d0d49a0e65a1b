"""The page in a real browser: from disk, without a network, in light, dark and on a phone."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from acn_eval.report.examples import examples_of, galleries
from acn_eval.report.page import Section
from acn_eval.report.render import html
from tests.chromium import browser
from tests.report.pages import HOSTILE, gallery_of

AXE = "ACN_EVAL_AXE"  # axe.min.js of the npm package axe-core; `make axe` brings it
pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
    pytest.mark.timeout(300),
]
LOOKS = {
    "light": (1200, "light"),
    "dark": (1200, "dark"),
    "phone": (400, "light"),
    "phone at night": (400, "dark"),
}
LOADED = "document.readyState === 'complete' && !!document.querySelector('footer')"
NOISE = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


@pytest.fixture(scope="module")
def opened(page, about_text, tmp_path_factory):
    """The page, opened from disk by a browser that tells what it asks for; it has sentences, too.

    Some of them are hostile.
    """
    sentences = galleries(about_text, examples_of(about_text.candidates[0]))
    sections = *page.sections, Section("sentences", "Sentences", (*sentences, gallery_of(HOSTILE)))
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(html(replace(page, sections=sections)), encoding="utf-8")
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        for domain in ("Network", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        tab.open(file.as_uri())
        tab.wait_for(LOADED)
        yield tab, file


@pytest.fixture(params=LOOKS)
def look(request, opened):
    page, _ = opened
    width, scheme = LOOKS[request.param]
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.call("Emulation.setEmulatedMedia", media="", features=features)
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page


def test_it_asks_for_itself_alone_and_complains_of_nothing(opened):
    page, file = opened
    asked = [
        event["params"]["request"]["url"]
        for event in page.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "about"}
    assert [url for url in asked if url.startswith("file")] == [file.as_uri()]
    assert [event for event in page.events if event["method"] in NOISE] == []
    images = "[...document.images].every(i => i.complete && i.naturalWidth === 8)"
    assert page.evaluate(f"document.images.length > 10 && {images}")


def test_a_sandbox_such_as_mlflow_s_shows_it_alike(opened, tmp_path):
    page, file = opened
    shutil.copy(file, tmp_path / "report.html")
    frame = '<iframe sandbox="allow-scripts" src="report.html" onload="window.shown=1"></iframe>'
    (tmp_path / "frame.html").write_text(frame)
    seen = len(page.events)
    page.open((tmp_path / "frame.html").as_uri())
    page.wait_for("window.shown === 1")
    assert [event for event in page.events[seen:] if event["method"] in NOISE] == []
    page.open(file.as_uri())
    page.wait_for(LOADED)


def test_nothing_is_wider_than_the_window(look):
    assert look.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    boxes = "[...document.querySelectorAll('.box')]"
    assert look.evaluate(f"{boxes}.every(box => box.getBoundingClientRect().right <= innerWidth)")


def test_the_colours_are_those_of_the_scheme(look):
    dark = look.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = look.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    ink = "getComputedStyle(document.querySelector('svg text')).fill"
    assert look.evaluate(ink) != ground


def test_the_keyboard_reaches_the_verdict_first(opened):
    page, _ = opened
    for kind in ("keyDown", "keyUp"):
        key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        page.call("Input.dispatchKeyEvent", type=kind, **key)
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_print_shows_all_of_a_table(opened):
    page, _ = opened
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.box')).overflowX") == "visible"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.skipif(not os.environ.get(AXE), reason=f"{AXE} names no axe.min.js; try `make axe`")
def test_axe_finds_no_violation(look):
    look.evaluate(Path(os.environ[AXE]).read_text() + ";0")
    look.evaluate(
        "window.found = null; axe.run().then(r => window.found = r.violations.map("
        "v => ({id: v.id, nodes: v.nodes.map(n => n.html)}))); 0"
    )
    found = look.wait_for("window.found && {violations: window.found}")
    assert found["violations"] == [], json.dumps(found, indent=1)
