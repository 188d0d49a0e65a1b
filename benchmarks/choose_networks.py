"""Choose variants and learning rates of the shipped networks on validation, by a written plan.

    python benchmarks/choose_networks.py benchmarks/choice.yaml [GROUP ...] [--kept FOLDER]
    python benchmarks/choose_networks.py benchmarks/choice.yaml --write checkpoints

Trains every network of the plan at each of its rates and seeds, keeps the accuracies on validation
in `choice-GROUP.json` beside the plan, and prints the rate that was best in the mean. What stands
there is not trained again, and a training that was killed resumes. The test split is never opened.
With `--write`, the recipes of the shipped files are written, at the best rates. A group may state
fields for its `choice` alone, e.g. fewer steps, and a shipped network the network from which it
starts, seed by seed.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import torch
import yaml

from acn_eval import atomic
from acn_eval.allocation import keep_freed_memory
from acn_eval.config_files import recorded
from acn_eval.data import data_root
from acn_eval.training import Recipe, train

CPU = torch.device("cpu")
Accuracies = dict[str, dict[str, dict[str, float]]]
"""On validation, by network, learning rate and seed."""


class Training(NamedTuple):
    """One training of the plan."""

    network: str
    recipe: Recipe

    def accuracy(self, kept: Path) -> float:
        """Train, and return the accuracy on validation; a state in `kept` is resumed."""
        name = f"{self.network.replace('/', '_')}_{self.recipe.learning_rate:g}"
        path = kept / f"{name}_{self.recipe.seed}.pt"
        card = train(self.recipe, path, device=CPU, root=data_root(), save_every=60)
        path.unlink()
        assert card.training is not None
        accuracy = card.training.validation_accuracy
        print(f"{path.stem}: {100 * accuracy:.2f} %, {card.training.seconds:.0f} s", flush=True)
        return accuracy


def trainings(group: dict[str, Any]) -> Iterator[Training]:
    """Yield every training of a group: seed by seed, network by network, rate by rate."""
    common = {**group["recipe"], **group.get("choice", {})}
    for seed in group["seeds"]:
        for name, network in group["networks"].items():
            for rate in network["rates"]:
                arch = {**common["arch"], **network["arch"]}
                fields = {**common, **network.get("recipe", {}), "arch": arch}
                fields |= {"seed": seed, "learning_rate": rate}
                yield Training(name, recorded(fields, Recipe))


def best(rates: dict[str, dict[str, float]]) -> float:
    """Return the rate with the highest mean accuracy over seeds; of equal ones, the lowest."""
    return float(max(rates, key=lambda rate: mean(rates[rate].values())))


def show(found: Accuracies) -> None:
    """Print the mean accuracies of a group, and the best rate of every network."""
    for network, rates in found.items():
        listed = ", ".join(
            f"{rate}: {100 * mean(own.values()):.2f}" for rate, own in rates.items()
        )
        print(f"{network}: {listed}; best {best(rates):g}")


def shipped(group: dict[str, Any], found: Accuracies) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of every shipped file without its suffix, and its recipe."""
    for name, own in group["shipped"].items():
        network = group["networks"][own["network"]]
        arch = {**group["recipe"]["arch"], **network["arch"], **own.get("arch", {})}
        recipe = {**group["recipe"], **own.get("recipe", {}), "arch": arch}
        recipe |= {"learning_rate": best(found[own["network"]]), "weights": "bf16"}
        for seed in range(own["seeds"]):
            path = _file(name, seed)
            pair = os.path.relpath(_file(own["pair"], seed), Path(path).parent)
            start = {"start_from": f"{_file(own['start'], seed)}.pt"} if "start" in own else {}
            yield path, {**recipe, **start, "seed": seed, "pair": f"{pair}.pt"}


def _file(name: str, seed: int) -> str:
    """E.g. ``plain/ac_vit``, then ``plain/seeds/ac_vit_1``."""
    path = Path(name)
    return str(path.parent / "seeds" / f"{path.name}_{seed}") if seed else name


def write(group: dict[str, Any], found: Accuracies, folder: Path) -> None:
    """Write the recipe of every shipped file."""
    for name, recipe in shipped(group, found):
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(recipe, sort_keys=False, default_flow_style=None, width=1000)
        atomic.write(path, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path)
    parser.add_argument("groups", nargs="*")
    parser.add_argument("--kept", type=Path, default=Path(".choice"))
    parser.add_argument("--write", type=Path, help="folder for the recipes; nothing is trained")
    options = parser.parse_args()
    keep_freed_memory()
    options.kept.mkdir(exist_ok=True)
    plan = yaml.safe_load(options.plan.read_text())
    for name in options.groups or plan:
        results = options.plan.with_name(f"choice-{name}.json")
        found: Accuracies = json.loads(results.read_text()) if results.exists() else {}
        if options.write:
            write(plan[name], found, options.write)
            continue
        for training in trainings(plan[name]):
            rates = found.setdefault(training.network, {})
            own = rates.setdefault(f"{training.recipe.learning_rate:g}", {})
            if (seed := str(training.recipe.seed)) not in own:
                own[seed] = training.accuracy(options.kept)
                atomic.write(results, json.dumps(found, indent=1) + "\n")
        show(found)


if __name__ == "__main__":
    main()
