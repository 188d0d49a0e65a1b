"""The pages in a real browser: light, dark and on a phone, without JavaScript, and live."""

import json
import os
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from acn_eval.service.access.tokens import Tokens
from acn_eval.service.api import create_app
from acn_eval.service.requests import Check
from tests.chromium import browser
from tests.report.test_browser import AXE, LOOKS, NOISE
from tests.service.pages.conftest import service_of
from tests.service.pages.rows import judge, version

pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
    pytest.mark.timeout(300),
]
LOADED = "location.href !== 'about:blank' && document.readyState === 'complete'"
SAID = "document.getElementById('said').textContent"


@contextmanager
def serving(service):
    """Yield the address at which a service answers."""
    config = uvicorn.Config(create_app(service), port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(filled):
    with serving(filled[0]) as address:
        yield address


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        for domain in ("Network", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        yield tab


@pytest.fixture
def paths(numbers):
    jobs = (f"/jobs/{numbers[name]}" for name in ("version 3", "refused", "failed", "running"))
    return [
        "/",
        "/?state=done",
        *jobs,
        "/models",
        "/models/vit-small",
        "/compare",
        "/health",
        "/login",
    ]


def opened(tab, address):
    tab.open(address)
    tab.wait_for(LOADED)


def look_of(tab, name):
    width, scheme = LOOKS[name]
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.call("Emulation.setEmulatedMedia", media="", features=features)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    tab.call("Emulation.setDeviceMetricsOverride", **size)


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "phone at night"])
def test_every_page_fits_and_asks_its_own_server_alone(tab, address, paths, look):
    look_of(tab, look)
    for path in paths:
        seen = len(tab.events)
        opened(tab, address + path)
        assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        dark = tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
        events = [event for event in tab.events[seen:] if path != "/login"]
        assert [event for event in events if event["method"] in NOISE] == []
    urls = [
        event["params"]["request"]["url"]
        for event in tab.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert {url.partition("/static")[0] for url in urls if "/static" in url} == {address}
    assert all(url.startswith((address, "about:")) for url in urls)


def test_the_keyboard_skips_to_the_content(tab, address):
    opened(tab, address + "/models/vit-small")
    for key, code in (("Tab", 9), ("Enter", 13)):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            tab.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
            )
        if key == "Tab":
            assert tab.evaluate("document.activeElement.className") == "skip"
    tab.wait_for("document.activeElement.id === 'content'")


@pytest.mark.slow
def test_every_page_is_complete_without_javascript(tab, address, paths):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        for path in paths:
            opened(tab, address + path)
            assert tab.evaluate("typeof htmx") == "undefined"
            assert tab.evaluate("document.querySelector('main').innerText.length") > 80, path
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.slow
def test_a_page_follows_a_job_and_is_quiet_where_nothing_changes(tab, database, tmp_path):
    service = service_of(database, tmp_path)
    number = service.jobs.submit(Check(), by="alice")[0].id
    claim = service.jobs.claim("lab:1")
    with serving(service) as address:
        opened(tab, f"{address}/jobs/{number}")
        service.jobs.beat(claim, (1, 4))
        tab.wait_for("document.querySelector('progress')?.value === 1")
        tab.wait_for(f"{SAID}.includes('running')")
        tab.evaluate("document.querySelector('progress').kept = true; window.asked = 0")
        tab.evaluate(
            "document.addEventListener('htmx:afterRequest', () => asked++);"
            f"document.getElementById('cancel-{number}').focus()"
        )
        tab.wait_for("asked >= 2")
        assert tab.evaluate("document.querySelector('progress').kept")
        service.jobs.beat(claim, (2, 4))
        tab.wait_for("document.querySelector('progress')?.value === 2")
        assert tab.evaluate("document.activeElement.id") == f"cancel-{number}"
        tab.evaluate(f"document.getElementById('cancel-{number}').click()")
        tab.wait_for("document.body.innerText.includes('stopping')")
        assert service.jobs.job(number).cancelled
        service.jobs.finish(claim, "cancelled")
        tab.wait_for(f"{SAID} === 'Job {number}: cancelled'")
        assert tab.evaluate("document.querySelector('[hx-get]') === null")
        opened(tab, address)
    tab.wait_for(f"{SAID}.startsWith('The service does not answer')")


@pytest.mark.slow
def test_a_chart_grows_when_a_job_ends_and_its_table_stays_open(tab, database, tmp_path):
    service = service_of(database, tmp_path)
    version(service, 1)
    judge(service, {})
    version(service, 2)
    marks = "document.querySelectorAll('svg .limits').length"
    with serving(service) as address:
        opened(tab, f"{address}/models/vit-small")
        assert tab.evaluate(marks) == 1
        tab.evaluate("document.querySelector('details').open = true")
        judge(service, {})
        tab.wait_for(f"{marks} === 2")
        assert tab.evaluate("document.querySelector('details').open")


@pytest.mark.slow
def test_a_browser_logs_in_and_out_with_a_token(tab, database, tmp_path):
    service = service_of(database, tmp_path)
    number = service.jobs.submit(Check(), by="alice")[0].id
    token = Tokens(database).create("alice", "submit")
    with serving(service) as address:
        opened(tab, f"{address}/jobs/{number}")
        tab.wait_for("location.pathname === '/login'")
        tab.evaluate(f"document.querySelector('[name=token]').value = {json.dumps(token)}")
        tab.evaluate("document.querySelector('.login button').click()")
        tab.wait_for(f"location.pathname === '/jobs/{number}'")
        tab.wait_for("document.querySelector('.who').innerText.includes('alice')")
        tab.evaluate(f"document.getElementById('cancel-{number}').click()")
        tab.wait_for(f"document.getElementById('retry-{number}') !== null")
        tab.evaluate("document.querySelector('.who button').click()")
        tab.wait_for("location.pathname === '/login'")
        opened(tab, address)
        tab.wait_for("location.pathname === '/login'")


@pytest.mark.skipif(not os.environ.get(AXE), reason=f"{AXE} names no axe.min.js; try `make axe`")
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_violation(tab, address, paths, look):
    look_of(tab, look)
    for path in (*paths, "/nothing"):
        opened(tab, address + path)
        tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        tab.evaluate(Path(os.environ[AXE]).read_text() + ";0")
        tab.evaluate(
            "window.found = null; axe.run().then(r => window.found = r.violations.map("
            "v => ({id: v.id, nodes: v.nodes.map(n => n.html)}))); 0"
        )
        found = tab.wait_for("window.found && {violations: window.found}")
        assert found["violations"] == [], path + json.dumps(found, indent=1)
