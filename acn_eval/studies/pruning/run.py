"""Pruning: every network of every method and sparsity, shown the same images."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import Any, Self

import numpy as np

from acn_eval.cache import OUTCOME, OutcomeCache
from acn_eval.checkpoints import Checkpoint, state_digest
from acn_eval.corruptions import NOISE_VERSION
from acn_eval.engine.protocol import Show
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, EvaluatedModel, Numeric, Pass, Runtime
from acn_eval.models import Encoder, cost
from acn_eval.results import Cell, EvalResult, Skip
from acn_eval.studies.pruning.context import PruningContext
from acn_eval.studies.pruning.costs import costs_of
from acn_eval.studies.pruning.masks import prunable
from acn_eval.studies.pruning.methods import Method, Pruned
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.robustness.measure import Showing, Shown
from acn_eval.study.record import Answer, answered, cell_of
from acn_eval.study.request import Request
from acn_eval.study.run import Study, Unit, measured

__all__ = ["STUDY", "PrunedUnit", "PruningStudy", "network_of"]

_LEFT = (
    ("parameters", "parameters that are not zero", "parameters", 1),
    ("FLOPs", "thousand FLOPs per {example}, zeros skipped", "effective_flops", 1000),
    ("file", "kB of weights, deflated", "deflated_bytes", 1000),
)
"""What is left of a network: name, label for its `example`, field of its row, unit."""


@dataclass(frozen=True)
class PrunedUnit(Unit):
    """One network of one method and sparsity, and its answers about all images.

    Attributes:
        subject: number of the checkpoint.
    """

    request: Request[Pruning]
    subject: int
    method: Method
    sparsity: float

    @property
    def model(self) -> EvaluatedModel:
        """The network before anything is removed."""
        return self.request.subjects[self.subject]

    @property
    def title(self) -> str:
        """The network, and what is removed."""
        return f"{self.model.checkpoint.id.name}, {self.method.label}, {self.sparsity:.0%} removed"

    @cached_property
    def address(self) -> str:
        """Content address of the dense network, the method, the sparsity and all images."""
        request, suite, own = self.request, self.request.suite, self.model
        test, held_out = _shown_to(request, own)
        plan, trains = suite.fine_tuning.model_dump(mode="json"), self.method.trains
        return OutcomeCache.key(
            [
                "pruned and shown v3",
                [own.checkpoint.id.sha256, own.checkpoint.id.arch],
                own.checkpoint.id.preprocessing,
                [own.classes.columns, own.classes.restricted],
                own.checkpoint.prepare.spec.facts(),
                [self.method.model_dump(mode="json"), self.sparsity],
                [plan, request.split("train").fingerprint] if trains else [],
                [request.examples.digest, held_out.examples.digest],
                suite.noise and suite.noise.model_dump(mode="json"),
                [request.seed, NOISE_VERSION],
                test.profile.facts(),
            ]
        )

    @property
    def cost(self) -> int:
        """Number of test images and conditions."""
        return sum(unit.cost for unit in _shown_to(self.request, self.model)[0].units)

    @property
    def bundle(self) -> Hashable:
        """A method: one sparsity may begin where another ended."""
        return self.subject, self.method

    @property
    def cacheable(self) -> bool:
        """Whether the network has a file."""
        return self.model.checkpoint.id.cacheable

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield the outcomes (n,) of each condition and then of validation, network by network."""
        first, wanted = units[0], {unit.sparsity for unit in units}
        request = replace(first.request, runtime=runtime)
        for pruned, own in _networks(request, first.model, first.method):
            if pruned.sparsity in wanted:
                test, held_out = _shown_to(request, own)
                parts = [*test.units, *held_out.units]
                yield b"".join(measured(parts, runtime, lambda done, total: show(done)))


