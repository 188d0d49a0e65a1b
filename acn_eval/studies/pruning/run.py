"""Pruning: every network of every method and sparsity, each asked about the same images."""

import zlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import Any, Self

import numpy as np
import torch

from acn_eval.checkpoints import Checkpoint, rewritten, state_digest
from acn_eval.corruptions import NOISE_VERSION, Gaussian
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, EvaluatedModel, Numeric, OutcomeCache, Pass, Runtime, latency
from acn_eval.inference.cache import OUTCOME
from acn_eval.models import Cost, Encoder, cost
from acn_eval.results import Cell, EvalResult, Skip
from acn_eval.studies.pruning.context import PruningContext
from acn_eval.studies.pruning.effective import effective_flops
from acn_eval.studies.pruning.masks import prunable, zeros_in
from acn_eval.studies.pruning.methods import Method, Pruned
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.robustness.measure import Showing, Shown
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.record import Answer, answered, cell_of
from acn_eval.study.request import Request
from acn_eval.study.run import Show, Study, measured

__all__ = ["STUDY", "PrunedUnit", "PruningStudy", "network_of"]

_CLEAN = Robustness(name="clean", corruptions=(Gaussian(levels=(0.1,)),))
"""Shows clean images where a suite has no noise; its corruption is never shown."""
_BATCH = 64
"""Images whose time tells where fewer units are to be computed: that of one is mostly overhead."""
_LEFT = (
    ("parameters", "parameters that are not zero", "parameters", 1),
    ("FLOPs", "thousand FLOPs per image, zeros skipped", "effective_flops", 1000),
    ("file", "kB of weights, deflated", "deflated_bytes", 1000),
)
"""What is left of a network: name, label, field of its row, unit."""


@dataclass(frozen=True)
class Asked:
    """What pruned networks are shown: the test images, and clean validation images."""

    request: Request[Pruning]

    @cached_property
    def suite(self) -> Pruning:
        """The config of the request."""
        return self.request.suite

    def shown(self, subject: EvaluatedModel) -> tuple[Showing, Pass]:
        """Return what one network is shown."""
        noise, own = self.suite.noise or _CLEAN, self.request
        runtime, corrupted = own.runtime, self.suite.noise is not None
        numeric: Numeric = "bf16" if runtime.precision == "bf16" else "fp32"
        own = replace(own, runtime=replace(runtime, precision=numeric))
        test = Showing(noise, [subject], own, own.examples, own.whole, corrupted=corrupted)
        held_out = Pass.clean(subject, self.request.split("validation"), runtime, numeric)
        return test, held_out

    def bench(self, subject: EvaluatedModel, blocks: int | None) -> PruningContext:
        """Return what a network is pruned on, cut after so many blocks."""
        checkpoint, train = subject.checkpoint, partial(self.request.split, "train")
        assert checkpoint.native is not None
        assert isinstance(checkpoint.model, Encoder)
        return PruningContext(
            checkpoint,
            checkpoint.native,
            checkpoint.model,
            self.suite.fine_tuning,
            self.request.runtime,
            train,
        ).cut(blocks)


@dataclass(frozen=True)
class PrunedUnit:
    """One network of one method and sparsity, and what it makes of all images.

    Attributes:
        subject: number of the checkpoint.
    """

    asked: Asked
    subject: int
    method: Method
    sparsity: float

    @property
    def model(self) -> EvaluatedModel:
        """The network before anything is removed."""
        return self.asked.request.subjects[self.subject]

    @cached_property
    def address(self) -> str:
        """Content address of the dense network, the method, the sparsity and all images."""
        request, suite, own = self.asked.request, self.asked.suite, self.model
        test, held_out = self.asked.shown(own)
        plan, trains = suite.fine_tuning.model_dump(mode="json"), self.method.trains
        return OutcomeCache.key(
            [
                "pruned and shown v1",
                [own.checkpoint.id.sha256, own.checkpoint.id.preprocessing],
                [own.classes.columns, own.classes.restricted],
                own.checkpoint.prepare.spec.facts(),
                [self.method.model_dump(mode="json"), self.sparsity],
                [plan, request.split("train").fingerprint] if trains else [],
                [request.examples.digest, held_out.examples.digest],
                suite.noise and suite.noise.model_dump(mode="json"),
                [request.seed, NOISE_VERSION],
                [test.numeric, request.runtime.device.type],
            ]
        )

    @property
    def cost(self) -> int:
        """Number of test images and conditions."""
        return self.asked.shown(self.model)[0].cost

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
        """Yield the outcomes (n,) of each condition, and then of validation, one by one."""
        first, wanted = units[0], {unit.sparsity for unit in units}
        asked = Asked(replace(first.asked.request, runtime=runtime))
        for pruned, own in _networks(asked, first.model, first.method):
            if pruned.sparsity in wanted:
                test, held_out = asked.shown(own)
                parts = [*test.units, *held_out.units]
                yield b"".join(measured(parts, runtime, lambda done, total: show(done)))


