"""What every request must pass before any route: where it was sent to, and which page sent it.

A page of another site can make a browser ask this service: under a name of its own that it lets
point here (DNS rebinding), or with a form or a script (CSRF). Browsers say both, in `Host` and in
`Sec-Fetch-Site` or `Origin`, and pages cannot change that.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.database import Database
from acn_eval.service.settings import Settings

__all__ = ["COOKIE", "Shield", "allowed_hosts", "is_local", "require_safe_binding"]

COOKIE = "acn_eval_session"
_READING = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Of every answer that does not state them itself, as pages do that load styles and scripts."""


class Shield:
    """An ASGI application around another one.

    Args:
        app: the other one.
        hosts: names under which it may be asked, see `allowed_hosts`.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused; hand on any other."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        why = _wrong_host(headers, self._hosts) or _wrong_page(scope["method"], headers)
        answer = _refused(*why) if why else self._app
        await answer(scope, receive, sent)


def allowed_hosts(settings: Settings, url: str = "") -> frozenset[str]:
    """Return the names of a service, in lower case; addresses of digits are always allowed.

    Args:
        settings: name hosts, and perhaps an address.
        url: where it is reached.
    """
    own = (urlsplit(address or "").hostname or "" for address in (url, settings.url))
    return frozenset({"localhost", *map(str.lower, (*own, *settings.hosts))} - {""})


def require_safe_binding(host: str, database: Database, settings: Settings) -> None:
    """Refuse to let others in while there is no token.

    Args:
        host: that the service listens on.
        database: that holds the tokens.
        settings: a service with a name for others may stand behind a proxy on this machine.

    Raises:
        ConfigError: others could reach the service, and no token was ever created.
        TrackingError: the database does not answer.
    """
    names = allowed_hosts(settings)
    far = [name for name in (host, *sorted(names)) if not is_local(name)]
    if far and Tokens(database).none():
        remedy = "Create one: acn-eval token create"
        what = "must be this machine alone, 127.0.0.1, while there is no token"
        raise ConfigError(f"`host`: {what}; got {far[0]}. {remedy}", "host")


def is_local(host: str | None) -> bool:
    """Whether only this machine reaches a host.

    >>> [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "lab")]
    [True, True, True, False, False]
    """
    address = _address(host or "")
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _wrong_host(headers: Headers, allowed: frozenset[str]) -> tuple[HTTPStatus, str] | None:
    given = headers.getlist("host")
    try:
        name = urlsplit(f"//{given[0]}").hostname if len(given) == 1 else None
    except ValueError:
        name = None
    if name and (_address(name) or name.rstrip(".") in allowed):
        return None
    what = "must be a name of this service"
    line = f"Host: {what}; got {', '.join(given) or 'none'!s:.200}. Add it to `hosts`."
    return HTTPStatus.MISDIRECTED_REQUEST, line


def _wrong_page(method: str, headers: Mapping[str, str]) -> tuple[HTTPStatus, str] | None:
    """Refuse what a page of another site asks for, but for following a link."""
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin")
    if method in _READING:
        link = headers.get("sec-fetch-mode", "navigate") == "navigate"
        fine = link or site in {"", "none", "same-origin"}
    elif site:
        fine = site in {"none", "same-origin"}
    elif origin is not None:
        fine = urlsplit(origin).netloc.lower() == headers["host"].lower()
    else:  # no browser of today; an old one at least shows that it is one
        fine = COOKIE not in headers.get("cookie", "")
    if fine:
        return None
    got = f"{site or 'of unknown site'} {origin or ''}".strip()
    return HTTPStatus.FORBIDDEN, f"Origin: must be a page of this service; got {got:.200}"


def _refused(status: HTTPStatus, line: str) -> ASGIApp:
    said = {"title": status.phrase, "status": status, "detail": str(AcnEvalError(line))}
    return JSONResponse(said, status, media_type="application/problem+json")
