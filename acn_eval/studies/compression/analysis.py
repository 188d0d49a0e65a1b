"""What the results of a compression suite mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Asked, Decisive, Endpoint, like_primary
from acn_eval.statistics.curves import EXIT
from acn_eval.studies.compression.collapse import in_words, told_apart
from acn_eval.studies.compression.depth import depth_findings
from acn_eval.studies.robustness.analysis import noise_asked

__all__ = ["ANALYSIS"]

_LAST = Endpoint("last exit", "is more accurate", "is less accurate")
_EXITS = Endpoint(
    "mean over exits",
    "is more accurate over its exits",
    "is less accurate over its exits",
    findings=depth_findings,
    manifest=told_apart,
    decisive=Decisive(
        "share of the network needed",
        "needs less of its depth",
        "needs more of its depth",
        whole={"corruption": "clean", "exit": "last"},
    ),
)


def _endpoint(conditions: Sequence[Mapping[str, Scalar]]) -> Endpoint:
    """A side may have its last exit alone."""
    return _LAST if {c.get("exit") for c in conditions} == {"last"} else _EXITS


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Every network has a last exit."""
    for own in noise_asked(suite):
        yield replace(own, condition={**own.condition, "exit": "last"})


ANALYSIS = Analysis(
    _endpoint,
    (_LAST, _EXITS),
    axes=(EXIT,),
    bare=frozenset({"policy"}),
    whole=like_primary("exit", at=-1),
    remarks=in_words,
    asked=_asked,
    fits=False,
    finding_margin="depth_margin",
)
