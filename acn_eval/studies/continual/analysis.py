"""What the results of a continual-learning suite mean."""

from acn_eval.statistics.analysis import Analysis, Decisive, Endpoint, like_primary
from acn_eval.statistics.curves import Axis
from acn_eval.studies.continual.findings import continual_findings

__all__ = ["ANALYSIS"]

_LAST_TASK = Endpoint(
    "accuracy after the last task",
    "knows more after the last task",
    "knows less after the last task",
    findings=continual_findings,
    decisive=Decisive(
        "forgetting, task-IL",
        "forgets less",
        "forgets more",
        beside="accuracy right after learning, task-IL",
    ),
    alone=False,
)
ANALYSIS = Analysis(
    lambda conditions: _LAST_TASK,
    (_LAST_TASK,),
    axes=(Axis("tasks", "tasks learned"),),
    bare=frozenset({"scenario"}),
    whole=like_primary("tasks", "scenario"),
)
