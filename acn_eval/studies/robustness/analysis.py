"""What the results of a robustness suite mean."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Asked, Endpoint

__all__ = ["ANALYSIS", "noise_asked"]

_CORRUPTED = Endpoint("mean corrupted", "is more robust", "is less robust", scales=True)
_MIXED = Endpoint("mean of all conditions", "is more robust", "is less robust", scales=True)


def _endpoint(conditions: Sequence[Mapping[str, Scalar]]) -> Endpoint:
    return _MIXED if any(c.get("corruption") == "clean" for c in conditions) else _CORRUPTED


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    return noise_asked({"noise": suite} if "corruptions" in suite else {})


def noise_asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Yield clean images, and every condition of the robustness suite inside another, if any."""
    if "noise" in suite:
        noise = suite["noise"] or {}
        yield Asked({"corruption": "clean"})
        for corruption in noise.get("corruptions", ()):
            fields = {k: v for k, v in corruption.items() if k not in {"kind", "levels", "name"}}
            called = corruption.get("name", corruption["kind"])  # of images that are given
            for level in corruption["levels"]:
                condition = {"corruption": called, "level": level, **fields}
                yield Asked(condition, int(noise.get("repeats", 1)))


ANALYSIS = Analysis(_endpoint, (_MIXED, _CORRUPTED), asked=_asked, fits=False)
