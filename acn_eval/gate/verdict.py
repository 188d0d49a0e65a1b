"""What a gate says: one row per rule and one verdict, plain records in fractions of 1."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from acn_eval.config_files import Record
from acn_eval.results import EvalResult
from acn_eval.statistics import Estimate
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["Decision", "GateRule", "Measure", "Network", "Verdict"]

Measure = Literal["difference", "accuracy"]
Decision = Literal["pass", "fail", "no_verdict"]


@dataclass(frozen=True)
class Network(Record):
    """One side: its short name, the hash of its weights, and the key of its result."""

    name: str
    sha256: str
    key: str

    @staticmethod
    def of(result: EvalResult) -> "Network":
        """Read it from a result."""
        return Network(result.checkpoint.name, result.checkpoint.sha256, result.key)


@dataclass(frozen=True)
class GateRule(Record):
    """One rule and what the examples say about it.

    Attributes:
        name: of the endpoint or condition, e.g. ``"mean corrupted"``.
        measure: "difference" (candidate - baseline) or "accuracy" (of the candidate).
        required: must be cleared for a PASS; otherwise the rule only raises an alarm.
        bound: what the value must be above: minus the margin, or the floor.
        n: number of examples.
        estimate: the value with two one-sided limits; None if not measured.
        level, upper_level: of the lower limit, and of the upper one, which is adjusted over all
            rules of the gate. These limits decide: a rule passes exactly where its lower limit
            is above the bound, and fails exactly where its upper limit is below it.
        p_pass: p of "not above the bound"; the rule is cleared where it is below alpha.
        p_fail: p of "not below the bound", adjusted over all rules of the gate.
        mde: distance from the bound that n examples show with 80 % power; None where n was not
            fixed.
        images_needed: examples for a verdict with 80 % power if the two do not differ (of a
            floor: if the accuracy is as estimated); None where no number suffices.
        note: in words: why it was not measured, or what else there is to know.
        quantity: what is judged. Where lower is better, the value must be below the bound.
    """

    name: str
    measure: Measure
    required: bool
    bound: float
    n: int = 0
    estimate: Estimate | None = None
    level: float = 0.0
    upper_level: float = 0.0
    p_pass: float = 1.0
    p_fail: float = 1.0
    verdict: Decision | Literal["not_measured"] = "not_measured"
    mde: float | None = None
    images_needed: int | None = None
    note: str = ""
    quantity: Quantity = SHARE


@dataclass(frozen=True)
class Verdict(Record):
    """Whether the candidate may replace the baseline.

    Attributes:
        n: number of examples that were judged.
        total: number that was fixed before the first look; equal to n unless stopped early.
        alpha: error rate of the whole gate.
        rules: required ones first.
        early: stopped before all examples were shown: limits hold at any stop, and no other
            number of the results may be used.
        identical: the two are one network, so that only floors had to be judged.
        warnings: what a reader must know, in words.
        overrides: what was taken instead of what the gate fixes, in words; each forbids a PASS.
        classes: that were judged; a run may have chosen some of all that the data have.
        all_classes: number of these; 0 in older files.
    """

    gate: str
    suite: str
    data: str
    candidate: Network
    baseline: Network
    verdict: Decision
    sentence: str
    n: int
    total: int
    alpha: float
    rules: tuple[GateRule, ...]
    early: bool = False
    identical: bool = False
    warnings: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    all_classes: int = 0

    @property
    def chosen(self) -> bool:
        """Whether only some classes of the data were judged."""
        return self.all_classes > len(self.classes)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 no verdict."""
        return {"pass": 0, "fail": 1, "no_verdict": 3}[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)
