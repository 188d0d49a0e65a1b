"""The whole app behind a real server, and what strangers and their names do to it."""

import http.client
import json
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from acn_eval.service import tables as t
from acn_eval.service.access.audit import Audit
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.api import create_app
from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import migrate
from acn_eval.service.pages.routes import ROUTER as PAGES
from acn_eval.service.records import Target
from acn_eval.service.requests import Check
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore
from tests.service.served import served
from tests.service.versions import submit_version

NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\r\nevent: done\r\ndata: {}\r\n\r\n",
    'x"} 1\nacn_eval_jobs{state="done"} 99\n#',
    "\x1b]0;title\x07\x1b[2J",
    "::error::pwned ##[error]x",
    "{{ 7 * 7 }}{% raw %}",
    "\u202etxt.exe",
    "javascript:alert(1)",
]
OPEN = {"/healthz", "/readyz", "/login", "/logout", "/openapi.json", "/v1/hooks/mlflow"}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    (folder / "mlflow.db").touch()
    database = Database.at(f"sqlite:///{folder / 'service.db'}")
    migrate(database)
    store = TrackingStore(f"sqlite:///{folder / 'mlflow.db'}")
    for number, name in enumerate(NAMES):  # whoever may register a model chooses its name
        target = Target(profile="night", model=name, version=1, created_ms=number)
        jobs = Jobs(database)
        job = submit_version(jobs, Check(name=name), target)
        with database.write() as connection:
            named = update(t.job).where(t.job.c.id == job.id)
            connection.execute(named.values(submitted_by=name[:100]))
        jobs.fail(jobs.claim(name), name, final=True)
    return Service(Settings(), database, store, folder, "http://127.0.0.1:8000")


@pytest.fixture(scope="module")
def app(service):
    return create_app(service)


@pytest.fixture(scope="module")
def address(app):
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def token(service, address):
    """Of an admin; the tests before it ask without one."""
    return Tokens(service.database).create("boss", "admin")


def ask(address, method, path, body=None, **headers):
    """Status, headers and text of an answer, over a plain connection that adds nothing."""
    link = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    own |= {"Content-Type": "application/json"} if body is not None else {}
    link.request(method, path, None if body is None else json.dumps(body), own)
    answer = link.getresponse()
    said = answer.read().decode()
    link.close()
    return answer.status, answer.headers, said


