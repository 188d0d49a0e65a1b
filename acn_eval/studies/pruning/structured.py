"""Structured pruning: whole hidden units of every MLP are removed, which makes it smaller.

The units are those between the two layers of an MLP, over channels or over tokens: nothing else
reads them, so that the width of the stream, exits, heads and branches do not change under any
connectivity. Every MLP of one kind keeps equally many: the result has the same architecture with
another width in its config, and loads as such. The official AC-ViT has fixed paths from channels
to units and back, beside the weights: a unit cannot go without its channel.

Source: Fang et al., "DepGraph: towards any structural pruning", 2023 (arXiv 2301.12900), in its
authors' library torch-pruning, which finds the weights of a unit, scores them and cuts them out.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from acn_eval.errors import MissingExtra
from acn_eval.models import Encoder, OfficialViTConfig, build, read_arch
from acn_eval.studies.pruning.masks import prunable

__all__ = ["depgraph", "hidden_share", "importances", "narrowed", "tied", "widths"]

_MLPS: Mapping[str, Mapping[str, str]] = {
    "vit": {"hidden": "mlp"},
    "mixer": {"token_hidden": "mlp1", "channel_hidden": "mlp2"},
    "official_mixer": {"token_hidden": "mlp1", "channel_hidden": "mlp2"},
    "official_vit": {"hidden": "mlp"},
    "bert": {"hidden": "mlp"},
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


def tied(network: Encoder) -> bool:
    """Return whether something else reads the units: the identity paths of the official AC-ViT."""
    return isinstance(network.config, OfficialViTConfig) and network.config.identity_paths


def hidden_share(network: Encoder) -> float:
    """Return the share of the prunable weights that belong to hidden units: the most to remove."""
    weights = {name: weight.numel() for name, weight in prunable(network).items()}
    inside = tuple(f"{name}." for _, name in _mlps(network))
    return sum(n for k, n in weights.items() if k.startswith(inside)) / sum(weights.values())


def widths(network: Encoder, sparsity: float) -> dict[str, int]:
    """Return the units that every MLP keeps, by field of the config; one is always left.

    The sparsity, below `hidden_share`, is the share of all prunable weights to remove, to the
    nearest unit.
    """
    gone = sparsity / hidden_share(network)
    config = network.config.model_dump()
    return {f: max(1, config[f] - round(gone * config[f])) for f in _MLPS[config["kind"]]}


def importances(network: Encoder) -> dict[str, Tensor]:
    """Return the importance (hidden,) of the units of every MLP, by its name.

    It is the group's magnitude: the mean of the sums of squares of the weights into a unit and of
    those out of it, without biases.

    Raises:
        MissingExtra: torch-pruning is not installed.
    """
    score = depgraph().importance.GroupMagnitudeImportance(p=2, normalizer=None)
    units = _Units(deepcopy(network))
    return {name: score(units.group(name)) for _, name in _mlps(network)}


def narrowed(network: Encoder, kept: Mapping[str, int]) -> Encoder:
    """Return a copy of a network without the least important units of every MLP.

    `kept` has the units that every MLP keeps, by field of the config: see `widths`. Of equally
    important units the first is removed first, so that the kept units are nested.

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
    return small.to(next(network.parameters())).train(network.training)


class _Units:
    """The weights of each hidden unit of a network, which is traced, and thereby changed."""

    def __init__(self, network: Encoder) -> None:
        blank = network.config.blank(1).to(next(network.parameters()).device)
        self.network = network.float().requires_grad_(True)
        with torch.enable_grad():
            graph = depgraph().DependencyGraph()
            self.graph = graph.build_dependency(network, [blank], verbose=False)

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
