"""What the results of a robustness suite mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Asked, Endpoint

__all__ = ["ANALYSIS", "noise_asked"]

_NO_CONDITION = {"kind", "levels"}
_CORRUPTED = Endpoint("mean corrupted", "is more robust", "is less robust", scales=True)
_MIXED = Endpoint("mean of all conditions", "is more robust", "is less robust", scales=True)


def _endpoint(conditions: Sequence[Mapping[str, Scalar]]) -> Endpoint:
    clean = any(c.get("corruption") == "clean" for c in conditions)
    return _MIXED if clean else _CORRUPTED


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    if "corruptions" in suite:
        yield from _shown(suite)


def noise_asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Yield the conditions of the robustness suite inside another; None shows clean images."""
    if "noise" in suite:
        yield from _shown(suite["noise"] or {})


def _shown(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Clean images, and every corruption at every level."""
    yield Asked({"corruption": "clean"})
    for corruption in suite.get("corruptions", ()):
        fields = {k: v for k, v in corruption.items() if k not in _NO_CONDITION}
        for level in corruption["levels"]:
            condition = {"corruption": corruption["kind"], "level": level, **fields}
            yield Asked(condition, int(suite.get("repeats", 1)))


ANALYSIS = Analysis(_endpoint, (_MIXED, _CORRUPTED), asked=_asked, fits=False)
