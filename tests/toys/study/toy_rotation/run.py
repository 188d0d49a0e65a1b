"""Rotation: one unit per network and position."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.data import Examples
from acn_eval.inference import CLEAN, EvaluatedModel, Runtime
from acn_eval.results import Cell, EvalResult
from acn_eval.study.record import Answer, answered
from acn_eval.study.request import Request
from acn_eval.study.run import Study, Unit

__all__ = ["STUDY", "RotationStudy"]


@dataclass(frozen=True)
class Turned(Unit):
    """One network on all examples, turned by some quarters."""

    subject: EvaluatedModel
    examples: Examples
    turns: int

    @property
    def address(self) -> str:
        """Of the network, the examples and the position."""
        network = self.subject.checkpoint.id.sha256
        return OutcomeCache.key(["rotation", network, self.examples.digest, self.turns])

    @property
    def cost(self) -> int:
        """Number of examples."""
        return len(self.examples)

    @property
    def bundle(self) -> int:
        """The position: its networks are measured together."""
        return self.turns

    @property
    def cacheable(self) -> bool:
        """Whether the network has a file."""
        return self.subject.checkpoint.id.cacheable

    @classmethod
    def measure(
        cls, units: Sequence["Turned"], runtime: Runtime, show: Callable[[int], Any]
    ) -> Iterator[bytes]:
        """Yield the predicted classes (n,), int64, of every unit."""
        for unit in units:
            checkpoint, spec = unit.subject.checkpoint, unit.subject.checkpoint.prepare.spec
            content = unit.examples.read(np.arange(len(unit.examples)), spec)
            turned = torch.rot90(spec.upload(content, runtime.device), unit.turns, (2, 3))
            with torch.inference_mode():
                logits = checkpoint.model(checkpoint.prepare(turned))
            yield logits.argmax(1).cpu().numpy().astype(np.int64).tobytes()


@dataclass(frozen=True)
class RotationStudy(Study):
    """Every network in every position."""

    request: Request

    def units(self) -> list[Turned]:
        """Return every network in every position."""
        own = self.request
        return [
            Turned(subject, own.examples, turns)
            for turns in range(own.suite.turns + 1)
            for subject in own.subjects
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint."""
        subjects, examples = self.request.subjects, self.request.examples
        found = [np.frombuffer(content, np.int64) for content in outcomes]
        results = []
        for first, subject in enumerate(subjects):
            cells = tuple(
                Cell.answered(
                    {**CLEAN, "turns": turns},
                    examples.ids,
                    examples.labels,
                    predicted,
                    primary=turns > 0,
                )
                for turns, predicted in enumerate(found[first :: len(subjects)])
            )
            results.append(answered(self.request, subject, Answer(cells)))
        return results


STUDY = RotationStudy
