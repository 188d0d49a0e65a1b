"""What the results of a rotation suite mean."""

from acn_eval.statistics.analysis import Analysis, Endpoint
from acn_eval.statistics.curves import Axis

__all__ = ["ANALYSIS"]

_TURNED = Endpoint("mean of turned images", "more robust to rotation", "less robust to rotation")

ANALYSIS = Analysis(
    lambda conditions: _TURNED,
    (_TURNED,),
    axes=(Axis("turns", "quarter turns", place="{} quarter turns"),),
    whole=lambda cells: [cell for cell in cells if not cell.condition["turns"]],
)
