"""Checkpoint: a network that is ready for evaluation, and everything known about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.foreign import adopted, logits_of
from acn_eval.checkpoints.native import Native, digest, write_native
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import PrepareImages, border_of
from acn_eval.data.tokens import PrepareTokens
from acn_eval.engine.parcel import SentOnce
from acn_eval.errors import CheckpointError, ConfigError, Unsupported
from acn_eval.inputs import Prepare
from acn_eval.models import Cuttable, Encoder, cost
from acn_eval.results import CheckpointId

__all__ = [
    "Checkpoint",
    "Classifier",
    "counted",
    "cut_at",
    "export",
    "from_module",
    "image_preparation",
    "reframed",
    "rewritten",
    "state_digest",
    "training_preparation",
]


class Classifier(Protocol):
    """A network with exits, on batches as its `Prepare` makes them; a foreign one has one exit."""

    def __call__(self, inputs: Any, /) -> Tensor:
        """Logits (batch, classes) of the last exit."""
        ...

    def exits(self, inputs: Any, /) -> list[Tensor]:
        """Logits (batch, classes) of every exit."""
        ...

    def to(self, device: torch.device) -> Any:
        """Move the parameters."""
        ...


@dataclass(frozen=True)
class Checkpoint(SentOnce):
    """A network that is ready for evaluation.

    Attributes:
        id: what goes into the record.
        model: the network in eval mode; ``model(inputs)`` and ``model.exits(inputs)``.
        prepare: how an example becomes the input of the network.
        classes: names in the order of the logits.
        data: the data set that it was trained on, the default of an evaluation; "" if unknown.
        pair: uri of its twin, the default baseline; None if it has none.
        training_hashes: int64 (n,), content hashes of its training examples; empty if unknown.
        native: the content of its file, where it is one that can be written again.
        named: whether its source names the classes; otherwise `classes` are "0", "1", ...
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

    @property
    def masked(self) -> bool:
        """Whether it finds masked tokens: it has pieces of its vocabulary for classes."""
        return self.native is not None and not self.native.card.classes


