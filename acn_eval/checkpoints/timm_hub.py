"""``timm:NAME`` (pretrained) and ``timm:NAME@FILE`` (local weights): models with one exit."""

from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from acn_eval.checkpoints.checkpoint import Checkpoint, Prepare, from_module
from acn_eval.checkpoints.native import read_pickle
from acn_eval.data import Geometry
from acn_eval.errors import CheckpointError, MissingExtra

__all__ = ["load_timm"]


def load_timm(spec: str) -> Checkpoint:
    """Load ``NAME`` with timm's pretrained weights, or ``NAME@FILE`` with a local file.

    Raises:
        MissingExtra: timm is not installed.
        CheckpointError: unknown name, no weights, or of another shape.
    """
    try:
        import timm
    except ImportError as exc:
        raise MissingExtra(f"timm:{spec}", "timm") from exc
    name, _, file = spec.partition("@")
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"{name[:8]}*")[:3]) or "see timm.list_models()"
        raise CheckpointError(f"timm:{spec}: timm has no model {name!r}; near: {near}")
    model = _local(timm, name, Path(file)) if file else _pretrained(timm, name)
    config = timm.data.resolve_model_data_config(model)
    channels, size, _ = config["input_size"]
    prepare = Prepare(Geometry(size, channels), tuple(config["mean"]), tuple(config["std"]))
    classes = tuple(str(i) for i in range(model.num_classes))
    return from_module(model, name=name, classes=classes, prepare=prepare)


def _pretrained(timm: Any, name: str) -> Any:
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError) as exc:
        first = str(exc).splitlines()[0]
        msg = f"timm:{name}: pretrained weights could not be had ({first}); try timm:{name}@FILE"
        raise CheckpointError(msg) from exc


def _local(timm: Any, name: str, file: Path) -> Any:
    state = _read(file)
    head = timm.create_model(name, pretrained=False).default_cfg.get("classifier", "head")
    bias = state.get(f"{head}.bias")
    if bias is None:
        raise CheckpointError(f"{file}: must hold the weights of {name}; {head}.bias is missing")
    model = timm.create_model(name, pretrained=False, num_classes=len(bias))
    try:
        model.load_state_dict(state)
    except RuntimeError as exc:
        first = " ".join(str(exc).split())[:200]
        raise CheckpointError(f"{file}: must hold the weights of {name}; {first}") from exc
    return model


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise CheckpointError(f"{file}: must be a weight file; there is none")
    if file.suffix == ".safetensors":
        try:
            return dict(safetensors.torch.load_file(file))
        except safetensors.SafetensorError as exc:
            raise CheckpointError(f"{file}: must be a safetensors file; {exc}") from exc
    content = read_pickle(file)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{file}: must be a state dict")
    return state
