"""Checkpoint: a network that is ready to be asked, and everything it says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from acn_eval.checkpoints.digest import digest
from acn_eval.checkpoints.native import Native
from acn_eval.data import Framing, Geometry
from acn_eval.errors import CheckpointError, Unsupported
from acn_eval.models import Readings, cost
from acn_eval.results import CheckpointId

__all__ = [
    "Checkpoint",
    "Classifier",
    "Prepare",
    "border_of",
    "counted",
    "from_module",
    "one_exit",
    "reframed",
    "state_digest",
]


class Classifier(Protocol):
    """A network with exits; a foreign one has a single exit."""

    def __call__(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of the last exit."""
        ...

    def exits(self, images: Tensor) -> list[Tensor]:
        """Logits (batch, classes) of every exit."""
        ...

    def to(self, device: torch.device) -> Any:
        """Move the parameters."""
        ...


@dataclass(frozen=True)
class Prepare:
    """From a picture to the input of the network, in two steps; corruption acts between them.

    Attributes:
        geometry: resize, crop and channels, in uint8.
        mean, std: per channel, in units of [0, 1].
    """

    geometry: Geometry
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalize(self, images: Tensor) -> Tensor:
        """Map float32 (batch, channels, size, size) in [0, 1] to the input of the network."""
        mean = torch.tensor(self.mean, device=images.device).view(-1, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(-1, 1, 1)
        return (images - mean) / std

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {**self.geometry.facts(), "mean": list(self.mean), "std": list(self.std)}


@dataclass(frozen=True)
class Checkpoint:
    """A network that is ready to be asked.

    Attributes:
        id: what goes into the record.
        model: the network in eval mode; ``model(images)`` and ``model.exits(images)``.
        prepare: what happens to a picture before it.
        classes: names in the order of the logits.
        data: the data set that it was trained on, the default of an evaluation; "" if unknown.
        pair: uri of its twin, the default baseline; None if it has none.
        training_hashes: int64 (n,), content hashes of its training images; empty if unknown.
        native: the content of its file, where it is one that can be written again.
        named: whether its source names the classes; one that does not only counts them, and
            `classes` are "0", "1", ...
    """

    id: CheckpointId
    model: Classifier
    prepare: Prepare
    classes: tuple[str, ...]
    data: str = ""
    pair: str | None = None
    training_hashes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    native: Native | None = None
    named: bool = True


def reframed(checkpoint: Checkpoint, changes: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint with other fields of `Framing`; the record states them.

    A network of ours is then shown pictures that Pillow resized, as a foreign one is.
    """
    prepare = checkpoint.prepare
    framing = replace(prepare.geometry.framing or Framing(), **changes)
    framing = replace(framing, fill=border_of(prepare.mean))
    prepare = replace(prepare, geometry=replace(prepare.geometry, framing=framing))
    identity = replace(checkpoint.id, preprocessing=prepare.facts())
    return replace(checkpoint, prepare=prepare, id=identity)


def border_of(mean: tuple[float, ...]) -> tuple[int, ...]:
    """Return the colour that timm pads with: the mean, 0 to 255 per channel."""
    return tuple(min(max(round(255 * value), 0), 255) for value in mean)


class _OneExit(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.inner(images)
        return logits

    def exits(self, images: Tensor) -> list[Tensor]:
        return [self(images)]

    def readings(self, images: Tensor) -> list[Readings]:
        """Return what is before the head of a network that can say it, as timm's can.

        Raises:
            Unsupported: it cannot: logits are no features.
        """
        inner: Any = self.inner
        if not hasattr(inner, "forward_head"):
            msg = f"{type(inner).__name__}: has no features before its head; logits are none"
            raise Unsupported(msg)
        before: Tensor = inner.forward_head(inner.forward_features(images), pre_logits=True)
        return [Readings(before, before)]


def one_exit(module: nn.Module) -> Classifier:
    """Return the module as a classifier; one that has exits keeps them."""
    module = module.eval()
    return cast(Classifier, module if hasattr(module, "exits") else _OneExit(module).eval())


def from_module(
    module: nn.Module,
    *,
    name: str,
    classes: tuple[str, ...],
    prepare: Prepare,
    data: str = "",
) -> Checkpoint:
    """Return a checkpoint of a network in memory, e.g. in a notebook.

    Its sha256 is over its state. Weights do not say how they are wired:
    the name is part of the record too, so give two networks two names.

    Args:
        module: gives logits (batch, classes).
        name: in tables.
        classes: names in the order of the logits; `counted`, where they have none: "0", "1", ...
            are taken for none, because only the data can say what they stand for.
        prepare: what happens to a picture before it.
        data: the data set that it was trained on, if known.

    Raises:
        CheckpointError: weights that are not finite float32, or not one logit per class.
    """
    for key, value in module.state_dict().items():
        if value.is_floating_point() and value.dtype != torch.float32:
            msg = f"{name}: weights must be float32; {key} is {value.dtype}. Call .float() first."
            raise CheckpointError(msg)
    arch = {"kind": type(module).__name__, "name": name}
    identity = identify(module, name, f"memory:{name}", state_digest(module), arch, prepare)
    logits = _logits(module, prepare.geometry)
    if logits != (1, len(classes)):
        msg = f"{name}: must give one logit per class, (1, {len(classes)}); got {tuple(logits)}"
        raise CheckpointError(msg)
    named = tuple(classes) != counted(len(classes))
    return Checkpoint(identity, one_exit(module), prepare, classes, data, named=named)


def counted(classes: int) -> tuple[str, ...]:
    """Return what stands for the names of so many classes where there are none."""
    return tuple(str(i) for i in range(classes))


def state_digest(module: nn.Module) -> str:
    """Return the digest of a module's state: what identifies its network."""
    return digest(module.state_dict())


@torch.no_grad()
def _logits(module: nn.Module, geometry: Geometry) -> torch.Size:
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    shape = (1, geometry.channels, geometry.size, geometry.size)
    logits: Tensor = module(torch.zeros(shape, device=device))
    return logits.shape


def identify(
    module: nn.Module, name: str, uri: str, sha256: str, arch: dict[str, Any], prepare: Prepare
) -> CheckpointId:
    """Return the record of a network; refuses weights that are not finite.

    Raises:
        CheckpointError: a weight is NaN or infinite.
    """
    for key, value in module.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{uri}: weights must be finite; {key} holds NaN or infinity")
    g = prepare.geometry
    spent = cost(module.eval(), (g.channels, g.size, g.size))
    return CheckpointId(name, uri, sha256, arch, spent.parameters, spent.flops, prepare.facts())
