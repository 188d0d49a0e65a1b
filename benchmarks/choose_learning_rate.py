"""Choose the learning rate of a recipe on validation, with seeds that are reported nowhere else.

    python benchmarks/choose_learning_rate.py checkpoints/ac_vit.yaml --rates 1e-3,3e-3,1e-2

Trains the recipe once per rate and seed, prints the validation accuracies and the rate with the
highest mean; nothing is kept and the test split is never opened.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from acn_eval.training import read_recipe, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--rates", default="1e-3,3e-3,1e-2")
    parser.add_argument("--seeds", default="100,101")
    parser.add_argument("--steps", type=int, help="a shorter budget for the choice")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = read_recipe(options.recipe)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    means = {}
    for rate in (float(rate) for rate in options.rates.split(",")):
        accuracies = []
        for seed in seeds:
            change = {"learning_rate": rate, "seed": seed, "steps": options.steps or recipe.steps}
            with tempfile.TemporaryDirectory() as folder:
                variant = recipe.model_copy(update=change)
                card = train(variant, Path(folder) / "x.pt", device=torch.device("cpu"))
            assert card.training is not None
            accuracies.append(card.training.validation_accuracy)
        means[rate] = sum(accuracies) / len(accuracies)
        shown = " ".join(f"{100 * a:.2f}" for a in accuracies)
        print(
            f"{options.recipe} rate {rate:g} seeds {seeds}: {shown} mean {100 * means[rate]:.2f} %"
        )
    print(f"{options.recipe} best {max(means, key=lambda rate: means[rate]):g}", flush=True)


if __name__ == "__main__":
    main()
