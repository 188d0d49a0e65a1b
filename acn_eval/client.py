"""A client of the service: submits jobs, follows them, and reads what they found."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

from pydantic import BaseModel, ValidationError
from requests import PreparedRequest, RequestException, Response, Session
from requests.auth import AuthBase

from acn_eval.config_files import JSON_BYTES, parse_json
from acn_eval.errors import ConfigError, MeasureError, TrackingError
from acn_eval.foreign_text import shown
from acn_eval.service.answers import EventAnswer, JobAnswer, JobsAnswer
from acn_eval.service.records import FINAL
from acn_eval.service.requests import Check, Evaluate, Judge

__all__ = ["Check", "Client", "Evaluate", "Judge"]

_Kind = TypeVar("_Kind", bound=BaseModel)
_TRIES = 4
_PAUSE, _LONGEST = 0.5, 30.0  # seconds between two tries; the first doubles
_LATER = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_SILENCE = 60.0  # seconds; a stream of events says something every 15
_LINE = 1 << 20  # bytes
_LOOKS = (0.1, 2.0)  # seconds between two looks at a job, the first and the longest


@dataclass(frozen=True)
class Client:
    """A client of one service; its calls may be made from several threads.

    It asks that server alone: redirects and proxies are not followed, and so its token reaches
    nobody else. A server that is busy or away is asked four times, for one job in all.

    Attributes:
        url: address of the service; None takes ``ACN_EVAL_SERVER``.
        token: where the service asks for one; None takes ``ACN_EVAL_TOKEN``, if it is set.
        timeout: seconds that an answer may take to begin.
        say: takes a line where a call waits, because the server is busy or away.

    Raises:
        ConfigError: the service refuses the request, and says why in one line.
        TrackingError: the service does not answer, or not as this client understands.
    """

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    say: Callable[[str], None] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        url = self.url or os.environ.get("ACN_EVAL_SERVER") or "http://127.0.0.1:8000"
        token = self.token or os.environ.get("ACN_EVAL_TOKEN")
        try:
            parts = urlsplit(url)
            readable = bool(parts.hostname) and parts.port != 0 and url.isprintable()
        except ValueError:
            readable = False
        if not readable or parts.scheme not in {"http", "https"} or parts.query or parts.username:
            raise ConfigError(f"`server`: must be http://HOST:PORT; got {shown(url)}", "server")
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise ConfigError("`token`: must be what `acn-eval token create` printed", "token")
        object.__setattr__(self, "url", url.rstrip("/"))
        object.__setattr__(self, "token", token)

    def submit(self, request: Check | Evaluate | Judge) -> JobAnswer:
        """Queue a job, or return the one of an equal request that still waits."""
        return self._read(JobAnswer, "POST", "/v1/jobs", body=request.model_dump(mode="json"))

    def job(self, number: int) -> JobAnswer:
        """Return a job as it stands."""
        return self._read(JobAnswer, "GET", f"/v1/jobs/{number}")

    def jobs(
        self,
        *,
        states: Sequence[str] = (),
        model: str | None = None,
        version: int | None = None,
        page: int = 50,
    ) -> Iterator[JobAnswer]:
        """Yield jobs, the latest first, of a model or in certain states; pages are read on."""
        asked = {"state": [*states], "model": model, "version": version, "limit": page}
        following: int | None = None
        while True:
            found = self._read(
                JobsAnswer, "GET", "/v1/jobs", parameters={**asked, "before": following}
            )
            yield from found.items
            following = found.next
            if following is None:
                return

    def cancel(self, number: int) -> JobAnswer:
        """Cancel a job: at once if it waits, soon if it runs."""
        return self._read(JobAnswer, "DELETE", f"/v1/jobs/{number}")

    def retry(self, number: int) -> JobAnswer:
        """Queue a job once more that failed, was refused or cancelled."""
        return self._read(JobAnswer, "POST", f"/v1/jobs/{number}/retry")

    def events(self, number: int, *, after: int = 0) -> Iterator[EventAnswer]:
        """Yield what happens to a job, each event once, until the job ends.

        A stream that breaks is taken up where it broke.

        Args:
            number: of the job.
            after: number of the last event that the caller knows.
        """
        silent = 0  # streams in a row that brought no event
        while silent < _TRIES:
            before = after
            try:
                for event in self._stream(number, after):
                    after = event.id
                    yield event
                    if event.data.get("state") in FINAL:
                        return
            except RequestException as exc:
                if silent + 1 == _TRIES:
                    raise self._away(exc) from exc
            else:
                if self.job(number).state in FINAL and after == before:
                    return
            silent = 0 if after > before else silent + 1
            time.sleep(min(_PAUSE * 2**silent, _LONGEST))
        raise TrackingError(f"{self.url}: must go on telling of job {number}; it says nothing")

    def wait(self, number: int, *, timeout: float | None = None) -> JobAnswer:
        """Return a job when it has ended.

        Raises:
            MeasureError: it has not ended after so many seconds; it goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pause, longest = _LOOKS
        while True:
            found = self.job(number)
            if found.state in FINAL:
                return found
            if end is not None and time.monotonic() + pause > end:
                msg = f"job {number}: must end within {timeout:g} s; it is {found.state}"
                raise MeasureError(msg)
            time.sleep(pause)
            pause = min(pause * 1.5, longest)

    def verdict(self, number: int) -> dict[str, Any]:
        """Return the verdict of a job of a gate, with every rule, as `acn-eval gate --json`."""
        return self._facts(f"/v1/jobs/{number}/verdict")

    def result(self, key: str) -> dict[str, Any]:
        """Return a stored result by its key."""
        return self._facts(f"/v1/results/{quote(key, safe='')}")

    def compare(self, candidate: str, baseline: str) -> dict[str, Any]:
        """Return the comparison of two stored results, given by their keys."""
        return self._facts("/v1/compare", {"candidate": candidate, "baseline": baseline})

    def models(self) -> dict[str, Any]:
        """Return the registered models that the service knows."""
        return self._facts("/v1/models")

    def model(self, name: str, version: int | None = None) -> dict[str, Any]:
        """Return what the service knows of a registered model, or of one version of it."""
        path = f"/v1/models/{quote(name, safe='')}"
        return self._facts(path if version is None else f"{path}/versions/{version}")

    def ready(self) -> dict[str, Any]:
        """Return whether the service can work, and what it lacks where it cannot."""
        status, content = self._asked("GET", "/readyz", patient=False)
        if status not in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}:
            raise self._refusal(status, content)
        return self._mapping(content)

    def _read(
        self,
        kind: type[_Kind],
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> _Kind:
        status, content = self._asked(method, path, body=body, parameters=parameters)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(status, content)
        try:
            return kind.model_validate_json(content)
        except ValidationError as exc:
            raise self._strange(str(exc.errors(include_url=False)[0]["msg"])) from exc

    def _facts(self, path: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        status, content = self._asked("GET", path, parameters=parameters)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._refusal(status, content)
        return self._mapping(content)

    def _mapping(self, content: bytes) -> dict[str, Any]:
        try:
            found = parse_json(content)
        except ValueError as exc:
            raise self._strange(str(exc)) from exc
        if not isinstance(found, dict):
            raise self._strange(f"JSON that is a {type(found).__name__}")
        return found

    def _asked(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
        patient: bool = True,
    ) -> tuple[int, bytes]:
        """Return status and content of an answer; a server that is busy or away is asked again."""
        tries = _TRIES if patient else 1
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else None
        for count in range(1, tries + 1):
            try:
                with (
                    self._session() as session,
                    closing(
                        session.request(
                            method,
                            f"{self.url}{path}",
                            json=body,
                            params=parameters,
                            headers=headers,
                            timeout=self.timeout,
                            allow_redirects=False,
                            stream=True,
                        )
                    ) as answer,
                ):
                    status, content = answer.status_code, _limited(answer)
                    pause = _pause(answer, count)
            except (RequestException, ValueError) as exc:
                if count == tries:
                    raise self._away(exc) from exc
                pause, why = _PAUSE * 2 ** (count - 1), str(self._away(exc))
            else:
                if status not in _LATER or count == tries:
                    return status, content
                why = str(self._refusal(status, content))
            if count == 1 and self.say:
                self.say(f"waiting: {why}")
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _stream(self, number: int, after: int) -> Iterator[EventAnswer]:
        with (
            self._session() as session,
            closing(
                session.get(
                    f"{self.url}/v1/jobs/{number}/events",
                    headers={"Accept": "text/event-stream", "Last-Event-ID": str(after)},
                    timeout=(self.timeout, _SILENCE),
                    allow_redirects=False,
                    stream=True,
                )
            ) as answer,
        ):
            if answer.status_code in _LATER:
                raise RequestException(f"HTTP {answer.status_code}")
            if answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
                raise self._refusal(answer.status_code, _limited(answer))
            for line in _lines(answer):
                if line.startswith(b"data:"):
                    try:
                        yield EventAnswer.model_validate_json(line.removeprefix(b"data:"))
                    except ValidationError as exc:
                        raise self._strange("an event that is none") from exc

    def _session(self) -> Session:
        session = Session()
        session.trust_env = False  # proxies, and passwords of .netrc in place of the token
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        session.auth = _Bearer(self.token) if self.token else None
        return session

    def _refusal(self, status: int, content: bytes) -> ConfigError | TrackingError:
        """Return the error of an answer: the line that the service gave, if it gave one."""
        try:
            found = parse_json(content)
            line = found["detail"]
        except (ValueError, LookupError, TypeError):
            line = f"{self.url}: must be a service of acn-eval; got HTTP {status}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
            return TrackingError(str(line))
        return ConfigError(str(line))

    def _strange(self, what: str) -> TrackingError:
        return TrackingError(f"{self.url}: must answer as a service of acn-eval; got {what}")

    def _away(self, exc: BaseException) -> TrackingError:
        while exc.__context__ is not None:  # requests wraps the error of the system
            exc = exc.__context__
        why = str(exc) or type(exc).__name__
        return TrackingError(f"{self.url}: must be a service that answers; got {why}")


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _limited(answer: Response) -> bytes:
    """Return the content of an answer that is as long as JSON here may be.

    Raises:
        ValueError: it is longer.
    """
    content = b""
    for part in answer.iter_content(1 << 16):
        content += part
        if len(content) > JSON_BYTES:
            raise ValueError(f"an answer of more than {JSON_BYTES:,} bytes")
    return content


def _lines(answer: Response) -> Iterator[bytes]:
    """Yield the lines of a stream as they come.

    Raises:
        RequestException: a line without an end.
    """
    held = b""
    for part in answer.iter_content(None):
        held += part
        *lines, held = held.split(b"\n")
        yield from lines
        if len(held) > _LINE:
            raise RequestException("a line without an end")


def _pause(answer: Response, count: int) -> float:
    """Return the seconds that a server asks to be left alone, within limits."""
    stated = answer.headers.get("Retry-After", "")
    wanted = float(stated) if stated.isdecimal() else _PAUSE * 2 ** (count - 1)
    return min(wanted, _LONGEST)