@dataclass(frozen=True)
class PruningStudy(Study):
    """A unit per network, and a result per checkpoint."""

    request: Request[Pruning]

    @cached_property
    def asked(self) -> Asked:
        """What the networks are shown."""
        return Asked(self.request)

    def units(self) -> list[PrunedUnit]:
        """Return every network of every method that the checkpoints allow.

        Raises:
            ConfigError: a network that is not built here, sparsities that a method cannot reach,
                or, for methods that train, other classes than those of the data.
            MissingExtra: a method needs a library that is not installed.
        """
        for subject in self.request.subjects:
            _require(self.asked.suite, subject)
        return [
            PrunedUnit(self.asked, number, method, sparsity)
            for number, subject in enumerate(self.request.subjects)
            for method in self.asked.suite.ordered()
            if not _too_deep(subject, method)
            for sparsity in method.places(self.asked.suite.sparsities)
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint; latencies are measured now."""
        found: dict[int, list[_Measured]] = {}
        pairs = zip(self.units(), outcomes, strict=True)
        for _, own in groupby(pairs, key=lambda pair: pair[0].bundle):
            units, contents = zip(*own, strict=True)
            first: PrunedUnit = units[0]
            networks = _networks(self.asked, first.model, first.method)
            found.setdefault(first.subject, []).extend(
                _measured(unit, content, pruned, subject)
                for unit, content, (pruned, subject) in zip(units, contents, networks, strict=True)
            )
        return [self._result(number, own) for number, own in found.items()]

    def _result(self, number: int, found: Sequence["_Measured"]) -> EvalResult:
        suite, subject = self.asked.suite, self.request.subjects[number]
        network, first = _network(subject), found[0].shown
        name, depth = subject.checkpoint.id.name, network.config.depth
        skipped = (
            Skip(
                {**CLEAN, "method": m.label, "blocks": m.blocks or 0}, f"{name} has {depth} blocks"
            )
            for m in suite.ordered()
            if _too_deep(subject, m)
        )
        answer = Answer(
            cells=tuple(cell for own in found for cell in own.cells()),
            skipped=(*first.skipped, *skipped),
            numeric=first.numeric,
            certificate=_added([own.shown for own in found]),
            noise_digest=first.noise_digest if suite.noise else "",
            details={
                "prunable": _prunable(network),
                "networks": [own.row for own in found],
                "charts": _charts(found),
            },
        )
        return answered(self.request, subject, answer)


def network_of(request: Request[Pruning], method: str, sparsity: float) -> Encoder:
    """Return the whole network of one method and sparsity: what was measured, made anew.

    Raises:
        ConfigError: no such method or sparsity, and what `PruningStudy.units` refuses.
    """
    asked, (subject, *_) = Asked(request), request.subjects
    chosen = asked.suite.chosen(method, sparsity)
    _require(asked.suite, subject)
    found = chosen.networks(asked.bench(subject, None), asked.suite.sparsities)
    return next(pruned.network for pruned in found if pruned.sparsity == sparsity)


def _networks(
    asked: Asked, subject: EvaluatedModel, method: Method
) -> Iterator[tuple[Pruned, EvaluatedModel]]:
    """Yield the networks of a method, each with the checkpoint that it is."""
    bench = asked.bench(subject, method.blocks)
    for pruned in method.networks(bench, asked.suite.sparsities):
        checkpoint = _as_checkpoint(subject.checkpoint, pruned.network.eval())
        yield pruned, replace(subject, checkpoint=checkpoint)


def _network(subject: EvaluatedModel) -> Encoder:
    assert isinstance(subject.checkpoint.model, Encoder)
    return subject.checkpoint.model


def _too_deep(subject: EvaluatedModel, method: Method) -> bool:
    return method.blocks is not None and method.blocks >= _network(subject).config.depth


def _require(suite: Pruning, subject: EvaluatedModel) -> None:
    checkpoint = subject.checkpoint
    if checkpoint.native is None or not isinstance(checkpoint.model, Encoder):
        msg = f"{checkpoint.id.uri}: must be a file of ours to be pruned; got another network"
        raise ConfigError(msg)
    own = tuple(range(len(checkpoint.classes)))
    if any(method.trains for method in suite.methods) and subject.classes.columns != own:
        msg = (
            f"{checkpoint.id.uri}: classes of the data must be the network's, in the same "
            "order, where it trains on. Leave out the methods that train."
        )
        raise ConfigError(msg)
    for method in suite.methods:
        if not _too_deep(subject, method):  # others are skipped
            network, blocks = checkpoint.model, method.blocks
            cut = network if blocks is None else network.truncated(blocks)
            method.require(cut, suite.sparsities, checkpoint.id.uri)


@dataclass(frozen=True)
class _Measured:
    """One pruned network: what it made of the images, and what it costs."""

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
        """Share of the clean test images that it gets right."""
        right = self.shown.outcomes[0][-1]["predicted"] == self.shown.labels
        return float(np.mean(right))

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
    asked, method, network = unit.asked, unit.method, _network(subject)
    test, held_out = asked.shown(subject)
    parts = _split(content, [u.cost for u in (*test.units, *held_out.units)])
    (shown,) = test.shown(parts[: len(test.units)])
    ((outcomes,),) = held_out.joined(parts[len(test.units) :])
    right = outcomes[-1]["predicted"] == held_out.examples.labels
    dense = asked.bench(unit.model, method.blocks)
    c, flops = network.config, subject.checkpoint.id.flops
    shape = (c.channels, c.image_size, c.image_size)
    batches = (1, _BATCH) if method.cuts else (1,)
    blank = torch.zeros(batches[-1], *shape, device=asked.request.runtime.device)
    timed = partial(latency, network, numeric=shown.numeric, seconds=asked.suite.seconds)
    zeros = sum(int((weight == 0).sum()) for weight in prunable(network).values())
    row = {
        "method": method.label,
        "blocks": method.blocks,
        "requested": pruned.sparsity,
        "realised": zeros_in(network, dense.network),
        "parameters": subject.checkpoint.id.parameters - zeros,
        "flops": flops,
        "effective_flops": effective_flops(network, flops, shape),
        **_sizes(dense, network),
        **{f"batch{n}": asdict(timed(blank[:n])) for n in batches},
        "fine_tuning_steps": pruned.steps,
        "validation": {"n": len(right), "accuracy": float(np.mean(right))},
        "sha256": subject.checkpoint.id.sha256,
    }
    return _Measured(method, pruned.sparsity, shown, row)


def _split(content: bytes, images: Sequence[int]) -> list[bytes]:
    """Split what `PrunedUnit.measure` joined: one outcome per image of each unit."""
    ends = np.cumsum(images) * OUTCOME.itemsize
    pairs = zip(ends, images, strict=True)
    return [content[end - n * OUTCOME.itemsize : end] for end, n in pairs]


def _as_checkpoint(checkpoint: Checkpoint, network: Encoder) -> Checkpoint:
    """Return the checkpoint of a pruned network; its own weights name it in the store."""
    c = network.config
    spent: Cost = cost(network, (c.channels, c.image_size, c.image_size))
    identity = replace(
        checkpoint.id,
        sha256=state_digest(network),
        arch=c.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
    )
    return replace(checkpoint, id=identity, model=network)


def _sizes(bench: PruningContext, network: Encoder) -> dict[str, int]:
    """Bytes of the weights as a file holds them, zeros included, and deflated as in a zip."""
    state = rewritten(bench.native, network, "").state
    content = b"".join(v.contiguous().view(torch.uint8).numpy().tobytes() for v in state.values())
    return {"weight_bytes": len(content), "deflated_bytes": len(zlib.compress(content, 6))}


def _added(shown: Sequence[Shown]) -> dict[str, Any]:
    """Add up the certificates of all networks."""
    first = shown[0].certificate
    counted = {
        name: sum(int(s.certificate[name]) for s in shown)
        for name in ("n", "precision_flips", "batch_flips")
    }
    return {**first, **counted}


def _prunable(network: Encoder) -> dict[str, Any]:
    return {
        "what": "weights of linear and convolution layers, but for the heads",
        "weights": sum(weight.numel() for weight in prunable(network).values()),
        "layers": len(prunable(network)),
    }


def _charts(found: Sequence[_Measured]) -> list[dict[str, Any]]:
    """Accuracy of every curve against what is left of the network, at whole places."""
    curves: dict[str, list[_Measured]] = {}
    for one in found:
        curves.setdefault(one.line, []).append(one)
    return [
        {"name": f"{line}, {name}", "x": label, "points": _points(own, field_, unit)}
        for line, own in curves.items()
        for name, label, field_, unit in _LEFT
    ]


def _points(own: Sequence[_Measured], field_: str, unit: int) -> list[tuple[int, float]]:
    """One value per place: of equal places, the sparsest."""
    return sorted({round(m.row[field_] / unit): m.accuracy for m in own}.items())


STUDY = PruningStudy
