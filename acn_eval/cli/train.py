"""`acn-eval train RECIPE.yaml`: from a recipe to a checkpoint with a card."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import FILE, SEED, Range, Titled, data_root_option, device_option

__all__ = ["command"]

_EPILOG = """\b
Example:
  acn-eval train checkpoints/ac_vit.yaml --seed 7 \\
      --out ac_vit_7.pt

A training that was killed resumes when the same command is given again: its state is in
OUT.resume. On a CPU it ends with the same weights, bit for bit. The test split is never
opened."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("recipe", type=FILE)
@click.option(
    "--out",
    type=FILE,
    show_default="the name of the recipe, in this folder",
    help="Checkpoint to write (.pt or .safetensors).",
)
@click.option("--seed", type=SEED, help="Seed, instead of the recipe's.")
@click.option("--pair", help="File of the baseline, instead of the recipe's.")
@click.option(
    "--save-every", type=Range(min=0), default=5.0, help="Minutes between two saved states."
)
@data_root_option
@device_option
def command(recipe: Path, out: Path | None, **options: Any) -> None:
    """Train RECIPE on its train split and write a checkpoint with a card.

    The card records recipe, seed, steps, examples seen, wall time and validation accuracy, so
    that equal budgets can be proved. The recipe is written beside the checkpoint.
    """
    import yaml

    from acn_eval import atomic
    from acn_eval.inference import resolve_device
    from acn_eval.terminal.progress import bar
    from acn_eval.training import read_recipe, train

    chosen = {key: options[key] for key in ("seed", "pair") if options[key] is not None}
    plan = read_recipe(recipe).model_copy(update=chosen)
    target = out or Path(recipe.with_suffix(".pt").name)
    with bar(f"training {target.name}", "steps") as move:
        card = train(
            plan,
            target,
            device=resolve_device(options["device"]),
            root=options["data_root"],
            save_every=60 * options["save_every"],
            progress=lambda done, loss: move(done, plan.steps),
        )
    beside = target.with_suffix(".yaml")
    if not beside.exists():
        atomic.write(beside, yaml.safe_dump(plan.model_dump(mode="json"), sort_keys=False))
    training = card.training
    assert training is not None
    say(
        f"{target}: {100 * training.validation_accuracy:.2f} % on {training.validation_n} "
        f"validation images ({training.selected}); {training.steps} steps, "
        f"{training.examples:,} examples, {training.seconds:.0f} s"
    )
