"""Recipes of tiny networks that read text, and their trainings."""

from acn_eval.training import Recipe, train
from tests.tiny import CPU

ARCH = {"kind": "bert", "connectivity": "acn", "depth": 1, "width": 16, "heads": 2, "hidden": 32}
READS = {"positions": 32, "vocabulary": 175}  # the words of the synthetic sentences
SHORT = {"steps": 10, "batch": 16, "warmup": 2, "schedule": "linear"}


def classes(**changes):
    """A recipe of sentences with classes."""
    arch = {**ARCH, **READS, "classes": 2, **changes.pop("arch", {})}
    return Recipe.model_validate({"arch": arch, "data": "synthetic-sentences", **SHORT, **changes})


def masked(**changes):
    """A recipe of masked tokens."""
    arch = {**ARCH, **READS, "head": "mlm", **changes.pop("arch", {})}
    return Recipe.model_validate({"arch": arch, "data": "synthetic-sentences", **SHORT, **changes})


def trained(plan, path, **options):
    """Train on a CPU, and return the card."""
    return train(plan, path, device=CPU, **options)
