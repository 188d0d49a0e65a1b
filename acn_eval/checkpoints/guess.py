"""Which networks of timm and torchvision weights without a name fit, by their keys and shapes."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from math import isqrt
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from acn_eval.errors import DAMAGED

__all__ = ["Fit", "Shapes", "fits"]

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every tensor by its key."""
_ALIKE = 0.5  # share of the keys, numbers aside, that a family of networks must know
_NEAR = 0.2  # families whose share is so near the best are built name by name
_INITIALIZING = frozenset(
    ("normal_", "uniform_", "erfinv_", "mul_", "add_", "clamp_", "fill_", "zero_")
)
_HEAD = 4  # tensors of a head, two layers at most


class Fit(NamedTuple):
    """A name that weights fit.

    Attributes:
        model: ``timm:NAME`` or ``torchvision:NAME``.
        classes: how many the weights have.
        arguments: sizes that the network was made with, where they are not those of its name.
    """

    model: str
    classes: int
    arguments: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class _Library:
    """The networks of a library, by the module that builds them; each is built without memory.

    Attributes:
        scheme: what stands before a name.
        families: names by module.
        build: a network from its name and arguments.
        sized: tensors whose shapes follow from arguments, of a vision transformer: of its patches,
            and of its positions.
        sizes: these arguments, from the grid of patches and the shape of the first tensor.
    """

    scheme: str
    families: Mapping[str, Sequence[str]]
    build: Callable[..., Any]
    sized: tuple[str, str]
    sizes: Callable[[int, tuple[int, ...]], dict[str, int]]

    def arguments(self, shapes: Shapes) -> dict[str, int]:
        """Return the arguments that weights of a vision transformer tell; of others none."""
        patches, positions = (shapes.get(key, ()) for key in self.sized)
        if len(patches) != 4 or len(positions) != 3:
            return {}
        return self.sizes(isqrt(positions[1]), patches)  # tokens of classes are few

    def shapes(self, name: str, **arguments: int) -> Shapes:
        """Return the tensors of a network; none where it cannot be built without memory."""
        try:
            with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), _Valueless():
                warnings.simplefilter("ignore")
                with torch.device("meta"):
                    network: nn.Module = self.build(name, **arguments)
        except DAMAGED:
            return {}
        return {key: tuple(value.shape) for key, value in network.state_dict().items()}


class _Valueless(TorchFunctionMode):
    """Leaves out what changes values in place: on meta there are none, and it takes minutes."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        if getattr(func, "__name__", "") in _INITIALIZING:
            return [*args, *(kwargs or {}).values()][0]
        return func(*args, **(kwargs or {}))


def fits(
    shapes: Shapes, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Fit]:
    """Return the names whose networks have these keys and shapes, but for the number of classes.

    Networks are built without memory: one of every family, then all of those that are alike. A
    library that is not installed has none.

    Args:
        shapes: of the weights, by key.
        progress: called with (networks built, in all).
    """
    libraries = [*_timm(shapes), *_torchvision()]
    families = [(own, names) for own in libraries for names in own.families.values()]
    alike = []
    for i, (own, names) in enumerate(families):
        progress(i, len(families))
        alike.append(_alike(shapes, own.shapes(min(names, key=len))))
    least = max(max(alike, default=0) - _NEAR, _ALIKE)
    near = [family for family, share in zip(families, alike, strict=True) if share >= least]
    named = [(own, name) for own, several in near for name in several]
    found: list[Fit] = []
    for i, (own, name) in enumerate(named):
        progress(len(families) + i, len(families) + len(named))
        found += _fit(shapes, own, name)
    plain = [fit for fit in found if not fit.arguments]
    return sorted(plain or found, key=lambda fit: (len(fit.model), fit.model))


def _fit(shapes: Shapes, own: _Library, name: str) -> list[Fit]:
    """Return the name if the weights fit it, at its own sizes or at theirs."""
    theirs, model = own.shapes(name), f"{own.scheme}:{name}"
    if classes := _classes(shapes, theirs):
        return [Fit(model, classes)]
    arguments = own.arguments(shapes)
    rest, known = ({k: v for k, v in s.items() if k not in own.sized} for s in (shapes, theirs))
    if not arguments or not _classes(rest, known):
        return []
    classes = _classes(shapes, own.shapes(name, **arguments))
    return [Fit(model, classes, arguments)] if classes else []


def _alike(shapes: Shapes, theirs: Shapes) -> float:
    """Return the share of the keys that are theirs, where numbers do not count."""
    own, known = ({re.sub(r"\d+", "#", key) for key in keys} for keys in (shapes, theirs))
    return len(own & known) / max(len(own), 1)


def _classes(shapes: Shapes, theirs: Shapes) -> int | None:
    """Return the number of classes of weights that fit; None where they do not.

    All tensors have the same shapes, but those of the head as many rows as there are classes.
    """
    if shapes.keys() != theirs.keys():
        return None
    other = [key for key in shapes if shapes[key] != theirs[key]]
    head = other or [key for key in shapes if len(shapes[key]) == 1][-1:]
    rows = {(shapes[key][:1], theirs[key][:1]) for key in head}
    if len(other) > _HEAD or len(rows) != 1 or any(shapes[k][1:] != theirs[k][1:] for k in other):
        return None
    ((own, _),) = rows
    return own[0] if own and own[0] > 1 else None


def _timm(shapes: Shapes) -> Iterator[_Library]:
    """Yield timm with the families whose first layer has the name of one in the weights."""
    if timm := _installed("timm"):
        families: dict[str, list[str]] = {}
        for module in timm.list_modules():
            for name in timm.list_models(module=module):
                first = getattr(timm.get_pretrained_cfg(name), "first_conv", None)
                if not isinstance(first, str) or f"{first}.weight" in shapes:
                    families.setdefault(module, []).append(name)
        places = "patch_embed.proj.weight", "pos_embed"
        yield _Library("timm", families, timm.create_model, places, _timm_sizes)


def _timm_sizes(grid: int, patches: tuple[int, ...]) -> dict[str, int]:
    side = patches[-1]
    return {"img_size": grid * side, "patch_size": side, "in_chans": patches[1]}


def _torchvision() -> Iterator[_Library]:
    if models := _installed("torchvision.models"):
        families: dict[str, list[str]] = {}
        for name in models.list_models(module=models):
            families.setdefault(models.get_model_builder(name).__module__, []).append(name)
        places, build = ("conv_proj.weight", "encoder.pos_embedding"), partial(_built, models)
        yield _Library("torchvision", families, build, places, _torchvision_sizes)


def _torchvision_sizes(grid: int, patches: tuple[int, ...]) -> dict[str, int]:
    return {"image_size": grid * patches[-1]}


def _built(models: ModuleType, name: str, **arguments: int) -> Any:
    # RegNets compute their widths with tensors, which must have content.
    with torch.device("cpu" if name.startswith("regnet") else "meta"):
        return models.get_model(name, weights=None, **arguments)


def _installed(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None
