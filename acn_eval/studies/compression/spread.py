"""Whether outputs differ between tokens and images, as trained and at initialization: units."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.engine.protocol import Show
from acn_eval.errors import Unsupported
from acn_eval.inference import NumericProfile, Runtime
from acn_eval.inference.precision import running
from acn_eval.inference.spread import Spread, spreads
from acn_eval.inputs import InputSpec
from acn_eval.models import Boundary, Cuttable
from acn_eval.study.run import Unit
from acn_eval.study.spread import as_initialized, recipe_of

__all__ = ["IMAGES", "Measured", "SpreadUnit"]

IMAGES = 512
"""Test images at most: nothing is chosen by them, and shares of variance need no more."""


@dataclass(frozen=True)
class SpreadUnit(Unit):
    """The spread at every exit of one network on clean images, in fp32.

    Attributes:
        initial: whether it is the network before its training.
        spec: how the images are shown.
    """

    checkpoint: Checkpoint
    initial: bool
    examples: Examples
    spec: InputSpec[Any]
    profile: NumericProfile

    @property
    def title(self) -> str:
        """The network."""
        return f"spread of {self.checkpoint.id.name}"

    @cached_property
    def address(self) -> str:
        """Content address of network, images and rounding; the file has recipe and seed."""
        own, shown = self.checkpoint.id, [self.spec.facts(), self.examples.digest]
        network = [own.sha256, own.arch, own.preprocessing, self.initial]
        return OutcomeCache.key(["spread v1", *network, *shown, self.profile.facts()])

    @property
    def cost(self) -> int:
        """Number of images."""
        return len(self.examples)

    @property
    def cacheable(self) -> bool:
        """Whether the network has a file."""
        return self.checkpoint.id.cacheable

    @property
    def batch_size(self) -> int:
        """Images per forward pass."""
        return self.profile.batch_size

    def in_batches(self, size: int) -> Self:
        """Return the same in smaller batches, which is another profile."""
        return replace(self, profile=replace(self.profile, batch_size=size))

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield the spread of every exit; see `acn_eval.study.run.Unit`."""
        for unit in units:
            with running(unit.profile.precision, runtime.device):
                found = spreads(unit._boundaries(runtime.device, show))
            yield json.dumps([_known(spread) for spread in found]).encode()

    def _boundaries(self, device: torch.device, show: Show) -> Iterator[Iterable[Boundary]]:
        read = _reader(self._network())
        for start in range(0, len(self.examples), self.batch_size):
            where = np.arange(start, min(start + self.batch_size, len(self.examples)))
            shown = self.spec.upload(self.examples.read(where, self.spec), device)
            yield read(self.checkpoint.prepare(shown).to(device))
            show(int(where[-1]) + 1)

    def _network(self) -> Any:
        own = self.checkpoint
        return as_initialized(own) if self.initial else own.model


@dataclass(frozen=True)
class Measured:
    """What is measured of one network with exits.

    Attributes:
        units: of the network as it is and, where it is known, before its training.
        images: number of images.
        reason: why the second is missing, or both, in words that follow "because".
    """

    units: tuple[SpreadUnit, ...]
    images: int
    reason: str = ""

    @staticmethod
    def of(
        checkpoint: Checkpoint, examples: Examples, spec: InputSpec[Any], runtime: Runtime
    ) -> "Measured":
        """Return the units of a network with exits on the first of these images."""
        shown = examples.keyed(IMAGES)
        if reason := _hidden(checkpoint, runtime.device):
            return Measured((), len(shown), reason)
        profile = runtime.profile("fp32", checkpoint.id.flops)
        own, before = (SpreadUnit(checkpoint, i, shown, spec, profile) for i in (False, True))
        recipe = recipe_of(checkpoint)
        if recipe is None:
            return Measured((own,), len(shown), "its card does not say how this network began")
        if recipe.start_from:
            return Measured((own,), len(shown), "it began with the weights of another file")
        return Measured((own, before), len(shown))

    def details(self, contents: Iterator[bytes]) -> dict[str, Any]:
        """Return plain JSON for the result; `contents` are those of the units."""
        found = [json.loads(next(contents)) for _ in self.units]
        trained, initial, *_ = *found, None, None
        about = {"images": self.images, "reason": self.reason}
        return {**about, "trained": trained, "initial": initial}


def _known(spread: Spread) -> dict[str, float | None]:
    """JSON has no NaN: what is not finite is not known."""
    return {k: v if math.isfinite(v) else None for k, v in asdict(spread).items()}


def _reader(network: Any) -> Callable[[Any], Iterable[Boundary]]:
    """Return what reads the boundaries of a batch.

    Of a network that is not ours its features are known, which are one token per image.
    """
    if isinstance(network, Cuttable):
        return network.boundaries
    return lambda batch: [Boundary(r.block[:, None], r.stream) for r in network.readings(batch)]


@torch.no_grad()
def _hidden(checkpoint: Checkpoint, device: torch.device) -> str:
    """Why it is not known what a network has before its heads; "" where it is."""
    network: Any = checkpoint.model
    if isinstance(network, Cuttable):
        return ""
    if not callable(getattr(network, "readings", None)):
        return "it has no `readings`"
    blank = checkpoint.prepare.blank(1).to(device)
    try:
        found = network.readings(blank)
    except Unsupported as exc:
        return str(exc)
    parts = [getattr(r, name, None) for r in found for name in ("stream", "block")]
    shapes = {tuple(part.shape) if isinstance(part, torch.Tensor) else () for part in parts}
    flat = len(shapes) == 1 and all(len(shape) == 2 for shape in shapes)
    if flat and len(found) == len(network.exits(blank)):
        return ""
    return "its `readings` are not features (n, width) of every exit"
