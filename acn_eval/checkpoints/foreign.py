"""Networks of others: exits where their blocks share a stream, else features at named depths."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.checkpoints.parts import Parts, Places, parts_of, places_of
from acn_eval.errors import CheckpointError, Unsupported
from acn_eval.models import Boundary, Cuttable, Readings

__all__ = ["HEAD", "Foreign", "Layered", "adopted", "logits_of"]

HEAD = "head"
"""The name of the last depth: what the last linear layer reads."""


class Layered(Cuttable):
    """A network of another library with exits through its own norm and head.

    Attributes:
        inner: the library's network, whose own forward gives the last exit.
    """

    def __init__(self, inner: nn.Module, parts: Parts) -> None:
        super().__init__()
        self.inner = inner
        self._parts = parts

    @property
    def depth(self) -> int:
        """Number of blocks L."""
        return len(self._blocks)

    @property
    def _blocks(self) -> Any:
        return attrgetter(self._parts.blocks)(self.inner)

    def forward(self, inputs: Any) -> Tensor:
        """Logits (batch, classes) of the last exit."""
        return logits_of(self.inner(inputs))

    def streams(self, inputs: Any) -> Iterator[Tensor]:
        """Yield the tokens (batch, tokens, width) at every exit 0 .. L."""
        stream = self._parts.embed(self.inner, inputs)
        yield stream
        for block in self._blocks:
            stream = block(stream)
            yield stream

    def classify(self, stream: Tensor, inputs: Any, exit: int | None = None) -> Tensor:
        """Map (batch, tokens, width) to (batch, classes) by the library's norm and head."""
        return self._parts.logits(self.inner, stream)

    def readings(self, inputs: Any) -> list[Readings]:
        """Features of every exit 0 .. L: what the head reads."""
        found = (self._parts.features(self.inner, stream) for stream in self.streams(inputs))
        return [Readings(features, features) for features in found]

    def boundaries(self, inputs: Any) -> Iterator[Boundary]:
        """Yield the tokens at every exit 0 .. L, before the final norm."""
        for stream in self.streams(inputs):
            yield Boundary(stream, self._parts.pooled(self.inner, stream))

    def truncated(self, depth: int) -> "Layered":
        """Return the library's network with its first `depth` blocks; it shares their weights."""
        cut = _with_module(self.inner, self._parts.blocks, self._blocks[:depth])
        return Layered(cut, self._parts).train(self.training)


class Foreign(nn.Module):
    """A network with one exit, and features wherever a module of it has an output.

    Attributes:
        inner: the network.
        depths: names of the features: paths of modules, and `HEAD` where it is known.
    """

    def __init__(self, inner: nn.Module, places: Places, head: str | None) -> None:
        super().__init__()
        self.inner = inner
        self.depths = (*places.paths, *([HEAD] if head is not None else []))
        self._places = places
        self._head = head

    def forward(self, inputs: Any) -> Tensor:
        """Logits (batch, classes)."""
        return logits_of(self.inner(inputs))

    def exits(self, inputs: Any) -> list[Tensor]:
        """Logits (batch, classes) of its one exit."""
        return [self(inputs)]

    def readings(self, inputs: Any) -> list[Readings]:
        """Features (batch, width) of every depth, means over places; widths may differ.

        Raises:
            Unsupported: no depth has a name, and its last step is no linear layer.
        """
        if not self.depths:
            what = "has no features before its head: its last step is no linear layer, and logits"
            msg = f"{what} are no features. Name modules of it as `depths`"
            raise Unsupported(f"{type(self.inner).__name__}: {msg}")
        found = self.seen(inputs)
        for name in self.depths:
            if name not in found:
                what = f"{name} must be a module that runs in a forward pass"
                raise Unsupported(f"{type(self.inner).__name__}: {what}")
        return [Readings(found[name], found[name]) for name in self.depths]

    def seen(self, inputs: Any) -> dict[str, Tensor]:
        """Return features (batch, width) of the depths that run in a forward pass, by name."""
        with ExitStack() as hooks:
            seen = {
                path: hooks.enter_context(_seen(self.inner, path, partial(self._read, path)))
                for path in self._places.paths
            }
            if self._head is not None:
                seen[HEAD] = hooks.enter_context(_seen(self.inner, self._head, _given))
            self.inner(inputs)
        return {name: found[-1] for name, found in seen.items() if found}

    def _read(self, path: str, given: tuple[Any, ...], output: Any) -> Tensor:
        return self._places.pooled(path, output)


def adopted(
    module: nn.Module, example: Any, classes: int, depths: tuple[str, ...]
) -> Layered | Foreign:
    """Return a foreign network with what is known about its depths.

    Args:
        module: in eval mode, gives logits (batch, classes).
        example: a batch that it reads.
        classes: how many.
        depths: paths of modules whose outputs are features; empty: as its library is known.

    Raises:
        CheckpointError: it has no module of that name.
    """
    parts = parts_of(module)
    if parts is not None and not depths:
        return Layered(module, parts)
    known, names = places_of(module), dict(module.named_modules())
    for path in depths:
        if path not in names:
            have = ", ".join(name for name, _ in module.named_children())
            what = f"`depths`: must be modules of {type(module).__name__} ({have}, ...)"
            raise CheckpointError(f"{what}; got {path}", "depths")
    paths = tuple(path for path in depths or known.paths if path in names)
    head = _head(module, example, classes)
    named = Foreign(module, replace(known, paths=paths), head)
    return named if depths else Foreign(module, _fitting(named, known, example), head)


@torch.no_grad()
def _fitting(network: Foreign, known: Places, example: Any) -> Places:
    """Return the places of a library that run, and whose outputs are as wide as it states."""
    found = network.seen(example)
    widths = {path: x.shape[1] for path, x in found.items() if path != HEAD and x.dim() == 2}
    paths = (path for path, width in widths.items() if known.widths.get(path, width) == width)
    return replace(known, paths=tuple(paths))


def logits_of(output: Any) -> Tensor:
    """Return the logits of what a network returned; transformers wrap them."""
    logits: Tensor = getattr(output, "logits", output)
    return logits


def _head(module: nn.Module, example: Any, classes: int) -> str | None:
    """Return the path of the linear layer whose outputs are the logits; None: there is none.

    What a network without other parameters gives to it are pixels, and no features.
    """
    whole = _parameters(module)
    for path, own in reversed([*module.named_modules()]):
        if isinstance(own, nn.Linear) and own.out_features == classes and _parameters(own) < whole:
            with torch.no_grad(), _seen(module, path, _got) as found:
                logits = logits_of(module(example))
            if found and torch.equal(found[-1], logits):
                return str(path)
    return None


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _given(given: tuple[Any, ...], output: Any) -> Tensor:
    first: Tensor = given[0]
    return first


def _got(given: tuple[Any, ...], output: Any) -> Tensor:
    got: Tensor = output
    return got


@contextmanager
def _seen(
    module: nn.Module, path: str, read: Callable[[tuple[Any, ...], Any], Tensor]
) -> Iterator[list[Tensor]]:
    """Yield a list of what is read of inputs and output of a module, whenever it runs."""
    found: list[Tensor] = []

    def see(_: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        found.append(read(given, output))

    handle = module.get_submodule(path).register_forward_hook(see)
    try:
        yield found
    finally:
        handle.remove()


def _with_module(module: nn.Module, path: str, new: nn.Module) -> nn.Module:
    """Return a network with another module at a path; everything else is shared."""
    name, _, rest = path.partition(".")
    inner = _with_module(module.get_submodule(name), rest, new) if rest else new
    own = copy(module)
    own._modules = {**module._modules, name: inner}
    return own
