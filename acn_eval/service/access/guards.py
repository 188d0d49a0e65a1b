"""Who asks: a token in `Authorization`, the session of a browser, or everyone on this machine."""

import re
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic

from starlette.exceptions import HTTPException
from starlette.requests import Request

from acn_eval.service.access.audit import FAILED, Audit
from acn_eval.service.access.shield import COOKIE, is_local
from acn_eval.service.access.tokens import LOCAL, Principal, Scope, Tokens
from acn_eval.service.service import Service

__all__ = ["Principal", "Scope", "needs", "note_failure", "principal_of", "require"]

_FAILURES, _IN_ALL = 10, 100  # of one address in a minute, which are answered 401 and noted
_CREATE = "Create one: acn-eval token create"
_FORWARDED = re.compile(
    r"via|(x-)?forwarded(-.*)?|x-(original|envoy)-.*|(.*-)?(client|connecting|real)-ip"
)


class _Failures:
    """How many wrong tokens each address has sent in this minute."""

    def __init__(self) -> None:
        self._minute, self._counts = 0, Counter[str]()

    def count(self, address: str) -> bool:
        """Count one more; return whether there were too many before."""
        minute = int(monotonic() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        if self._counts[address] >= _FAILURES or self._counts.total() >= _IN_ALL:
            return True
        self._counts[address] += 1
        return False


def needs(scope: Scope) -> Callable[[Request], Principal]:
    """Return a dependency of FastAPI: whoever asks, if they hold a scope.

    It answers 401 where nobody known asks, 403 where the scope is missing, and 429 where one
    address sends many wrong tokens; a right one is never refused for those. The application has
    the service as ``app.state.service``.
    """

    def checked(request: Request) -> Principal:
        found = principal_of(request)
        if found is None:
            wrong = "authorization" in request.headers  # an old cookie is no attack
            raise note_failure(request) if wrong else _unknown("none")
        require(found, scope)
        return found

    return checked


def require(who: Principal, scope: Scope) -> None:
    """Answer 403 where somebody does not hold a scope."""
    if not who.may(scope):
        line = f"scope: must be {scope}; got {who.scope}. {_CREATE}"
        challenge = f'Bearer realm="acn-eval", error="insufficient_scope", scope="{scope}"'
        raise HTTPException(HTTPStatus.FORBIDDEN, line, {"WWW-Authenticate": challenge})


def principal_of(request: Request) -> Principal | None:
    """Return who asks; None if nobody known does.

    A header counts before a cookie. Without any token in the database it is `LOCAL`, unless the
    request came from elsewhere: a proxy on this machine says so.
    """
    service: Service = request.app.state.service
    tokens = Tokens(service.database)
    given = request.headers.getlist("authorization")
    if given:
        scheme, _, text = given[0].partition(" ")
        bearer = len(given) == 1 and scheme.lower() == "bearer"
        found = tokens.principal(text.strip()) if bearer else None
        request.state.token_accepted = found is not None
        return found
    if cookie := request.cookies.get(COOKIE):
        return tokens.of_session(cookie)
    came = request.client.host if request.client else None
    here = is_local(came) and not any(map(_FORWARDED.fullmatch, request.headers))
    return LOCAL if here and tokens.none() else None


def note_failure(request: Request) -> HTTPException:
    """Note a wrong token in the log of who did what, and return what answers it."""
    state = request.app.state
    if not hasattr(state, "failures"):
        state.failures = _Failures()
    address = request.client.host if request.client else "unknown"
    if state.failures.count(address):
        most = f"{_FAILURES} a minute of one address, and {_IN_ALL} of all"
        line = f"wrong tokens: must be at most {most}. Wait."
        return HTTPException(HTTPStatus.TOO_MANY_REQUESTS, line, {"Retry-After": "60"})
    agent = request.headers.get("user-agent", "no user agent")
    Audit(state.service.database).note(address, FAILED, agent)
    return _unknown("another, or one that expired or was revoked")


def _unknown(got: str) -> HTTPException:
    line = f"Authorization: must be `Bearer` and a valid token; got {got}. {_CREATE}"
    challenge = {"WWW-Authenticate": 'Bearer realm="acn-eval"'}
    return HTTPException(HTTPStatus.UNAUTHORIZED, line, challenge)
