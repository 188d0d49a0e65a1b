"""What the primary end point of each kind of suite is, and what may be said about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import ConfigError
from acn_eval.results import Cell, EvalResult, Scalar
from acn_eval.statistics.architectures import MIN_SEEDS
from acn_eval.statistics.comparison import Finding, name_of
from acn_eval.statistics.design import Design
from acn_eval.studies.compression.depth import depth_findings
from acn_eval.studies.continual.analysis import continual_findings
from acn_eval.studies.low_data.analysis import learning_findings, log_trapezoid
from acn_eval.studies.pruning.area import sparsity_trapezoid

__all__ = ["Decisive", "EndPoint", "end_point_of", "end_points"]

Conditions = Sequence[Mapping[str, Scalar]]
Findings = Callable[[Design, Sequence[EvalResult], Sequence[EvalResult]], tuple[Finding, ...]]


def _like_primary(*fields: str, at: int = 0) -> Callable[[Sequence[Cell]], list[Cell]]:
    """Take the cells that equal the primary cell at a position in some fields."""

    def chosen(cells: Sequence[Cell]) -> list[Cell]:
        marked = [c.condition for c in cells if c.primary][at:][:1]
        return [
            c for c in cells for m in marked if all(c.condition.get(f) == m.get(f) for f in fields)
        ]

    return chosen


def _without_blocks(condition: Mapping[str, Scalar]) -> str:
    block = condition.get("without")
    left = f"block {block}" if isinstance(block, int) else block
    return name_of(condition) + (f", without {left}" if left else "")


def _pruned(condition: Mapping[str, Scalar]) -> str:
    """``magnitude 0.6``, ``magnitude of 4 blocks 0.6, gaussian 0.1``."""
    if "method" not in condition:
        return name_of(condition)
    method = str(condition["method"]).replace("_", " ")
    cut = f" of {condition['blocks']} blocks" if "blocks" in condition else ""
    share = f" {condition['sparsity']:g}" if "sparsity" in condition else ""
    shown = name_of(condition)
    return f"{method}{cut}{share}{'' if shown == 'clean' else f', {shown}'}"


@dataclass(frozen=True)
class Decisive:
    """The finding that a verdict is about, where it is not about the end point.

    Attributes:
        name: of the finding.
        less, more: what is said where the candidate's is smaller, and where it is larger.
        beside: the finding that less of it may cost, if there is one.
    """

    name: str
    less: str
    more: str
    beside: str = ""

    def said(self, sign: int) -> str:
        """Return what is said of a difference of this sign."""
        return self.less if sign < 0 else self.more


@dataclass(frozen=True)
class EndPoint:
    """How the primary cells of one kind of suite become one number per image.

    Attributes:
        name: for tables.
        better, worse: what the candidate is said to be.
        scales: whether a claim must also hold against the clean accuracy and in logits.
        disturbed, undisturbed: what the end point shows networks as, and what they are held
            against, the first condition: in the words of a claim.
        weigh: conditions of the primary cells to weights, which are then divided by their sum.
        findings: what else the suite finds.
        decisive: the finding that decides; None where the primary end point does.
        replicate: what the files of one side are: seeds of training, or draws of its data.
        least: replicates a side before anything is said about architectures.
        alone: whether one file a side is a question of its own: which of two checkpoints that
            somebody holds. Trainings that the suite did itself are a sample, or nothing.
        label: names a condition in a few words.
        whole: takes the cells that show a network as it is: to its last exit, with all of its
            weights, after its last task.
        margin: difference on the end point that is as good as none, a fraction of 1; None where
            the suite states none.
        finding_margin: the same of the decisive finding, in points.
    """

    name: str
    better: str
    worse: str
    scales: bool = False
    disturbed: str = "corrupted"
    undisturbed: str = "clean"
    weigh: Callable[[Conditions], NDArray[np.float64]] = lambda own: np.ones(len(own))
    findings: Findings = lambda design, candidates, baselines: ()
    decisive: Decisive | None = None
    replicate: str = "seed"
    least: int = MIN_SEEDS
    alone: bool = True
    label: Callable[[Mapping[str, Scalar]], str] = name_of
    whole: Callable[[Sequence[Cell]], list[Cell]] = list
    margin: float | None = None
    finding_margin: float | None = None

    def weights(self, conditions: Conditions, primary: Sequence[bool]) -> NDArray[np.float64]:
        """Return the weight of every condition (conditions,); they add up to 1."""
        found = np.zeros(len(conditions))
        own = [c for c, counts in zip(conditions, primary, strict=True) if counts]
        weights = self.weigh(own)
        found[list(primary)] = weights / weights.sum()
        return found


def end_point_of(suite: Mapping[str, Any], conditions: Conditions = ()) -> EndPoint:
    """Return the end point of a suite; `conditions` are those that count in it."""
    kind = str(suite.get("kind", "robustness"))
    margin, depth = (_margin(suite, f) for f in ("equivalence_margin", "depth_margin"))
    own = depth if kind == "compression" else margin
    return replace(
        _end_point(kind, conditions), margin=margin, finding_margin=100 * own if own else None
    )


def _margin(suite: Mapping[str, Any], field: str) -> float | None:
    """Results of other versions state none."""
    stated = suite.get(field)
    return float(stated) if isinstance(stated, int | float) and 0 < stated < 1 else None


def _end_point(kind: str, conditions: Conditions) -> EndPoint:
    if kind == "robustness" and any(c.get("corruption") == "clean" for c in conditions):
        return _MIXED
    if kind == "compression" and {c.get("exit") for c in conditions} == {"last"}:
        return _WHOLE
    if kind not in _END_POINTS:
        raise ConfigError(f"suite: kind must be one of {', '.join(_END_POINTS)}; got {kind}")
    return _END_POINTS[kind]


def end_points() -> tuple[EndPoint, ...]:
    """Return every end point that a suite may have."""
    return _MIXED, _WHOLE, *_END_POINTS.values()


_MIXED = EndPoint("mean of all conditions", "more robust", "less robust", scales=True)
_WHOLE = EndPoint(  # one side has no other exits
    "last exit", "more accurate", "less accurate", whole=_like_primary("exit", at=-1)
)
_END_POINTS: Mapping[str, EndPoint] = {
    "robustness": EndPoint("mean corrupted", "more robust", "less robust", scales=True),
    "compression": EndPoint(
        "mean over exits",
        "more accurate over the depths",
        "less accurate over the depths",
        findings=depth_findings,
        decisive=Decisive(
            "share of the network needed", "needs less of its depth", "needs more of its depth"
        ),
        whole=_like_primary("exit", at=-1),
    ),
    "continual": EndPoint(
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
        whole=_like_primary("tasks", "scenario"),
    ),
    "dynamics": replace(
        _WHOLE, label=_without_blocks, whole=_like_primary("exit", "without", at=-1)
    ),
    "transfer": EndPoint(
        "probe of the last exit",
        "transfers better",
        "transfers worse",
        whole=_like_primary("protocol", "reading", "exit"),
    ),
    "pruning": EndPoint(
        "area over sparsity",
        "bears sparsity better",
        "bears sparsity worse",
        scales=True,
        disturbed="pruned",
        undisturbed="dense",
        weigh=sparsity_trapezoid,
        label=_pruned,
        whole=_like_primary("method", "sparsity", "blocks"),
    ),
    "low_data": EndPoint(
        "area over log size",
        "learns more from little data",
        "learns less from little data",
        weigh=log_trapezoid,
        findings=learning_findings,
        replicate="draw",
        whole=lambda cells: [],  # many networks, none of which is the whole one
        least=5,
        alone=False,
    ),
}
