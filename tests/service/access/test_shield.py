"""Nothing is answered under a foreign name, and nothing is changed for a page of another site."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.service.access.shield import require_safe_binding
from acn_eval.service.settings import Settings
from tests.service.access.conftest import caller

HERE = "http://localhost"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:80", "lab.example", "10.0.0.3:80"],
)
def test_own_names_are_answered(client, host):
    assert client.get("/read", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "lab.example.evil.example",
        ),
        *(
            "",
            "localhost@evil.example",
            "evil.example#localhost",
            "[::1",
            "127.0.0.1.evil.example",
        ),
        *("<script>", "x" * 10_000),
    ],
)
def test_other_names_are_refused(client, host):
    answer = client.get("/read", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("Host: must be a name of this service; got ")
    assert len(answer.text) < 3000


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost@evil.example"},
        {"Cookie": "acn_eval_session=x"},
    ],
)
def test_a_page_of_another_site_changes_nothing(client, said):
    answer = client.post("/submit", headers=said)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Origin: must be a page of this service")


@pytest.mark.parametrize(
    "said",
    [
        {},  # no browser
        {"Sec-Fetch-Site": "same-origin", "Origin": HERE},
        {"Sec-Fetch-Site": "none"},
        {"Origin": HERE},
    ],
)
def test_own_pages_and_programs_do(client, said):
    assert client.post("/submit", headers=said).status_code == 200


def test_another_site_may_link_and_may_not_read(client):
    def get(mode):
        said = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
        return client.get("/read", headers=said).status_code

    assert [get(mode) for mode in ("navigate", "no-cors", "cors")] == [200, 403, 403]


@pytest.mark.parametrize("path", ["/read", "/nothing", "/submit"])
def test_every_answer_has_the_headers(client, path):
    found = client.get(path).headers
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert "unsafe" not in found["content-security-policy"]
    assert "access-control-allow-origin" not in found


def test_a_route_may_state_its_own_policy(app):
    from starlette.responses import Response

    own = {"Content-Security-Policy": "sandbox"}
    app.add_route("/page", lambda request: Response("", headers=own))
    assert caller(app).get("/page").headers.get_list("content-security-policy") == ["sandbox"]


def test_no_socket_is_opened(client):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/read"):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "lab", "", "localhost.lab"])
def test_others_are_let_in_with_tokens_only(tokens, database, host):
    with pytest.raises(ConfigError, match=r"127.0.0.1, while there is no token; .*token create"):
        require_safe_binding(host, database, Settings())
    tokens.create("ci", "read")
    require_safe_binding(host, database, Settings())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_token(database, host):
    require_safe_binding(host, database, Settings())


@pytest.mark.parametrize(
    "settings", [Settings(hosts=("acn.example",)), Settings(url="https://acn.example/x")]
)
def test_a_name_for_others_says_that_a_proxy_lets_them_in(database, settings):
    with pytest.raises(ConfigError, match=r"got acn\.example"):
        require_safe_binding("127.0.0.1", database, settings)
