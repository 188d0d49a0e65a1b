"""``torchvision:NAME`` (pretrained) and ``torchvision:NAME@FILE`` (local weights)."""

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from acn_eval.checkpoints.affordable import require_affordable
from acn_eval.checkpoints.checkpoint import Checkpoint, counted, from_module
from acn_eval.checkpoints.downloads import reachable
from acn_eval.checkpoints.library_card import LibraryCard
from acn_eval.checkpoints.native import read_state
from acn_eval.checkpoints.weight_files import opened
from acn_eval.data.cifar import torchvision_module
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import Geometry, PrepareImages
from acn_eval.errors import CheckpointError, suggestion

__all__ = ["load_torchvision"]

_AUXILIARY = ("googlenet", "inception_v3")
_CLASSES = 1000  # of every network that torchvision has weights of
_HASH = re.compile(r"-([0-9a-f]{8,64})\.")


def load_torchvision(spec: str, card: LibraryCard | None = None) -> Checkpoint:
    """Load ``NAME`` or ``NAME.TAG`` with torchvision's weights, or ``NAME@FILE`` with a file's.

    A tag is a member of the name's weights, e.g. ``IMAGENET1K_V1``; without it, images are
    prepared as for the weights that torchvision prefers. The classes of a file have the names of
    the weights only where the tag is stated. A card states what the file is, where that is not
    what torchvision has under the name.

    Raises:
        CheckpointError: unknown name, no classifier of images, weights that are not there, or of
            another shape.
        DataError: torchvision cannot be imported.
    """
    where = f"torchvision:{spec}"
    stated, _, file = spec.partition("@")
    name, _, tag = stated.partition(".")
    models = torchvision_module("torchvision.models", where)
    weights = _weights(models, name, tag, where)
    card = card or LibraryCard(model=f"torchvision:{name}")
    state = read_state(Path(file)) if file else _downloaded(weights, where)
    architecture = _Architecture(models, name, _arguments(weights, name, card))
    model = architecture.filled(state, file or where)
    prepare = card.prepared(_prepare(weights.transforms()))
    classes = card.answers(_outputs(model)) or _names(weights, _outputs(model), tag or not file)
    require_affordable(model, prepare, where)
    checkpoint = from_module(model, name=name, classes=classes, prepare=prepare)
    return replace(checkpoint, id=replace(checkpoint.id, uri=where))


def _names(weights: Any, outputs: int, published: object) -> tuple[str, ...]:
    names = tuple(weights.meta["categories"])
    return names if published and len(names) == outputs else counted(outputs)


def _arguments(weights: Any, name: str, card: LibraryCard) -> Mapping[str, int]:
    """Return what the network is made with; a vision transformer has positions of one size."""
    usual = {"image_size": weights.meta["min_size"][0]} if name.startswith("vit") else {}
    return {**usual, **card.made_with}


def _weights(models: Any, name: str, tag: str, where: str) -> Any:
    known = models.list_models(module=models)
    if name not in known:
        if name in models.list_models():
            what = "must classify images; it detects, segments, reads videos or is quantized"
            raise CheckpointError(f"{where}: {what}")
        hint = suggestion(name, known) or " torchvision.models.list_models() in Python lists them."
        raise CheckpointError(f"{where}: must be a name of torchvision; got {name!r}.{hint}")
    if name in _AUXILIARY:
        raise CheckpointError(f"{where}: must have one head; {name} has auxiliary ones")
    members = models.get_model_weights(name)
    if tag and tag not in members.__members__:
        tags = ", ".join(member.name for member in members)
        raise CheckpointError(f"{where}: its weights must be {tags}; got {tag!r}")
    return members[tag] if tag else members.DEFAULT


def _prepare(preset: Any) -> PrepareImages:
    """Return torchvision's own preparation of images for evaluation."""
    (short,), (size,) = preset.resize_size, preset.crop_size
    framing = Framing.cropping(short, size, preset.interpolation.value)
    return PrepareImages(Geometry(size, 3, framing), tuple(preset.mean), tuple(preset.std))


def _downloaded(weights: Any, where: str) -> Mapping[str, Tensor]:
    """Return published weights from torch's cache, downloaded where they are not in it."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    wanted = _HASH.search(path.name)
    prefix = wanted[1] if wanted else ""
    if not path.exists():
        remedy = f"Bring {weights.url} here, and give it as {where}@FILE"
        if not reachable(weights.url):
            what = "pretrained weights must be downloadable; there is no internet"
            raise CheckpointError(f"{where}: {what}. {remedy}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(
                weights.url, str(path), prefix, progress=sys.stderr.isatty()
            )
        except (OSError, RuntimeError) as exc:
            what = f"pretrained weights must be downloadable; {exc}"
            raise CheckpointError(f"{where}: {what}. {remedy}") from exc
    with opened(path) as stream:
        if not hashlib.file_digest(stream, "sha256").hexdigest().startswith(prefix):
            what = f"must be the published file, its sha256 {prefix}...; it differs. Remove it"
            raise CheckpointError(f"{path}: {what}.")
    return read_state(path)


class _Architecture(NamedTuple):
    """A name of torchvision, and the sizes that it is made with."""

    models: Any
    name: str
    arguments: Mapping[str, int]

    def filled(self, state: Mapping[str, Tensor], where: str) -> nn.Module:
        """Return the network with these weights, and as many classes as they have."""
        state = {_modern(key): value for key, value in state.items()}
        skeleton = self._skeleton(_CLASSES)
        name = _head(skeleton)
        head, row = state.get(name), skeleton.get_parameter(name).shape[1:]
        must = f"{where}: must hold the weights of {self.name}"
        if head is None or head.shape[1:] != row or len(head) < 2:  # rows of nothing cost nothing
            what = f"those of its head, {name}, a row of {row.numel()} per class"
            raise CheckpointError(f"{must}; {what}, are missing")
        try:  # before a network of the wrong size takes memory
            self._skeleton(len(head)).load_state_dict(state, assign=True)
            model = self._built(len(head))
            own = model.state_dict()  # its tables of indices are not the file's to choose
            floats = {k: v if v.is_floating_point() else own[k] for k, v in state.items()}
            model.load_state_dict(floats)
        except RuntimeError as exc:
            first = " ".join(str(exc).split(":", 1)[-1].split())[:160]
            raise CheckpointError(f"{must}; {first}") from exc
        return model

    def _skeleton(self, classes: int) -> nn.Module:
        """Return a network without memory: names and shapes."""
        # RegNets compute their widths with tensors, which must have content.
        with torch.device("cpu" if self.name.startswith("regnet") else "meta"):
            return self._built(classes)

    def _built(self, classes: int) -> nn.Module:
        arguments = {**self.arguments, "num_classes": classes}
        try:
            with torch.random.fork_rng(devices=[]):
                model: nn.Module = self.models.get_model(self.name, weights=None, **arguments)
        except (AssertionError, ArithmeticError, RuntimeError, TypeError, ValueError) as exc:
            first = " ".join(str(exc).split())[:200]
            what = f"torchvision:{self.name}: arguments must be those of the network"
            raise CheckpointError(f"{what}; {first}") from exc
        return model


def _outputs(model: nn.Module) -> int:
    return len(model.get_parameter(_head(model)))


def _head(model: nn.Module) -> str:
    """Return the name of the weight of the layer that gives the logits: the last one."""
    layers = [path for path, m in model.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    return f"{layers[-1]}.weight"


def _modern(key: str) -> str:
    """Return the name that a layer of a DenseNet has had since 2017."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)", r"\1\2", key)
