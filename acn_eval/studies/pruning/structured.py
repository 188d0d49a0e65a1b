"""Structured pruning: whole hidden units of every MLP go, and a smaller network is left.

The units are those between the two layers of an MLP, over channels or over tokens: nothing else
reads them, so the width of the stream, exits, heads and branches stay whole under every
connectivity. Every MLP of one kind keeps equally many: what is left is a network of the same
architecture with another width in its config, and loads as one.

Source: Fang et al., "DepGraph: towards any structural pruning", 2023 (arXiv 2301.12900), by its
authors' library torch-pruning, which finds what goes with a unit, scores it and cuts it out.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from acn_eval.errors import MissingExtra
from acn_eval.models import Encoder, build, read_arch
from acn_eval.studies.pruning.masks import prunable

__all__ = ["depgraph", "hidden_share", "importances", "narrowed", "widths"]

_MLPS: Mapping[str, Mapping[str, str]] = {
    "vit": {"hidden": "mlp"},
    "mixer": {"token_hidden": "mlp1", "channel_hidden": "mlp2"},
    "official_mixer": {"token_hidden": "mlp1", "channel_hidden": "mlp2"},
}
"""By kind of architecture: the field of the config that is its width, for every MLP of a block."""


def depgraph() -> ModuleType:
    """Return the library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import torch_pruning
    except ModuleNotFoundError as exc:
        raise MissingExtra("structured pruning by torch-pruning", "structured") from exc
    module: ModuleType = torch_pruning
    return module


def hidden_share(network: Encoder) -> float:
    """Return the share of the prunable weights that hidden units have: more cannot go."""
    weights = {name: weight.numel() for name, weight in prunable(network).items()}
    inside = tuple(f"{name}." for _, name in _mlps(network))
    return sum(n for k, n in weights.items() if k.startswith(inside)) / sum(weights.values())


def widths(network: Encoder, sparsity: float) -> dict[str, int]:
    """Return the units that every MLP keeps, by field of the config; one is always left.

    Args:
        network: with all its units.
        sparsity: share of all prunable weights to remove, to the nearest unit; below
            `hidden_share`.
    """
    gone = sparsity / hidden_share(network)
    config = network.config.model_dump()
    return {f: max(1, config[f] - round(gone * config[f])) for f in _MLPS[config["kind"]]}


def importances(network: Encoder) -> dict[str, Tensor]:
    """Return the importance (hidden,) of the units of every MLP, by its name.

    It is the group's magnitude: of the weights into and of those out of a unit the sum of squares,
    the mean of both. Biases do not count.

    Raises:
        MissingExtra: torch-pruning is not installed.
    """
    score = depgraph().importance.GroupMagnitudeImportance(p=2, normalizer=None)
    units = _Units(deepcopy(network))
    return {name: score(units.group(name)) for _, name in _mlps(network)}


def narrowed(network: Encoder, kept: Mapping[str, int]) -> Encoder:
    """Return a network of its own without the least important units of every MLP.

    Of equally important units the first goes first, so that fewer units are a part of more.

    Args:
        network: stays as it is.
        kept: units that every MLP keeps, by field of the config: see `widths`.

    Raises:
        MissingExtra: torch-pruning is not installed.
    """
    scores, cut = importances(network), deepcopy(network)
    units = _Units(cut)
    for field, name in _mlps(network):
        lowest = scores[name].argsort(stable=True)[: len(scores[name]) - kept[field]]
        units.group(name, lowest.tolist()).prune()
    small = build(read_arch({**network.config.model_dump(), **kept}, "structured pruning"))
    small.load_state_dict(cut.state_dict())
    return small.to(network.head.weight).train(network.training)


class _Units:
    """What goes with the hidden units of a network, which the library finds by tracing it.

    Args:
        network: is changed, to be traced.
    """

    def __init__(self, network: Encoder) -> None:
        c = network.config
        image = torch.zeros(1, c.channels, c.image_size, c.image_size).to(network.head.weight)
        self.network = network.requires_grad_(True)
        with torch.enable_grad():
            graph = depgraph().DependencyGraph()
            self.graph = graph.build_dependency(network, image, verbose=False)

    def group(self, mlp: str, units: Sequence[int] | None = None) -> Any:
        """Return the library's group of some units of an MLP, or of all."""
        first = self.network.get_submodule(f"{mlp}.fc1")
        own = self.graph.get_pruner_of_module(first)
        if units is None:
            units = range(own.get_out_channels(first))
        return self.graph.get_pruning_group(first, own.prune_out_channels, list(units))


def _mlps(network: Encoder) -> Iterator[tuple[str, str]]:
    """Yield (field of the config that is its width, name) of every MLP."""
    fields = _MLPS[network.config.model_dump()["kind"]]
    for k in range(network.config.depth):
        for field, name in fields.items():
            yield field, f"blocks.{k}.{name}"
