"""What the results of a dynamics suite mean."""

from collections.abc import Mapping

from acn_eval.results import Scalar
from acn_eval.statistics.analysis import Analysis, Endpoint, like_primary
from acn_eval.statistics.comparison import name_of

__all__ = ["ANALYSIS"]

_LAST = Endpoint("last exit", "more accurate", "less accurate")


def _label(condition: Mapping[str, Scalar]) -> str:
    block = condition.get("without")
    left = f"block {block}" if isinstance(block, int) else block
    return name_of(condition) + (f", without {left}" if left else "")


ANALYSIS = Analysis(
    lambda conditions: _LAST,
    (_LAST,),
    label=_label,
    whole=like_primary("exit", "without", at=-1),
)
