"""What the results of a transfer suite mean."""

from collections.abc import Iterator, Mapping
from typing import Any

from acn_eval.statistics.analysis import Analysis, Asked, Endpoint, like_primary
from acn_eval.statistics.curves import EXIT, PER_CLASS
from acn_eval.studies.robustness.analysis import noise_asked

__all__ = ["ANALYSIS"]

_PROBE = Endpoint("probe of the last exit", "transfers better", "transfers worse")


def _asked(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Probes are fitted once, whatever the draws of the noise."""
    for own in noise_asked(suite):
        yield Asked({**own.condition, "exit": "last"})


ANALYSIS = Analysis(
    lambda conditions: _PROBE,
    (_PROBE,),
    axes=(EXIT, PER_CLASS),
    bare=frozenset({"protocol", "reading"}),
    whole=like_primary("protocol", "reading", "exit"),
    asked=_asked,
)
