"""``hf:FOLDER`` of a classifier of images that transformers saved: its tensors, never its code.

Of config.json, only the fields of a known class are read; of the folder, nothing else is opened
than weights in safetensors and preprocessor_config.json.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.checkpoints.affordable import MOST_BUFFERS, require_affordable
from acn_eval.checkpoints.checkpoint import Checkpoint, counted, from_module
from acn_eval.checkpoints.hugging_face import class_names, json_object, weight_file
from acn_eval.checkpoints.native import checked_state
from acn_eval.checkpoints.processors import preparation
from acn_eval.checkpoints.weight_files import read_safetensors
from acn_eval.config_files import cut
from acn_eval.data.geometry import PrepareImages
from acn_eval.errors import DAMAGED, CheckpointError, MissingExtra

__all__ = ["IMAGE_MODELS", "load_transformers"]

IMAGE_MODELS: Mapping[str, tuple[str, ...]] = {
    "convnext": ("ConvNextForImageClassification",),
    "deit": ("DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"),
    "resnet": ("ResNetForImageClassification",),
    "swin": ("SwinForImageClassification",),
    "vit": ("ViTForImageClassification",),
}
"""By model_type of config.json: the classes of transformers that are read, the usual one first."""
_POSITIONS = ("deit", "vit")
_NO_WIRING = {
    *("id2label", "label2id", "transformers_version", "architectures", "dtype", "_name_or_path")
}
_UNUSED = re.compile(
    r"(^|\.)pooler\.|\b(position_ids|relative_position_index|num_batches_tracked)$"
)
"""Tensors that a file may hold beyond those of its network: they change no logit."""


def load_transformers(folder: Path, uri: str, name: str) -> Checkpoint:
    """Load a classifier of images from a folder.

    Raises:
        MissingExtra: transformers is not installed.
        CheckpointError: the folder lacks something, or weights and config.json do not fit.
    """
    settings = json_object(folder / "config.json")
    state = checked_state(read_safetensors(weight_file(folder))[1], folder)
    stated = folder / "preprocessor_config.json"
    prepare = preparation(json_object(stated), stated)
    names = class_names(folder, settings)
    unnamed = names == tuple(f"LABEL_{i}" for i in range(len(names)))
    transformers = _transformers(uri)
    with _quiet(transformers):
        kind = _class(transformers, settings, folder)
        fitting = {**_own(transformers, kind, settings), "id2label": dict(enumerate(names))}
        model = _filled(kind, fitting, state, folder)
    _require_size(model.config, prepare, stated)
    classes = counted(len(names)) if unnamed else names
    try:
        require_affordable(model, prepare, str(folder))
        checkpoint = from_module(model, name=name, classes=classes, prepare=prepare)
    except DAMAGED as exc:  # numbers of config.json that no weight contradicts
        raise CheckpointError(f"{folder}: config.json must describe a network; {exc}") from exc
    arch = {**checkpoint.id.arch, "config": _wiring(model.config)}
    return replace(checkpoint, id=replace(checkpoint.id, uri=uri, arch=arch))


def _wiring(config: Any) -> str:
    """Return a digest of what weights do not say, as the number of heads."""
    fields = {k: v for k, v in config.to_dict().items() if k not in _NO_WIRING}
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _require_size(config: Any, prepare: PrepareImages, stated: Path) -> None:
    """Refuse images of another size than the positions of a vision transformer are for."""
    size = prepare.spec.size
    if config.model_type in _POSITIONS and size != config.image_size:
        what = f"must prepare images of {config.image_size} pixels, as config.json says"
        raise CheckpointError(f"{stated}: {what}; got {size}")


def _transformers(where: str) -> Any:
    try:
        import transformers
    except ModuleNotFoundError as exc:
        raise MissingExtra(where, "hf") from exc
    return transformers


def _class(transformers: Any, settings: Mapping[str, Any], folder: Path) -> Any:
    known = IMAGE_MODELS[settings["model_type"]]
    said = settings.get("architectures") or known[:1]
    if not isinstance(said, list | tuple) or len(said) != 1 or said[0] not in known:
        what = f"architectures must be [{' or '.join(known)}]"
        raise CheckpointError(f"{folder}: {what}; got {cut(said)}")
    if settings.get("quantization_config"):
        raise CheckpointError(f"{folder}: its weights must not be quantized")
    return getattr(transformers, said[0])


def _own(transformers: Any, kind: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that only this kind of network has; those of every kind do far more."""
    shared = {field.name for field in fields(transformers.PreTrainedConfig)}
    known = {field.name for field in fields(kind.config_class)} - shared
    return {k: v for k, v in settings.items() if k in known and k[:1] != "_"}


def _filled(kind: Any, stated: Mapping[str, Any], state: dict[str, Tensor], folder: Path) -> Any:
    """Return the network of the settings with these weights, in fp32."""
    _require_few_blocks(stated, len(state), folder)
    from huggingface_hub.errors import StrictDataclassError

    wrong: tuple[type[Exception], ...] = (*DAMAGED, StrictDataclassError)
    try:
        config = kind.config_class(**stated)
        with torch.random.fork_rng(devices=[]):
            with torch.device("meta"):
                skeleton = kind(config)
            _require_room(skeleton, state, folder)
            model, report = kind.from_pretrained(
                None,
                config=config,
                state_dict=state,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except wrong as exc:
        first = " ".join(str(exc).split())[:160]
        msg = f"{folder}: config.json and weights must fit {kind.__name__}; {first}"
        raise CheckpointError(msg) from exc
    if missing := sorted(report["missing_keys"]):
        msg = f"{folder}: must hold the weights of {kind.__name__}; {missing[0]} is missing"
        raise CheckpointError(msg)
    if extra := sorted(key for key in report["unexpected_keys"] if not _UNUSED.search(key)):
        msg = f"{folder}: must hold the weights of {kind.__name__} alone; {extra[0]} is not one"
        raise CheckpointError(msg)
    return model


def _require_few_blocks(stated: Mapping[str, Any], tensors: int, folder: Path) -> None:
    """Refuse a config that would be built block by block for hours."""
    depths = stated.get("depths")
    numbers = [stated.get("num_hidden_layers", 0), stated.get("num_stages", 0)]
    numbers += depths if isinstance(depths, list) else []
    if not all(type(n) is int and n >= 0 for n in numbers) or sum(numbers) > tensors:
        what = f"config.json must state at most as many blocks as there are tensors, {tensors}"
        raise CheckpointError(f"{folder}: {what}; got {cut(numbers)}")


def _require_room(skeleton: nn.Module, state: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse a network that is larger than its file, before it takes memory."""
    wanted = sum(p.numel() for p in skeleton.parameters())
    have = sum(value.numel() for value in state.values())
    if wanted > have or sum(b.numel() for b in skeleton.buffers()) > MOST_BUFFERS:
        what = f"config.json must describe the weights, {have:,} numbers"
        raise CheckpointError(f"{folder}: {what}; it describes {wanted:,}")


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep progress bars and reports of transformers from the terminal."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL + 1)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
