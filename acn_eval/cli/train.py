"""`acn-eval train RECIPE.yaml`: from a recipe to a checkpoint with a card."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval.errors import ConfigError
from acn_eval.lazy import uncollected
from acn_eval.terminal.console import say
from acn_eval.terminal.options import FILE, SEED, Range, Titled, data_root_option, device_option

if TYPE_CHECKING:
    from acn_eval.training import Recipe

__all__ = ["command"]

_EPILOG = """\b
Example:
  acn-eval train checkpoints/ac_vit.yaml --seed 7 \\
      --out ac_vit_7.pt

A training that was killed resumes when the same command is given again: its state is in
OUT.resume. On a CPU it ends with the same weights, bit for bit. The test split is never
opened.

A recipe is YAML with the fields of `acn-eval schema --recipe`. Networks that read text learn
classes of sentences or, with `head: mlm`, masked tokens, and may `start_from` another file.

\b
  acn-eval train mine.yaml --certify

May this recipe be trained in bf16? Three seeds are trained in fp32 and in bf16 and compared
on validation. The answer is written to mine.bf16.json, and recorded in the card of every
training of the recipe with `precision: bf16`."""


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
@click.option("--certify", is_flag=True, help="Compare bf16 with fp32; no checkpoint is written.")
@data_root_option
@device_option
def command(recipe: Path, **options: Any) -> None:
    """Train RECIPE on its train split and write a checkpoint with a card.

    The card records recipe, seed, steps, examples seen, wall time and validation accuracy, so
    that equal budgets can be proved. The recipe is written beside the checkpoint.
    """
    with uncollected():
        from acn_eval.inference import resolve_device
        from acn_eval.training import read_recipe

    chosen = {key: options[key] for key in ("seed", "pair") if options[key] is not None}
    places = {
        "device": resolve_device(options["device"]),
        "root": options["data_root"],
        "save_every": 60 * options["save_every"],
    }
    plan = read_recipe(recipe)
    if not options["certify"]:
        _train(plan.model_copy(update=chosen), recipe, options["out"], places)
    elif chosen or options["out"]:
        msg = "`certify`: must be given without `out`, `seed` and `pair`; the seeds are its own"
        raise ConfigError(msg, "certify", "out", "seed", "pair")
    else:
        _certify(plan, recipe, places)


def _certify(plan: "Recipe", recipe: Path, places: dict[str, Any]) -> None:
    """Write the certificate beside the recipe, and say what it says."""
    from acn_eval import atomic
    from acn_eval.terminal.progress import bar
    from acn_eval.training.certify import certify, kept_in

    target, trained = _certificate(recipe), recipe.with_suffix(".bf16")
    with bar(f"certifying {recipe.name}", "steps") as move:
        certificate = certify(plan, trained, **places, progress=move)
    atomic.write(target, certificate.model_dump_json(indent=2) + "\n")
    for path in kept_in(trained):
        path.unlink()
    with suppress(OSError):  # it holds other files
        trained.rmdir()
    say(f"{target}: {certificate.sentence}")


def _train(plan: "Recipe", recipe: Path, out: Path | None, places: dict[str, Any]) -> None:
    """Write the checkpoint, and the recipe beside it."""
    import yaml

    from acn_eval import atomic
    from acn_eval.terminal.progress import bar
    from acn_eval.training import train
    from acn_eval.training.certify import certified

    plan, target = certified(plan, _certificate(recipe)), out or Path(f"{recipe.stem}.pt")
    with bar(f"training {target.name}", "steps") as move:
        card = train(plan, target, **places, progress=lambda done, loss: move(done, plan.steps))
    beside = target.with_suffix(".yaml")
    if not beside.exists():
        atomic.write(beside, yaml.safe_dump(plan.model_dump(mode="json"), sort_keys=False))
    training = card.training
    assert training is not None
    seen = f"{training.examples:,} examples"
    if training.tokens:
        seen += f", {training.tokens:,} tokens"
    say(
        f"{target}: {_reached(plan, training.validation_accuracy)} on {training.validation_n} "
        f"validation {_answers(plan)} ({training.selected}); {training.steps} steps, {seen}, "
        f"{training.seconds:.0f} s"
    )


def _reached(plan: "Recipe", value: float) -> str:
    """Return an accuracy, or of a network that answers with a number the correlation."""
    return f"correlation {value:.3f}" if plan.arch.classes == 1 else f"{100 * value:.2f} %"


def _answers(plan: "Recipe") -> str:
    """Return what the answers are of which accuracy is the share of right ones."""
    from acn_eval.models.configs import ImageConfig

    if plan.masked:
        return "tokens, masked"
    return "images" if isinstance(plan.arch, ImageConfig) else "sentences"


def _certificate(recipe: Path) -> Path:
    return recipe.with_suffix(".bf16.json")
