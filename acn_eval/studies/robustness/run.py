"""Robustness: every network under every condition."""

from collections.abc import Sequence
from functools import cached_property

from acn_eval.inference import ForwardUnit
from acn_eval.inference.numbers import NumberUnit
from acn_eval.results import EvalResult
from acn_eval.studies.robustness.measure import Showing
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.record import answered
from acn_eval.study.run import Study

__all__ = ["STUDY", "RobustnessStudy"]


class RobustnessStudy(Study[Robustness]):
    """One pass over the examples, and a result per checkpoint."""

    @cached_property
    def showing(self) -> Showing:
        """Every network and condition."""
        own = self.request
        subjects, numbers = own.subjects, own.whole.targets is not None
        unit = NumberUnit if numbers else ForwardUnit
        return Showing(own.suite, subjects, own, own.examples, unit=unit)

    def units(self) -> list[ForwardUnit]:
        """Return every network under every condition, chunk by chunk."""
        return self.showing.units

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint."""
        pairs = zip(self.request.subjects, self.showing.shown(outcomes), strict=True)
        return [answered(self.request, subject, shown.answer()) for subject, shown in pairs]


STUDY = RobustnessStudy
