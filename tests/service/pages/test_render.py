"""Nothing that a page shows can act."""

import re

from tests.service.pages.conftest import client_of
from tests.service.pages.reading import Page
from tests.service.pages.rows import HOSTILE

PATHS = ["/", "/?state=done", "/models", "/models/vit-small", "/health", "/login", "/nothing"]


def test_names_from_outside_stay_text(shown, numbers):
    for path in ("/", f"/jobs/{numbers['failed']}"):
        page = Page(shown(path))
        assert HOSTILE.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e") in page.text
        assert {found.get("src", "")[:8] for found in page.every("script")} == {"/static/"}


def test_nothing_is_inline_and_nothing_of_another_host(filled, numbers):
    client = client_of(filled[0])
    for path in (*PATHS, *(f"/jobs/{number}" for number in numbers.values())):
        answer = client.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'")
        for tag, attributes in Page(answer.text).tags:
            assert tag != "style"
            assert not {name for name in attributes if name == "style" or name.startswith("on")}
            for name in ("href", "src", "action", "hx-get"):
                assert re.match(r"[/#](?!/)", attributes.get(name, "/")), attributes
    for name in ("style.css", "live.js", "htmx.min.js", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    assert "//" not in client.get("/static/style.css").text
