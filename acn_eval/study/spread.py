"""Spread at every exit of a network, as trained and as initialized, and what it says in words."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.config_files import recorded
from acn_eval.data import Examples
from acn_eval.inference.one_pass import EvaluatedModel
from acn_eval.inference.outputs import outputs
from acn_eval.inference.runtime import Runtime
from acn_eval.inference.spread import CONSTANT, Spread, spreads
from acn_eval.models.encoder import Boundary, Encoder
from acn_eval.training.fit import start
from acn_eval.training.recipe import Recipe

__all__ = ["as_initialized", "spread_in_words", "spread_of"]


def spread_of(subject: EvaluatedModel, examples: Examples, runtime: Runtime) -> list[Spread]:
    """Return the spread at every exit 0 .. L of a network of ours, in full precision.

    Raises:
        MeasureError: values that are NaN or infinite.
    """
    own = subject.checkpoint
    network = own.model
    assert isinstance(network, Encoder)

    def read(images: Tensor) -> Tensor:
        """Return (exits, 1 + tokens, batch, width): the pooled readout before the tokens."""
        found = [
            torch.cat((b.pooled[:, None], b.passed_on), 1) for b in network.boundaries(images)
        ]
        return torch.stack(found).transpose(1, 2)

    batches = runtime.batches(own.id.flops)
    parts = outputs(read, examples, own.prepare, batches, name=own.id.name)
    return spreads(map(_boundaries, (part for _, part in parts)))


def _boundaries(part: Tensor) -> Iterator[Boundary]:
    return (Boundary(exit[1:].transpose(0, 1), exit[0]) for exit in part)


def as_initialized(checkpoint: Checkpoint) -> Encoder | None:
    """Return a network as its training found it, from the recipe and the seed of its card.

    None where the card has no recipe of this network: it is unknown, or the network was cut or
    pruned since.
    """
    network, native = checkpoint.model, checkpoint.native
    if not isinstance(network, Encoder) or native is None or native.card.training is None:
        return None
    try:
        recipe: Recipe = recorded(native.card.training.recipe, Recipe)
    except ValueError:  # of another version
        return None
    if recipe.arch != native.card.arch:
        return None
    return start(recipe, network.head.weight.device).network.eval()


def spread_in_words(
    name: str, trained: Sequence[Spread], initial: Sequence[Spread] | None = None
) -> str:
    """Say after which blocks outputs are constant over tokens or images, and since when.

    Blocks that are constant over tokens at initialization, too, could never tell tokens apart;
    those that became constant over images were left unused by training.

    >>> apart, alike = Spread(0.5, 0.5, 3, 1, 1), Spread(0, 0, 1, 1, 1)
    >>> print(spread_in_words("net", [apart, apart], [apart, apart]))
    net: outputs vary over tokens and over images after every block, also at initialization.
    >>> spread_in_words("net", [apart, alike], [apart, apart]).partition(". ")[2]
    'Training left block 1 unused.'
    """
    looks = [trained] if initial is None else [trained, initial]
    tokens, images = ([_constant(look, axis) for look in looks] for axis in ("tokens", "images"))
    if not any((*tokens, *images)):
        since = "" if initial is None else ", also at initialization"
        return f"{name}: outputs vary over tokens and over images after every block{since}."
    last = len(trained) - 1
    said = f"{_since(tokens, last)}, over images {_since(images, last)}"
    return " ".join(
        [f"{name}: outputs are constant over tokens {said}.", *_causes(tokens, images)]
    )


def _constant(shares: Sequence[Spread], axis: str) -> list[int]:
    return [k for k, own in enumerate(shares) if getattr(own, axis) < CONSTANT]


def _since(looks: Sequence[list[int]], last: int) -> str:
    now, *before = (_after(look, last) for look in looks)
    return f"{now} (at initialization {before[0]})" if before else now


def _after(exits: list[int], last: int) -> str:
    if not exits:
        return "nowhere"
    if exits == [*range(exits[0], last + 1)]:
        return f"from block {exits[0]} on"
    return f"after {_blocks(exits)}"


def _causes(tokens: Sequence[list[int]], images: Sequence[list[int]]) -> Iterator[str]:
    """Tell blocks that never could from those that training did not use, if both are known."""
    if len(tokens) < 2:
        return
    if never := [k for k in tokens[0] if k in tokens[1]]:
        yield f"From the start, {_blocks(never)} could not tell tokens apart."
    if unused := [k for k in images[0] if k not in images[1]]:
        yield f"Training left {_blocks(unused)} unused."


def _blocks(exits: list[int]) -> str:
    if len(exits) == 1:
        return f"block {exits[0]}"
    run = exits == [*range(exits[0], exits[-1] + 1)]
    return f"blocks {exits[0]} to {exits[-1]}" if run else f"blocks {', '.join(map(str, exits))}"
