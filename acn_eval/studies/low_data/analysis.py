"""What the results of a low-data suite mean."""

from collections.abc import Iterator, Mapping
from typing import Any

from acn_eval.statistics.analysis import Analysis, Asked, Endpoint
from acn_eval.statistics.curves import PER_CLASS
from acn_eval.studies.low_data.findings import learning_findings, log_trapezoid

__all__ = ["ANALYSIS"]

_AREA = Endpoint(
    "area over log size",
    "learns more from little data",
    "learns less from little data",
    weigh=log_trapezoid,
    findings=learning_findings,
    replicate="draw",
    least=5,
    alone=False,
)


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    for size in suite.get("per_class", ()):
        yield Asked({"per_class": size})


ANALYSIS = Analysis(
    lambda conditions: _AREA,
    (_AREA,),
    axes=(PER_CLASS,),
    whole=lambda cells: [],  # many networks, none of which is the whole one
    asked=_asked,
)