class Elements(HTMLParser):
    """What a browser would make of a page: its elements, its links, and code inside it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inline, self.links = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src", "action"}]
        code = [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.inline += code + [tag] * (tag in {"script", "style"} and "src" not in dict(attrs))


PAGES_OF = [("/", 200), *((f"/jobs/{n}", 200) for n in range(1, len(NAMES) + 1)), ("/models", 200)]


@pytest.mark.parametrize(("path", "status"), [*PAGES_OF, ("/health", 200), ("/<script>", 404)])
def test_no_name_becomes_markup_on_a_page(address, path, status):
    found, headers, text = ask(address, "GET", path.replace("<", "%3C"), Accept="text/html")
    assert found == status
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    shown = Elements(text)
    assert "img" not in shown.tags
    assert shown.inline == []
    assert shown.links == [link for link in shown.links if link.startswith(("/", "#", "?"))]
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
def test_no_name_begins_an_event(address, number):
    _, _, text = ask(address, "GET", f"/v1/jobs/{number}/events")
    lines = [line for line in text.split("\n") if line]
    assert {line.partition(":")[0] for line in lines} == {"id", "event", "data"}
    events = [line.partition(": ")[2] for line in lines if line.startswith("event")]
    assert events == ["state"] * 3
    assert [json.loads(line[5:]) for line in lines if line.startswith("data")]
    assert "\r" not in text


def test_no_name_becomes_a_metric(address):
    status, _, text = ask(address, "GET", "/metrics")
    assert status == 200
    assert text.count("99") == 0
    assert [family.name for family in text_string_to_metric_families(text)]


@pytest.mark.parametrize(
    "named",
    [
        *(
            "file:///etc/passwd",
            "http://169.254.169.254/latest",
            "https://lab/net.pt",
            "ftp://x/y",
        ),
        *("/etc/passwd", "../../etc/passwd", "module:evil.py:f", "hf:owner/name", "timm:vit"),
        *("res_vit.pt,/etc/passwd", "/etc/*", "runs:/0f/../../x", "\\\\lab\\x", "net.pt\0"),
    ],
)
def test_a_source_is_refused_before_it_is_queued(address, service, named):
    before = service.jobs.counts()
    for body in (
        {"kind": "evaluate", "candidates": [named]},
        {"kind": "evaluate", "candidates": ["res_vit.pt"], "baselines": [named]},
        {"kind": "gate", "candidate": "models:/vit/1", "baseline": named},
        {"kind": "gate", "candidate": "models:/vit/1", "baseline": "res_vit.pt", "anchor": named},
        {"kind": "gate", "candidate": "models:/v/1", "baseline": "res_vit.pt", "gate": named},
        {"kind": "evaluate", "candidates": ["res_vit.pt"], "data": {"name": named}},
    ):
        status, headers, text = ask(address, "POST", "/v1/jobs", body)
        assert status == 422, body
        assert headers["Content-Type"] == "application/problem+json"
        assert "root:x" not in text
    assert service.jobs.counts() == before


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static//etc/passwd",
        ),
        *("/static/%5c..%5capp.py", "/v1/results/..%2f..%2fetc", "/v1/jobs/1%2f..%2f2/report"),
        *(
            "/v1/jobs/1/../../../etc/passwd",
            "/v1/suites/..%2f..%2fpyproject",
            "//evil.example/%2e%2e",
        ),
    ],
)
def test_no_path_leaves_what_is_served(address, path):
    status, _, text = ask(address, "GET", path)
    assert status in {404, 422}
    assert "root:" not in text
    assert "import" not in text


@pytest.mark.parametrize("page", ["/", "/v1/jobs", "/metrics", "/login"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_name_that_was_made_to_point_here_is_not_answered(address, page, host):
    status, _, text = ask(address, "GET", page, Host=host)
    assert status in {400, 421}
    assert "boss" not in text


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:3000"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_form_of_another_site_changes_nothing(address, service, said):
    for path in ("/jobs/1/retry", "/jobs/1/cancel", "/v1/jobs/1/retry", "/v1/jobs", "/logout"):
        assert ask(address, "POST", path, {}, **said)[0] == 403
    assert ask(address, "DELETE", "/v1/jobs/1", **said)[0] == 403
    assert service.jobs.job(1).state == "failed"


def routes(app):
    """(method, path) of every route of the API and the pages."""
    known = {path: {*methods} for path, methods in app.openapi()["paths"].items()}
    known |= {route.path: route.methods for route in PAGES.routes}
    for path, methods in known.items():
        for method in methods:
            yield method.upper(), re.sub(r"\{[^}]*\}", "1", path)


def test_every_route_but_few_needs_a_token(app, address, token):
    found = sorted(set(routes(app)))
    assert len(found) > 15
    for method, path in found:
        status, headers, _ = ask(address, method, path, {} if method == "POST" else None)
        if path in OPEN:
            assert status != 401, path
        elif status == 303:  # a page leads to the form
            assert headers["Location"].startswith("/login?next=")
        else:
            assert status == 401, (method, path)
            assert path.count("/") == 1 or "Bearer" in headers.get("WWW-Authenticate", "Bearer")


def test_a_reader_changes_nothing(app, address, token, service):
    own = Tokens(service.database).create("reader", "read")
    for method, path in sorted(set(routes(app))):
        if method == "GET" or path in OPEN:
            continue
        body = {"kind": "check"} if method == "POST" else None
        assert ask(address, method, path, body, Authorization=f"Bearer {own}")[0] == 403, path


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_token_that_ended_opens_nothing(address, service, token, end):
    tokens = Tokens(service.database)
    own = tokens.create(end, "admin")
    header = {"Authorization": f"Bearer {own}"}
    assert ask(address, "GET", "/v1/jobs", **header)[0] == 200
    if end == "revoked":
        tokens.revoke(own)
    else:
        with service.database.write() as connection:
            ended = update(t.token).where(t.token.c.name == end)
            connection.execute(ended.values(expires=service.database.now - 1))
    assert ask(address, "GET", "/v1/jobs", **header)[0] == 401


def test_what_a_stranger_says_of_itself_is_one_line_of_the_log(address, token, service):
    agent = "x\x1b[31m<script>" + "A" * 2000
    ask(address, "GET", "/v1/jobs", Authorization="Bearer acn_no", User_Agent=agent)
    noted = Audit(service.database).page(limit=1)[0]
    assert noted.what == "login failed"
    assert noted.detail.isprintable()
    assert len(noted.detail) <= 500
