"""Pruning: accuracy over the share of weights that is removed, and what a file then holds."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator

from acn_eval.checkpoints import Checkpoint, rewritten, state_digest
from acn_eval.corruptions import Context, Gaussian
from acn_eval.data import Examples
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, EvaluatedModel, Numeric, Pass, Question, latency, one_pass
from acn_eval.models import Cost, Encoder, cost
from acn_eval.results import Cell, Skip
from acn_eval.studies.pruning.context import FineTuning, PruningContext
from acn_eval.studies.pruning.effective import effective_flops
from acn_eval.studies.pruning.masks import prunable, zeros_in
from acn_eval.studies.pruning.methods import AnyMethod, Method, Pruned
from acn_eval.studies.robustness.suite import NamedRobustness, Robustness, Shown
from acn_eval.study.suite import Answer, Setting, Suite, cell_of

__all__ = ["SUITE", "Pruning"]

_UNDISTURBED = Robustness(name="undisturbed", corruptions=(Gaussian(levels=(0.1,)),))
"""Shows undisturbed images where a suite has no noise; its corruption is never shown."""
_BATCH = 64
"""Images whose time tells where fewer units are to be computed: that of one is mostly overhead."""
_LEFT = (
    ("parameters", "parameters that are not zero", "parameters", 1),
    ("FLOPs", "thousand FLOPs per image, zeros skipped", "effective_flops", 1000),
    ("file", "kB of weights, deflated", "deflated_bytes", 1000),
)
"""What is left of a network: name, label, field of its row, unit."""


class Pruning(Suite, frozen=True):
    """Networks of every method and sparsity, each asked about the same test images.

    Nothing is chosen: sparsities and trainings are those of the suite, the same for every
    network, and the accuracy on validation is recorded for whoever has to choose one.

    Attributes:
        sparsities: shares of the prunable weights to remove, 0 among them; a method may have its
            own places.
        methods: each one a curve; those of the whole network that do not train make the primary
            end point: what training on gives back is not what a network bears.
        fine_tuning: of the methods that train.
        noise: a robustness suite whose conditions every pruned network is shown as well; name,
            path or suite.
        seconds: wall time for each latency that is measured: of one image, and of a batch where
            units are cut out.
    """

    question: ClassVar[str] = "Which network bears sparsity better?"

    kind: Literal["pruning"] = "pruning"
    sparsities: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=1, max_length=100)
    ]
    methods: Annotated[tuple[AnyMethod, ...], Field(min_length=1, max_length=100)]
    fine_tuning: FineTuning = FineTuning()
    noise: NamedRobustness | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] = 0.02

    @field_validator("sparsities")
    @classmethod
    def _start_dense(cls, sparsities: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in sparsities or len(set(sparsities)) < len(sparsities):
            msg = "sparsities must be different numbers below 1, 0 among them"
            raise ValueError(msg)
        return tuple(sorted(sparsities))

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        """Two curves of one name would be one, and one without training makes the end point."""
        names = [(method.label, method.blocks) for method in self.methods]
        if len(set(names)) < len(names) or not any(map(_measures_sparsity, self.methods)):
            msg = (
                "methods must differ, and one must be of the whole network (without blocks) and"
                " without training, such as magnitude: it makes the end point"
            )
            raise ValueError(msg)
        return self

    def ask(self, subjects: Sequence[EvaluatedModel], setting: Setting) -> list[Answer]:
        """Prune every network by every method, and show each what is left of it.

        Raises:
            ConfigError: a network that is not built here, sparsities that a method cannot reach,
                or, for methods that train, other classes than those of the data.
            MissingExtra: a method needs a library that is not installed.
        """
        for subject in subjects:
            self._require(subject)
        numeric: Numeric = "bf16" if setting.runtime.precision == "bf16" else "fp32"
        train = cache(partial(setting.split, "train"))
        show = _Showing(
            noise=self.noise,
            setting=replace(setting, runtime=replace(setting.runtime, precision=numeric)),
            numeric=numeric,
            held_out=setting.split("validation"),
            total=len(subjects) * sum(len(m.places(self.sparsities)) for m in self.methods),
        )
        return [
            self._answer(subject, show, _bench(subject, self.fine_tuning, setting, train))
            for subject in subjects
        ]

    def network(
        self, subject: EvaluatedModel, setting: Setting, method: str, sparsity: float
    ) -> Encoder:
        """Return the whole network of one method and sparsity: what was measured, made anew.

        Raises:
            ConfigError: no such method or sparsity, and what `ask` refuses.
        """
        chosen = self.chosen(method, sparsity)
        self._require(subject)
        train = cache(partial(setting.split, "train"))
        bench = _bench(subject, self.fine_tuning, setting, train)
        found = chosen.networks(bench, self.sparsities)
        return next(pruned.network for pruned in found if pruned.sparsity == sparsity)

    def chosen(self, method: str, sparsity: float) -> Method:
        """Return a method of whole networks by its label; it has the sparsity.

        Raises:
            ConfigError: the suite has no such method, or the method no such sparsity.
        """
        whole = {m.label: m for m in self.methods if m.blocks is None}
        if method not in whole:
            raise ConfigError(f"--method: must be one of {', '.join(whole)}; got {method}")
        places = whole[method].places(self.sparsities)
        if sparsity not in places:
            known = ", ".join(f"{place:g}" for place in places)
            raise ConfigError(f"--sparsity: must be one of {known}; got {sparsity:g}")
        return whole[method]

    def _require(self, subject: EvaluatedModel) -> None:
        checkpoint = subject.checkpoint
        if checkpoint.native is None or not isinstance(checkpoint.model, Encoder):
            msg = f"{checkpoint.id.uri}: must be a file of ours to be pruned; got another network"
            raise ConfigError(msg)
        own = tuple(range(len(checkpoint.classes)))
        if any(method.trains for method in self.methods) and subject.classes.columns != own:
            msg = (
                f"{checkpoint.id.uri}: classes of the data must be the network's, in the same "
                "order, where it trains on. Leave out the methods that train."
            )
            raise ConfigError(msg)
        for method in self.methods:
            network, blocks = checkpoint.model, method.blocks
            if blocks is None or blocks < network.config.depth:  # others are skipped
                cut = network if blocks is None else network.truncated(blocks)
                method.require(cut, self.sparsities, checkpoint.id.uri)

    def _ordered(self) -> list[Method]:
        """Whole networks first, untrained ones before others: the first cell is the dense one."""
        return sorted(self.methods, key=lambda m: (m.blocks is not None, m.trains))

    def _answer(self, subject: EvaluatedModel, show: "_Showing", bench: PruningContext) -> Answer:
        found: list[_Measured] = []
        skipped: list[Skip] = []
        depth = bench.network.config.depth
        for method in self._ordered():
            if method.blocks is not None and method.blocks >= depth:
                condition = {**CLEAN, "method": method.label, "blocks": method.blocks}
                skipped.append(Skip(condition, f"{subject.checkpoint.id.name} has {depth} blocks"))
                continue
            own = bench.cut(method.blocks)
            for pruned in method.networks(own, self.sparsities):
                found.append(_measured(method, pruned, subject, own, show, self.seconds))
        first = found[0].shown
        rows = [measured.row for measured in found]
        return Answer(
            cells=tuple(cell for measured in found for cell in measured.cells()),
            skipped=(*first.skipped, *skipped),
            numeric=first.numeric,
            certificate=_added([measured.shown for measured in found]),
            noise_digest=first.noise_digest if self.noise else "",
            details={
                "prunable": _prunable(bench.network),
                "networks": rows,
                "charts": _charts(found),
            },
        )


SUITE = Pruning


@dataclass
class _Showing:
    """Shows networks the test images, and tells how many have been shown."""

    noise: Robustness | None
    setting: Setting
    numeric: Numeric
    held_out: Examples
    total: int
    done: int = field(default=0)

    def test(self, subject: EvaluatedModel) -> Shown:
        """Return what a network makes of every condition."""
        suite = self.noise or _UNDISTURBED
        quiet = replace(self.setting, progress=_silent)
        (shown,) = suite.show([subject], quiet, corrupted=self.noise is not None)
        self.done += 1
        n = len(self.setting.examples)
        self.setting.progress(self.done * n, self.total * n)
        return shown

    def validation(self, subject: EvaluatedModel) -> dict[str, Any]:
        """Return the accuracy on undisturbed validation images, with their number."""
        job = Pass(
            subjects=[subject],
            examples=self.held_out,
            questions=[Question(CLEAN)],
            spec=subject.checkpoint.prepare.spec,
            runtime=self.setting.runtime,
            seed=self.setting.seed,
            numeric=self.numeric,
            context=Context(()),
        )
        ((outcomes,),) = one_pass(job, _silent)
        right = outcomes[-1]["predicted"] == self.held_out.labels
        return {"n": len(right), "accuracy": float(np.mean(right))}


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
        """Share of the undisturbed test images that it gets right."""
        right = self.shown.outcomes[0][-1]["predicted"] == self.shown.labels
        return float(np.mean(right))

    def cells(self) -> Iterator[Cell]:
        counts = _measures_sparsity(self.method)
        own = {"method": self.method.label, "sparsity": self.sparsity}
        cut = {} if self.method.blocks is None else {"blocks": self.method.blocks}
        for question, outcomes in zip(self.shown.questions, self.shown.outcomes, strict=True):
            condition = {**question.condition, **own, **cut}
            primary = counts and question.corruption is None
            yield cell_of(condition, outcomes[-1], self.shown.labels, primary=primary)


def _measures_sparsity(method: Method) -> bool:
    """Whether accuracy falls with what is removed alone: training on with it gives some back."""
    return method.blocks is None and not method.trains


def _bench(
    subject: EvaluatedModel, plan: FineTuning, setting: Setting, train: Any
) -> PruningContext:
    checkpoint = subject.checkpoint
    assert checkpoint.native is not None
    assert isinstance(checkpoint.model, Encoder)
    return PruningContext(checkpoint, checkpoint.native, checkpoint.model, plan, setting, train)


def _measured(
    method: Method,
    pruned: Pruned,
    subject: EvaluatedModel,
    bench: PruningContext,
    show: _Showing,
    seconds: float,
) -> _Measured:
    network = pruned.network.eval()
    c = network.config
    shape = (c.channels, c.image_size, c.image_size)
    spent = cost(network, shape)
    own = replace(subject, checkpoint=_as_checkpoint(bench.checkpoint, network, spent))
    shown = show.test(own)
    batches = (1, _BATCH) if method.cuts else (1,)
    blank = torch.zeros(batches[-1], *shape, device=show.setting.runtime.device)
    timed = partial(latency, network, numeric=shown.numeric, seconds=seconds)
    zeros = sum(int((weight == 0).sum()) for weight in prunable(network).values())
    row = {
        "method": method.label,
        "blocks": method.blocks,
        "requested": pruned.sparsity,
        "realised": zeros_in(network, bench.network),
        "parameters": spent.parameters - zeros,
        "flops": spent.flops,
        "effective_flops": effective_flops(network, spent.flops, shape),
        **_sizes(bench, network),
        **{f"batch{n}": asdict(timed(blank[:n])) for n in batches},
        "fine_tuning_steps": pruned.steps,
        "validation": show.validation(own),
        "sha256": own.checkpoint.id.sha256,
    }
    return _Measured(method, pruned.sparsity, shown, row)


def _as_checkpoint(checkpoint: Checkpoint, network: Encoder, spent: Cost) -> Checkpoint:
    """Return the checkpoint of a pruned network; its own weights name it in the store."""
    identity = replace(
        checkpoint.id,
        sha256=state_digest(network),
        arch=network.config.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
    )
    return replace(checkpoint, id=identity, model=network)


def _sizes(bench: PruningContext, network: Encoder) -> dict[str, int]:
    """Bytes of the weights as a file holds them, zeros included, and deflated as in a zip."""
    state = rewritten(bench.native, network, "").state
    content = b"".join(v.contiguous().view(torch.uint8).numpy().tobytes() for v in state.values())
    return {"weight_bytes": len(content), "deflated_bytes": len(zlib.compress(content, 6))}


def _silent(done: int, total: int) -> None:
    """Networks move the bar, not the images of one."""


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
    for measured in found:
        curves.setdefault(measured.line, []).append(measured)
    return [
        {"name": f"{line}, {name}", "x": label, "points": _points(own, field_, unit)}
        for line, own in curves.items()
        for name, label, field_, unit in _LEFT
    ]


def _points(own: Sequence[_Measured], field_: str, unit: int) -> list[tuple[int, float]]:
    """One value per place: of equal places, the sparsest."""
    return sorted({round(m.row[field_] / unit): m.accuracy for m in own}.items())