def reframed(checkpoint: Checkpoint, changes: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint with other fields of `Framing`; the record states them.

    A network of ours is then shown images that Pillow resized, as a foreign one is.

    Raises:
        Unsupported: the network reads no images.
    """
    prepare = image_preparation(checkpoint)
    fill = border_of(prepare.mean)
    framing = prepare.spec.framing or Framing()
    rounding = "nearest" if "crop_pct" in changes else framing.rounding  # one crop for all
    framing = replace(framing, **changes, fill=fill, rounding=rounding)
    prepare = replace(prepare, spec=replace(prepare.spec, framing=framing))
    identity = replace(checkpoint.id, preprocessing=prepare.facts())
    return replace(checkpoint, prepare=prepare, id=identity)


def image_preparation(checkpoint: Checkpoint) -> PrepareImages:
    """Return the preparation of a network that reads images.

    Raises:
        Unsupported: it reads something else.
    """
    prepare = checkpoint.prepare
    if not isinstance(prepare, PrepareImages):
        what = f"must read images; it reads {prepare.spec.modality}"
        raise Unsupported(f"{checkpoint.id.name}: {what}")
    return prepare


def training_preparation(checkpoint: Checkpoint) -> PrepareImages | PrepareTokens:
    """Return the preparation of a network that can be trained here.

    Raises:
        Unsupported: it reads something that no training knows.
    """
    prepare = checkpoint.prepare
    if not isinstance(prepare, PrepareImages | PrepareTokens):
        what = f"must read images or sentences to be trained; it reads {prepare.spec.modality}"
        raise Unsupported(f"{checkpoint.id.name}: {what}")
    return prepare


def from_module(
    module: nn.Module,
    *,
    name: str,
    classes: tuple[str, ...],
    prepare: Prepare,
    data: str = "",
    depths: tuple[str, ...] = (),
) -> Checkpoint:
    """Return a checkpoint of a network in memory, e.g. in a notebook.

    Its sha256 is over its state. Weights do not say how they are wired:
    the name is part of the record too, so give two networks two names.

    Args:
        module: gives logits (batch, classes). A vision transformer of timm, torchvision or
            transformers has exits 0 .. L; a module with a method `exits` of its own has those.
        name: in tables.
        classes: names in the order of the logits, or `counted` where the classes have no names.
        prepare: how an example becomes its input, e.g. `acn_eval.data.PrepareImages`.
        data: the data set that it was trained on, if known.
        depths: paths of modules whose outputs probes are fitted on, e.g. ``("layer1", "layer2")``;
            empty: those that are known of its library. What its last linear layer reads is one,
            too.

    Raises:
        CheckpointError: weights that are not finite float32, not one logit per class, or no module
            of such a path.
    """
    for key, value in module.state_dict().items():
        if value.is_floating_point() and value.dtype != torch.float32:
            msg = f"{name}: weights must be float32; {key} is {value.dtype}. Call .float() first."
            raise CheckpointError(msg)
    arch = {"kind": type(module).__name__, "name": name}
    identity = identify(module, name, f"memory:{name}", state_digest(module), arch, prepare)
    blank = _blank(module, prepare)
    with torch.no_grad():
        shape = tuple(logits_of(module(blank)).shape)
    if shape != (1, len(classes)):
        msg = f"{name}: must give one logit per class, (1, {len(classes)}); got {shape}"
        raise CheckpointError(msg)
    named = tuple(classes) != counted(len(classes))
    network: Any = module
    if depths or not hasattr(module, "exits"):
        network = adopted(module, blank, len(classes), depths).eval()
    if isinstance(network, Cuttable):
        identity = replace(identity, arch={**arch, "depth": network.depth})
    return Checkpoint(identity, network, prepare, classes, data, named=named)


def counted(classes: int) -> tuple[str, ...]:
    """Return "0", "1", ..., which stand for the names of classes that have none."""
    return tuple(str(i) for i in range(classes))


def state_digest(module: nn.Module) -> str:
    """Return the digest of a module's state: what identifies its network."""
    return digest(module.state_dict())


def _blank(module: nn.Module, prepare: Prepare) -> Any:
    """Return one example without content, where the module is."""
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    return prepare.blank(1).to(device)


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
    spent = cost(module.eval(), _blank(module, prepare))
    return CheckpointId(name, uri, sha256, arch, spent.parameters, spent.flops, prepare.facts())


def export(checkpoint: Checkpoint, exit: int, out: Path) -> Native:
    """Write the first `exit` blocks as a file; raises what `cut_at` raises."""
    native = cut_at(checkpoint, exit)
    write_native(out, native)
    return native


def cut_at(checkpoint: Checkpoint, exit: int) -> Native:
    """Return the content of a file of the first `exit` blocks; weights keep their dtype.

    Raises:
        Unsupported: the network has no file of ours.
        ConfigError: the network has exits, but not this one.
    """
    native, network = checkpoint.native, checkpoint.model
    if native is None or not isinstance(network, Encoder):
        what = "must be a file of acn-eval for a cut network to be written"
        raise Unsupported(f"{checkpoint.id.uri}: {what}; got another network")
    depth = network.depth
    if not 0 <= exit <= depth:
        raise ConfigError(f"{checkpoint.id.uri}: exit must be 0 to {depth}; got {exit}")
    origin = f"{checkpoint.id.sha256} cut at exit {exit} of {depth}"
    return rewritten(native, network.truncated(exit), origin)


def rewritten(native: Native, network: Encoder, origin: str) -> Native:
    """Return the content of a file of a network that was made from `native`, in the same dtype.

    The card states the `origin`: from which file the network was made, and how.
    """
    stored = next(iter(native.state.values())).dtype
    state = {
        name: value.detach().cpu().to(stored) if value.is_floating_point() else value.cpu()
        for name, value in network.state_dict().items()
    }
    changed = {"arch": network.config, "pair": None, "origin": origin}
    card = Card(**{**dict(native.card), **changed})
    return replace(native, card=card, state=state)