class PruningStudy(Study[Pruning]):
    """A unit per network, and a result per checkpoint."""

    def units(self) -> list[PrunedUnit]:
        """Return every network of every method that the checkpoints allow.

        Raises:
            ConfigError: a network that is not built here, sparsities that a method cannot reach,
                or, for methods that train, other classes than those of the data.
            MissingExtra: a method needs a library that is not installed.
        """
        suite = self.request.suite
        for subject in self.request.subjects:
            _require(suite, subject)
        return [
            PrunedUnit(self.request, number, method, sparsity)
            for number, subject in enumerate(self.request.subjects)
            for method in suite.ordered()
            if not _too_deep(subject, method)
            for sparsity in method.places(suite.sparsities)
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint; latencies are measured now."""
        found: dict[int, list[_Measured]] = {}
        pairs = zip(self.units(), outcomes, strict=True)
        for _, own in groupby(pairs, key=lambda pair: pair[0].bundle):
            units, contents = zip(*own, strict=True)
            first: PrunedUnit = units[0]
            networks = _networks(self.request, first.model, first.method)
            found.setdefault(first.subject, []).extend(
                _measured(unit, content, pruned, subject)
                for unit, content, (pruned, subject) in zip(units, contents, networks, strict=True)
            )
        return [self._result(number, own) for number, own in found.items()]

    def _result(self, number: int, found: Sequence["_Measured"]) -> EvalResult:
        subject, first = self.request.subjects[number], found[0].shown
        network, weights = _encoder(subject), prunable(_encoder(subject)).values()
        reason = f"{subject.checkpoint.id.name} has {network.config.depth} blocks"
        skipped = (
            Skip({**CLEAN, "method": m.label, "blocks": m.blocks or 0}, reason)
            for m in self.request.suite.ordered()
            if _too_deep(subject, m)
        )
        answer = Answer(
            cells=tuple(cell for own in found for cell in own.cells()),
            skipped=(*first.skipped, *skipped),
            numeric=first.numeric,
            certificate=_added([own.shown for own in found]),
            noise_digest=first.noise_digest,
            details={
                "prunable": {
                    "what": "weights of linear and convolution layers, but for the heads",
                    "weights": sum(weight.numel() for weight in weights),
                    "layers": len(weights),
                },
                "networks": [own.row for own in found],
                "charts": _charts(found, subject.checkpoint.id.example),
            },
        )
        return answered(self.request, subject, answer)


def network_of(request: Request[Pruning], method: str, sparsity: float) -> Encoder:
    """Return the whole network of one method and sparsity: what was measured, made anew.

    Raises:
        ConfigError: no such method or sparsity, and what `PruningStudy.units` refuses.
    """
    suite, (subject, *_) = request.suite, request.subjects
    chosen = suite.chosen(method, sparsity)
    _require(suite, subject)
    found = chosen.networks(_context(request, subject, None), suite.sparsities)
    return next(pruned.network for pruned in found if pruned.sparsity == sparsity)


def _shown_to(request: Request[Pruning], subject: EvaluatedModel) -> tuple[Showing, Pass]:
    """Return what one network is shown: test images, and clean validation images."""
    runtime = request.runtime
    numeric: Numeric = "bf16" if runtime.precision == "bf16" else "fp32"
    own = replace(request, runtime=replace(runtime, precision=numeric))
    test = Showing(request.suite.noise, [subject], own, request.examples)
    return test, Pass.clean(subject, request.split("validation"), runtime, numeric)


def _context(
    request: Request[Pruning], subject: EvaluatedModel, blocks: int | None
) -> PruningContext:
    """Return what the methods start from: a network, cut after so many blocks."""
    checkpoint, train = subject.checkpoint, partial(request.split, "train")
    assert checkpoint.native is not None
    plan, network = request.suite.fine_tuning, _encoder(subject)
    own = PruningContext(checkpoint, checkpoint.native, network, plan, request.runtime, train)
    return own.cut(blocks)


def _networks(
    request: Request[Pruning], subject: EvaluatedModel, method: Method
) -> Iterator[tuple[Pruned, EvaluatedModel]]:
    """Yield the networks of a method, each with a checkpoint of its own."""
    dense = _context(request, subject, method.blocks)
    for pruned in method.networks(dense, request.suite.sparsities):
        checkpoint = _as_checkpoint(subject.checkpoint, pruned.network.eval())
        yield pruned, replace(subject, checkpoint=checkpoint)


def _encoder(subject: EvaluatedModel) -> Encoder:
    assert isinstance(subject.checkpoint.model, Encoder)
    return subject.checkpoint.model


def _too_deep(subject: EvaluatedModel, method: Method) -> bool:
    return method.blocks is not None and method.blocks >= _encoder(subject).config.depth


def _require(suite: Pruning, subject: EvaluatedModel) -> None:
    checkpoint = subject.checkpoint
    if checkpoint.native is None or not isinstance(checkpoint.model, Encoder):
        msg = f"{checkpoint.id.uri}: must be a file of ours to be pruned; got another network"
        raise ConfigError(msg)
    own = tuple(range(len(checkpoint.classes)))
    if any(method.trains for method in suite.methods) and subject.classes.columns != own:
        msg = (
            f"{checkpoint.id.uri}: classes of the data must be the network's, in the same "
            "order, where it is fine-tuned. Leave out the methods that train."
        )
        raise ConfigError(msg)
    for method in suite.methods:
        if not _too_deep(subject, method):  # others are skipped
            network, blocks = checkpoint.model, method.blocks
            cut = network if blocks is None else network.truncated(blocks)
            method.require(cut, suite.sparsities, checkpoint.id.uri)


@dataclass(frozen=True)
class _Measured:
    """One pruned network: its answers, and its costs."""

    method: Method
    sparsity: float
    shown: Shown
    row: dict[str, Any]

    @property
    def line(self) -> str:
        """Name of its curve."""
        blocks = self.method.blocks
        return self.method.label if blocks is None else f"{self.method.label} of {blocks} blocks"

    @property
    def accuracy(self) -> float:
        """On clean test images."""
        return float(np.mean(self.shown.outcomes[0][-1]["predicted"] == self.shown.labels))

    def cells(self) -> Iterator[Cell]:
        own = {"method": self.method.label, "sparsity": self.sparsity}
        cut = {} if self.method.blocks is None else {"blocks": self.method.blocks}
        for question, outcomes in zip(self.shown.questions, self.shown.outcomes, strict=True):
            condition = {**question.condition, **own, **cut}
            primary = self.method.measures_sparsity and question.corruption is None
            yield cell_of(condition, outcomes[-1], self.shown.labels, primary=primary)


def _measured(
    unit: PrunedUnit, content: bytes, pruned: Pruned, subject: EvaluatedModel
) -> _Measured:
    request, method = unit.request, unit.method
    test, held_out = _shown_to(request, subject)
    ends = np.cumsum([u.cost for u in (*test.units, *held_out.units)])
    parts = [own.tobytes() for own in np.split(np.frombuffer(content, OUTCOME), ends[:-1])]
    (shown,) = test.shown(parts[: len(test.units)])
    ((outcomes,),) = held_out.joined(parts[len(test.units) :])
    right = outcomes[-1]["predicted"] == held_out.examples.labels
    costs = costs_of(
        subject.checkpoint,
        _context(request, unit.model, method.blocks),
        cuts=method.cuts,
        numeric=shown.numeric,
        seconds=request.suite.seconds,
    )
    row = {
        "method": method.label,
        "blocks": method.blocks,
        "requested": pruned.sparsity,
        **costs,
        "fine_tuning_steps": pruned.steps,
        "validation": {"n": len(right), "accuracy": float(np.mean(right))},
        "sha256": subject.checkpoint.id.sha256,
    }
    return _Measured(method, pruned.sparsity, shown, row)


def _as_checkpoint(checkpoint: Checkpoint, network: Encoder) -> Checkpoint:
    """Return the checkpoint of a pruned network; the digest of its weights identifies it."""
    c, dense = network.config, checkpoint.model
    same = isinstance(dense, Encoder) and c == dense.config
    device = next(network.parameters()).device
    spent = checkpoint.id if same else cost(network, checkpoint.prepare.blank(1).to(device))
    identity = replace(
        checkpoint.id,
        sha256=state_digest(network),
        arch=c.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
    )
    return replace(checkpoint, id=identity, model=network)


def _added(shown: Sequence[Shown]) -> dict[str, Any]:
    """Add up the certificates of all networks."""
    counts = ("n", "precision_flips", "batch_flips")
    added = {name: sum(int(s.certificate[name]) for s in shown) for name in counts}
    return {**shown[0].certificate, **added}


def _charts(found: Sequence[_Measured], example: str) -> list[dict[str, Any]]:
    """Accuracy of every curve against what is left of the network, at whole places.

    Of networks at one place the sparsest counts.
    """
    curves: dict[str, list[_Measured]] = {}
    for one in found:
        curves.setdefault(one.line, []).append(one)
    return [
        {
            "name": f"{line}, {name}",
            "x": label.format(example=example),
            "points": sorted({round(m.row[field] / unit): m.accuracy for m in own}.items()),
        }
        for line, own in curves.items()
        for name, label, field, unit in _LEFT
    ]


STUDY = PruningStudy
