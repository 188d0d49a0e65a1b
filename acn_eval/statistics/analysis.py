"""What the statistics must know of a study: its endpoint, its conditions and their names."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import ConfigError
from acn_eval.results import Cell, EvalResult, Scalar
from acn_eval.statistics.comparison import Finding, ManifestRow, name_of
from acn_eval.statistics.curves import Axis, Curves, curves
from acn_eval.statistics.metrics import METRICS, Metric

if TYPE_CHECKING:
    from acn_eval.statistics.design import Design

__all__ = ["Analysis", "Asked", "Decisive", "Endpoint", "like_primary"]

Conditions = Sequence[Mapping[str, Scalar]]
Suite = Mapping[str, Any]
Results = Sequence[EvalResult]
Findings = Callable[["Design", Results, Results], tuple[Finding, ...]]


def like_primary(*fields: str, at: int = 0) -> Callable[[Sequence[Cell]], list[Cell]]:
    """Return what takes the cells that equal the primary cell at a position in some fields."""

    def chosen(cells: Sequence[Cell]) -> list[Cell]:
        marked = [c.condition for c in cells if c.primary][at:][:1]
        return [
            c for c in cells for m in marked if all(c.condition.get(f) == m.get(f) for f in fields)
        ]

    return chosen


@dataclass(frozen=True)
class Decisive:
    """The finding that a verdict is about, where it is not about the endpoint.

    Attributes:
        name: of the finding.
        less, more: what the candidate does where its own is smaller, and where it is larger,
            before "than".
        beside: the finding that less of it may cost, if there is one.
        whole: fields of the condition whose difference is stated beside it, if there is one.
    """

    name: str
    less: str
    more: str
    beside: str = ""
    whole: Mapping[str, Scalar] | None = None


@dataclass(frozen=True)
class Endpoint:
    """How the primary cells of one kind of suite become one number per example.

    Attributes:
        better, worse: what the candidate is or does, before "than".
        scales: whether a claim must also hold against the clean accuracy and in logits.
        changed, unchanged: names of the endpoint and of its reference, the first condition,
            in the words of a claim.
        reference: fields of that first condition.
        weigh: conditions of the primary cells to weights, which are then divided by their sum.
        findings: what else the suite finds.
        manifest: what else must be equal in a fair pair of candidates and baselines.
        moved_by: rows of the fair pair that change the endpoint by themselves: where one of them
            differs, no side is called better or worse.
        decisive: the finding that decides; None where the primary endpoint does.
        replicate: what the files of one side are: seeds of training, or draws of its data.
        least: replicates per side that a claim on architectures needs.
        alone: whether one file per side is a question of its own: which of two checkpoints that
            somebody holds. Trainings that the suite did itself are a sample, or nothing.
        margin: difference on the endpoint that counts as none, a fraction of 1; None where the
            suite states none.
        finding_margin: the same of the decisive finding, in points.
    """

    name: str
    better: str
    worse: str
    scales: bool = False
    changed: str = "corrupted"
    unchanged: str = "clean"
    reference: Mapping[str, Scalar] = field(default_factory=lambda: {"corruption": "clean"})
    weigh: Callable[[Conditions], NDArray[np.float64]] = lambda own: np.ones(len(own))
    findings: Findings = lambda design, candidates, baselines: ()
    manifest: Callable[[Results, Results], tuple[ManifestRow, ...]] = lambda ours, theirs: ()
    moved_by: frozenset[str] = frozenset()
    decisive: Decisive | None = None
    replicate: str = "seed"
    least: int = 3
    alone: bool = True
    margin: float | None = None
    finding_margin: float | None = None

    def weights(self, conditions: Conditions, primary: Sequence[bool]) -> NDArray[np.float64]:
        """Return the weight of every condition (conditions,); they add up to 1."""
        found = np.zeros(len(conditions))
        own = [c for c, counts in zip(conditions, primary, strict=True) if counts]
        weights = self.weigh(own)
        found[list(primary)] = weights / weights.sum()
        return found


@dataclass(frozen=True)
class Asked:
    """A condition that a suite names.

    Attributes:
        condition: the fields that the suite fixes; those of a network (its exits) are not here.
        count: how many conditions of the results have these fields: one per draw of the noise.
    """

    condition: Mapping[str, Scalar]
    count: int = 1

    def found(self, conditions: Iterable[Mapping[str, Scalar]]) -> bool:
        """Whether so many of the conditions have these fields."""
        own = self.condition.items()
        return sum(all(c.get(k) == v for k, v in own) for c in conditions) >= self.count

    def missed(self, conditions: Iterable[Mapping[str, Scalar]]) -> bool:
        """Whether one of the conditions, which are known to be absent, says that it is."""
        own = self.condition
        return any(all(own.get(k, v) == v for k, v in c.items()) for c in conditions)


@dataclass(frozen=True)
class Analysis:
    """What the results of one study mean.

    Attributes:
        endpoint: the primary endpoint, from the conditions that count in it.
        endpoints: every endpoint that a suite of the study may have.
        axes: what its curves may run over, the most important first; by default levels.
        bare: fields of a condition whose values need no name beside them.
        words: what the label of a condition adds to its places on the axes and its noise.
        whole: takes the cells that show a network as it is: to its last exit, with all of its
            weights, after its last task.
        remarks: what else the results of one side say, as sentences; its label comes first.
        asked: the conditions that the config of a suite names. What depends on the network, or
            on training alone, is not among them.
        fits: whether something is trained or fitted: outcomes are then not those of the file
            alone.
        finding_margin: field of the suite that states the margin of the decisive finding.
        metric: in which networks are compared.
    """

    endpoint: Callable[[Conditions], Endpoint]
    endpoints: tuple[Endpoint, ...]
    axes: tuple[Axis, ...] = ()
    bare: frozenset[str] = frozenset()
    words: Callable[[Mapping[str, Scalar]], Iterable[str]] = lambda condition: ()
    whole: Callable[[Sequence[Cell]], list[Cell]] = list
    remarks: Callable[[str, Results], str] = lambda label, results: ""
    asked: Callable[[Suite], Iterable[Asked]] = lambda suite: ()
    fits: bool = True
    finding_margin: str = "equivalence_margin"
    metric: Metric = METRICS["accuracy"]

    def label(self, condition: Mapping[str, Scalar]) -> str:
        """Name a condition in a few words."""
        places = [a.place.format(condition[a.field]) for a in self.axes if a.field in condition]
        words, noise = [*filter(None, places), *self.words(condition)], name_of(condition)
        return ", ".join([*words, *([noise] if noise != "clean" or not words else [])])

    def curves(self, conditions: Conditions) -> Curves:
        """Return conditions as lines over the axis of the study."""
        return curves(conditions, self.axes, self.bare)

    def endpoint_of(self, suite: Suite, conditions: Conditions = ()) -> Endpoint:
        """Return the endpoint of a suite with its margins; `conditions` are those that count.

        What a suite finds is about accuracy: another metric keeps the weights, and the margin that
        the suite states for it.
        """
        words, own = self.endpoint(conditions), _margin(suite, self.finding_margin)
        quantity = self.metric.quantity
        if quantity.scored:
            margin, points = _margin(suite, "equivalence_margin"), 100 * own if own else None
            return replace(words, margin=margin, finding_margin=points)
        better, worse = (f"is {side} in {quantity.name}" for side in ("better", "worse"))
        name = next((name for name, metric in METRICS.items() if metric is self.metric), "")
        margin = _margin(suite.get("equivalence_margins"), name, math.inf)
        plain = Endpoint(words.name, better, worse, weigh=words.weigh, margin=margin)
        return replace(plain, replicate=words.replicate, least=words.least, alone=words.alone)

    def asked_by(self, suite: Suite) -> tuple[Asked, ...]:
        """Return the conditions that the config of a suite names.

        Raises:
            ConfigError: not the config of a suite.
        """
        try:
            return tuple(self.asked(suite))
        except (AttributeError, LookupError, TypeError, ValueError) as exc:
            name = suite.get("name", "suite")
            raise ConfigError(f"{name}: must be the config of a suite; {exc!r}") from exc


def _margin(stated: Any, field: str, least_wrong: float = 1) -> float | None:
    """Results of other versions state none."""
    margin = stated.get(field) if isinstance(stated, Mapping) else None
    return float(margin) if isinstance(margin, int | float) and 0 < margin < least_wrong else None
