"""What the results of a dynamics suite mean."""

from collections.abc import Iterator, Mapping

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Endpoint, like_primary
from acn_eval.statistics.curves import EXIT

__all__ = ["ANALYSIS"]

_LAST = Endpoint("last exit", "is more accurate", "is less accurate")


def _words(condition: Mapping[str, Scalar]) -> Iterator[str]:
    block = condition.get("without")
    if block is not None:
        yield f"without block {block}" if isinstance(block, int) else f"without {block}"


ANALYSIS = Analysis(
    lambda conditions: _LAST,
    (_LAST,),
    axes=(EXIT,),
    words=_words,
    whole=like_primary("exit", "without", at=-1),
)
