"""What a job asks for: one schema for the API, the command line and a profile's YAML."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from acn_eval.config_files import Config, Seed, Text

__all__ = [
    "LONGEST",
    "Check",
    "Data",
    "Evaluate",
    "Judge",
    "Request",
    "content_key",
    "parse_request",
]

LONGEST = 500
"""Characters of an address."""
Address = Annotated[str, Field(min_length=1, max_length=LONGEST)]
_BYTES = 2**16  # of which a page of jobs has 200
Addresses = Annotated[tuple[Address, ...], Field(min_length=1, max_length=64)]


class Data(Config, frozen=True):
    """Which examples, see `DataSelection`; what is left out is as on the command line."""

    name: Text = ""
    limit: Annotated[int, Field(ge=2, lt=2**31)] | None = None
    classes: tuple[Text, ...] = ()
    class_names: dict[Text, Text | None] = Field(default_factory=dict, max_length=10_000)
    class_order: Text | None = None
    restricted: bool = False

    @model_validator(mode="after")
    def _require_few_bytes(self) -> "Data":
        if (size := len(self.model_dump_json().encode())) > _BYTES:
            msg = f"must have at most {_BYTES:,} bytes of JSON; got {size:,}"
            raise ValueError(msg)
        return self


class Check(Config, frozen=True):
    """A job that measures nothing: it shows that a worker takes jobs, and imports no torch.

    Attributes:
        name: tells two checks apart, for equal requests that wait are one job.
        steps: how often progress is reported.
        seconds: how long it takes.
    """

    kind: Literal["check"] = "check"
    name: Text = ""
    steps: Annotated[int, Field(ge=1, le=1000)] = 1
    seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0


class Evaluate(Config, frozen=True):
    """A suite on one or several checkpoints, as `acn-eval SUITE --ckpt ... --baseline ...`.

    Attributes:
        suite: name of a shipped suite, or of a YAML that the service knows.
        candidates, baselines: addresses of checkpoints; see `RunOptions`.
    """

    kind: Literal["evaluate"] = "evaluate"
    suite: Text = "robustness"
    candidates: Addresses
    baselines: tuple[Address, ...] | None = Field(default=None, max_length=64)
    data: Data = Data()
    seed: Seed | None = None
    metric: Text | None = None


class Judge(Config, frozen=True):
    """A gate, as `acn-eval gate`.

    Attributes:
        gate: name of a shipped gate, or of a YAML that the service knows.
        candidate, baseline: addresses of checkpoints; without a baseline, the candidate is
            measured and gets no verdict.
        anchor: address of a further baseline, where a promotion must pass against it, too.
        look: how many candidates of its profile were judged, this one included, where the
            profile spends alpha: it is judged at alpha / (look (look + 1)). 0 spends none, and
            is all that a request from outside may state.
    """

    kind: Literal["gate"] = "gate"
    gate: Text = "gate"
    candidate: Address
    baseline: Address | None
    anchor: Address | None = None
    data: Data = Data()
    look: Annotated[int, Field(ge=0, le=10**6)] = 0


Request = Annotated[Check | Evaluate | Judge, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[Check | Evaluate | Judge] = TypeAdapter(Request)


def parse_request(fields: Any) -> Check | Evaluate | Judge:
    """Return the request of plain JSON.

    Raises:
        ValidationError: an unknown kind or field, or a wrong value.
    """
    return _ADAPTER.validate_python(fields)


def content_key(request: Check | Evaluate | Judge, *more: str) -> str:
    """Return the key (32 hex digits) that equal requests share: one job while it waits."""
    text = "\n".join((request.model_dump_json(), *more))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
