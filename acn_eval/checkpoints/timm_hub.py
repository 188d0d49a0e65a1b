"""``timm:NAME`` (pretrained) and ``timm:NAME@FILE`` (local weights)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch

from acn_eval.checkpoints.affordable import MOST_BUFFERS, require_affordable
from acn_eval.checkpoints.checkpoint import Checkpoint, counted, from_module
from acn_eval.checkpoints.downloads import reachable
from acn_eval.checkpoints.library_card import LibraryCard
from acn_eval.checkpoints.native import read_state
from acn_eval.data.cifar import torchvision_module
from acn_eval.data.framing import Framing, Interpolation
from acn_eval.data.geometry import Geometry, PrepareImages, border_of
from acn_eval.errors import CheckpointError, MissingExtra

__all__ = ["load_timm"]


def load_timm(spec: str, card: LibraryCard | None = None) -> Checkpoint:
    """Load ``NAME`` with timm's pretrained weights, or ``NAME@FILE`` with a local file.

    A card states what the file is, where that is not what timm has under the name.

    Raises:
        MissingExtra: timm is not installed.
        CheckpointError: unknown name, no weights, or of another shape.
    """
    timm = _timm(f"timm:{spec}")
    name, _, file = spec.partition("@")
    weights = _known(timm, name)
    card = card or LibraryCard(model=f"timm:{name}")
    if file:
        model = _local(timm, name, Path(file), card.made_with)
    else:
        model = _pretrained(timm, name, weights)
    config = timm.data.resolve_model_data_config(model)
    prepare = card.prepared(_prepare(config, f"timm:{name}"))
    _require_filter(prepare, f"timm:{name}")
    classes = card.answers(model.num_classes) or counted(model.num_classes)
    require_affordable(model, prepare, f"timm:{spec}")
    checkpoint = from_module(model, name=name, classes=classes, prepare=prepare)
    return replace(checkpoint, id=replace(checkpoint.id, uri=f"timm:{spec}"))


def _prepare(config: Mapping[str, Any], where: str) -> PrepareImages:
    """Return timm's own preparation of images for evaluation."""
    channels, height, width = config["input_size"]
    if height != width:
        raise CheckpointError(f"{where}: must read square images; got {height} x {width}")
    mean, std = tuple(config["mean"]), tuple(config["std"])
    framing = Framing(
        config["crop_pct"], config["crop_mode"], config["interpolation"], border_of(mean)
    )
    return PrepareImages(Geometry(height, channels, framing), mean, std)


def _require_filter(prepare: PrepareImages, where: str) -> None:
    """Refuse the filter ``random``, which timm draws anew for every image."""
    framing, known = prepare.spec.framing, get_args(Interpolation)
    if framing and framing.interpolation not in known:
        what = f"interpolation must be {', '.join(known)}; got {framing.interpolation}"
        raise CheckpointError(f"{where}: {what}. A card beside the weights states one.")


def _timm(where: str) -> Any:
    try:
        import timm
    except ModuleNotFoundError as exc:
        raise MissingExtra(where, "timm") from exc
    except (ImportError, RuntimeError):
        torchvision_module("torchvision", where)  # what timm stumbles over; says so
        raise
    return timm


def _known(timm: Any, name: str) -> Any:
    """Return timm's record of the weights of a name, or None where it has none."""
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"{name[:8]}*")[:3])
        hint = f"near: {near}" if near else "timm.list_models() in Python lists them"
        raise CheckpointError(f"timm:{name}: timm has no model {name!r}; {hint}")
    try:
        return timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as exc:
        raise CheckpointError(f"timm:{name}: must be a name of timm; {exc}") from exc


def _pretrained(timm: Any, name: str, weights: Any) -> Any:
    where, remedy = f"timm:{name}: pretrained weights must", f"Try timm:{name}@FILE."
    if weights is None or not weights.has_weights:
        raise CheckpointError(f"{where} exist; timm has none. {remedy}")
    if weights.hf_hub_id and not _at_hand(weights.hf_hub_id):
        raise CheckpointError(f"{where} be downloadable; there is no internet. {remedy}")
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError) as exc:
        raise CheckpointError(f"{where} be downloadable; {exc}. {remedy}") from exc


def _at_hand(repository: str) -> bool:
    """Whether weights are cached or their server answers: the client would retry for a minute."""
    from huggingface_hub import constants, try_to_load_from_cache

    for file in ("model.safetensors", "pytorch_model.bin"):
        if isinstance(try_to_load_from_cache(repository, file), str):
            return True
    if constants.HF_HUB_OFFLINE:
        return False
    return reachable(constants.ENDPOINT)


def _local(timm: Any, name: str, file: Path, arguments: Mapping[str, int]) -> Any:
    state = read_state(file)
    if arguments.get("depth", 0) > len(state):  # each block would take time to build
        raise CheckpointError(f"{file}: depth must be that of the weights; they are too few")
    head = _skeleton(timm, name, arguments).default_cfg.get("classifier", "head")
    head = head if isinstance(head, str) else head[0]  # distilled models have two
    bias = state.get(f"{head}.bias")
    if bias is None or bias.dim() != 1 or len(bias) < 2:
        msg = f"{file}: must hold the weights of {name}; {head}.bias, one per class, is missing"
        raise CheckpointError(msg)
    sized = {**arguments, "num_classes": len(bias)}
    skeleton = _skeleton(timm, name, sized)
    if sum(buffer.numel() for buffer in skeleton.buffers()) > MOST_BUFFERS:
        raise CheckpointError(
            f"{file}: its sizes must be those of {name}; its tables are too large"
        )
    for (
        key,
        value,
    ) in skeleton.state_dict().items():  # before a network of the wrong size takes memory
        if key not in state or state[key].shape != value.shape:
            raise CheckpointError(f"{file}: must hold the weights of {name}; {key} does not fit")
    model = timm.create_model(name, pretrained=False, **sized)
    try:
        model.load_state_dict(state)
    except RuntimeError as exc:
        first = " ".join(str(exc).split())[:200]
        raise CheckpointError(f"{file}: must hold the weights of {name}; {first}") from exc
    return model


def _skeleton(timm: Any, name: str, arguments: Mapping[str, int]) -> Any:
    """Return a model without memory: names and shapes."""
    try:
        with torch.device("meta"):
            return timm.create_model(name, pretrained=False, **arguments)
    except (AssertionError, ArithmeticError, RuntimeError, TypeError, ValueError) as exc:
        first = " ".join(str(exc).split())[:200]
        msg = f"timm:{name}: arguments must be those of the network; {first}"
        raise CheckpointError(msg) from exc
