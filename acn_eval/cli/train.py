"""`acn-eval train RECIPE.yaml`: from a recipe to a checkpoint with a card."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import SEED, Range

__all__ = ["command"]

_EPILOG = """\b
Example:
  acn-eval train checkpoints/ac_vit.yaml --seed 7 --out ac_vit_7.pt

\b
A killed training goes on where it was when the same command is given again (state in
OUT.resume, every --save-every minutes), and ends on CPU with the same weights bit for bit.
The test split is never opened."""


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Checkpoint (.pt or .safetensors) [default: the recipe's name in this folder].",
)
@click.option("--seed", type=SEED, help="Instead of the recipe's.")
@click.option("--pair", help="File of the twin, instead of the recipe's.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option(
    "--data-root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="ACN_EVAL_DATA",
    help="Folder that holds data sets [env: ACN_EVAL_DATA].",
)
@click.option("--save-every", type=Range(min=0), default=5.0, show_default=True, help="Minutes.")
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
