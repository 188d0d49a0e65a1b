"""From what its owner trusts to tensors with a card, which anyone can load."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import yaml
from torch import Tensor, nn

from acn_eval.checkpoints.checkpoint import Checkpoint, image_preparation
from acn_eval.checkpoints.declaring import declared, of_ours
from acn_eval.checkpoints.library_card import LibraryCard, written_out
from acn_eval.checkpoints.load import load
from acn_eval.checkpoints.mlflow_hub import downloaded
from acn_eval.checkpoints.native import checked_state, read_state, write_native
from acn_eval.checkpoints.trusted import FLAVOUR, run_trusted
from acn_eval.checkpoints.weight_files import IF_TRUSTED, beside
from acn_eval.config_files import read_yaml
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.models import Encoder
from acn_eval.stores import in_mlflow

__all__ = ["convert"]

_SHOWN = 3  # random images, one at a time: an exported network may take no more
_METADATA = "acn_eval"  # of a logged model, see docs/mlflow.md


def convert(
    source: str,
    out: Path,
    stated: Mapping[str, Any],
    *,
    trust: bool = False,
    tracking_uri: str | None = None,
) -> Checkpoint:
    """Write a source as safetensors with a card, and return what `load` makes of that.

    Args:
        source: a file, or ``models:/...`` or ``runs:/...`` of MLflow.
        out: file to write, ``.safetensors``; a card of a library lies beside it.
        stated: fields of `LibraryCard`, which weigh more than what the source says.
        trust: whether code of the source may run; False reads tensors alone.
        tracking_uri: the store of an address of MLflow.

    Raises:
        CheckpointError: the source cannot be read, declared, or does not answer like its copy.
        ConfigError: `out` is no ``.safetensors``, or the source.
    """
    same = out.exists() and Path(source).exists() and out.samefile(source)
    if same or out.suffix != ".safetensors":
        msg = f"`out`: must be another file than the source, .safetensors; got {out}"
        raise ConfigError(msg, "out")
    with _opened(source, tracking_uri) as place:
        found = _network_in(run_trusted(place), source) if trust else _tensors(place, source)
        fields = {**_metadata(place), **stated, "origin": source}
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            part = Path(folder) / out.name
            try:
                _write(found, fields, part)
                _require_equal(found, load(str(part)), source)
            except CheckpointError as exc:  # the user knows the source
                message = str(exc).replace(str(part), source)
                raise CheckpointError(message, *exc.arguments) from exc
            for written in filter(Path.exists, (part, beside(part))):
                os.replace(written, out.with_name(written.name))
    return load(str(out))


@contextmanager
def _opened(source: str, tracking_uri: str | None) -> Iterator[Path]:
    """Yield a file, or the folder of a model of MLflow."""
    if not in_mlflow(source):
        yield Path(source)
        return
    with downloaded(source, tracking_uri) as (folder, names):
        yield folder if FLAVOUR in names or len(names) != 1 else folder / names[0]


def _tensors(place: Path, source: str) -> dict[str, Tensor]:
    if (place / FLAVOUR).exists() or place.suffix == ".pt2":
        what = "must hold tensors alone; reading it may run code"
        raise CheckpointError(f"{source}: {what}. {IF_TRUSTED}", "trust")
    return _plain(read_state(place))


def _network_in(content: object, source: str) -> nn.Module | dict[str, Tensor]:
    """Return the network of what was saved: itself, one beside other things, or its state."""
    if isinstance(content, Mapping):
        modules = [value for value in content.values() if isinstance(value, nn.Module)]
        content = modules[0] if len(modules) == 1 else content.get("state_dict", content)
    if isinstance(content, nn.DataParallel | nn.parallel.DistributedDataParallel):
        content = content.module
    if isinstance(content, torch.fx.GraphModule):
        return content  # an export has no other mode than that in which it was made
    if isinstance(content, nn.Module):
        return content.float().eval()
    return _plain(checked_state(content, Path(source)))


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state without the prefix of parallel training."""
    parallel = all(name.startswith("module.") for name in state)
    return {name.removeprefix("module."): v for name, v in state.items()} if parallel else state


def _metadata(place: Path) -> dict[str, Any]:
    """Return what a logged model says about its input, under the names of a card."""
    if not (place / FLAVOUR).is_file():
        return {}
    said = read_yaml(place / FLAVOUR, "a model of MLflow").get("metadata") or {}
    own = (said.get(_METADATA) or {}) if isinstance(said, dict) else said
    if not isinstance(own, dict):
        raise CheckpointError(f"{place / FLAVOUR}: its metadata must be names with values")
    return {name: own[name] for name in ("size", "mean", "std", "classes") if own.get(name)}


def _write(found: nn.Module | dict[str, Tensor], fields: dict[str, Any], part: Path) -> None:
    if isinstance(found, Encoder):
        write_native(part, of_ours(found, fields))
        return
    card = declared(found, fields)
    state = found.state_dict() if isinstance(found, nn.Module) else found
    plain = {name: value.detach().clone().contiguous() for name, value in state.items()}
    part.write_bytes(safetensors.torch.save(plain))
    _write_card(card, part)
    whole = written_out(card, image_preparation(load(str(part))))
    sha256 = hashlib.sha256(part.read_bytes()).hexdigest()
    _write_card(whole.model_copy(update={"sha256": sha256}), part)


def _write_card(card: LibraryCard, part: Path) -> None:
    fields = card.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(fields, sort_keys=False, default_flow_style=None)
    beside(part).write_text(text, encoding="utf-8")


def _require_equal(found: nn.Module | dict[str, Tensor], made: Checkpoint, source: str) -> None:
    """Refuse a copy that does not answer like its source.

    Raises:
        CheckpointError: their logits differ.
    """
    if isinstance(found, dict):
        return  # there is no network to ask; the library took every one of its tensors
    copy: Any = made.model
    draw = torch.Generator().manual_seed(0)
    blank = made.prepare.blank(1)
    for _ in range(_SHOWN):
        image = torch.randn(blank.shape, generator=draw)
        with torch.no_grad():
            want, got = _answer(found, image, source), copy(image)
        if not isinstance(want, Tensor) or want.shape != got.shape:
            raise CheckpointError(f"{source}: must answer with logits, one per class")
        apart = float((want - got).abs().max() / want.abs().max().clamp(min=1e-6))
        if not apart < 1e-4:
            what = f"must answer like {made.id.arch.get('name', 'its copy')}; logits differ by"
            raise CheckpointError(f"{source}: {what} {100 * apart:.2g} %", "model")


def _answer(network: nn.Module, image: Tensor, source: str) -> Any:
    try:
        return network(image)
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as exc:
        what = f"must read images {tuple(image.shape[1:])}, as its card says; {exc}"
        raise CheckpointError(f"{source}: {what:.300}. State its `size`.", "size") from exc
