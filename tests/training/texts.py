"""Recipes of tiny networks that read text, and their trainings."""

import numpy as np

from acn_eval.training import Recipe, train
from tests.tiny import CPU

ARCH = {"kind": "bert", "connectivity": "acn", "depth": 1, "width": 16, "heads": 2, "hidden": 32}
READS = {"positions": 32, "vocabulary": 175}  # the words of the synthetic sentences
SHORT = {"steps": 10, "batch": 16, "warmup": 2, "schedule": "linear"}


def classes(**changes):
    """A recipe of sentences with classes."""
    arch = {**ARCH, **READS, "classes": 2, **changes.pop("arch", {})}
    return Recipe.model_validate({"arch": arch, "data": "synthetic-sentences", **SHORT, **changes})


SCORED = 146
"""Pieces of the vocabulary of `write_scored`."""


def write_scored(root, train=400, dev=120):
    """STS-B as GLUE publishes it, with the number of good words in place of similarity."""
    rng, folder = np.random.default_rng(0), root / "glue" / "STS-B"
    head = [*(f"column {i}" for i in range(7)), "sentence1", "sentence2", "score"]
    folder.mkdir(parents=True)
    for name, n in (("train", train), ("dev", dev)):
        good = rng.integers(0, 6, n)
        rows = [
            [str(i), "main", "a", "2012", "1", "none", "none", *_sentences(rng, k), f"{k:.3f}"]
            for i, k in enumerate(good)
        ]
        text = "\n".join("\t".join(row) for row in [head, *rows])
        (folder / f"{name}.tsv").write_text(f"{text}\n")


def _sentences(rng, good):
    words = np.array(["fine"] * good + ["poor"] * (5 - good))
    return " ".join(rng.permutation(words)), " ".join(rng.choice(["one", "two", "six"], 4))


def scored(**changes):
    """A recipe of pairs with numbers."""
    own = {"vocabulary": SCORED, "classes": 1, "norm": "pre", "pool": "mean"}
    arch = {**ARCH, **READS, **own, **changes.pop("arch", {})}
    fast = {"steps": 100, "batch": 32, "learning_rate": 0.01, "label_smoothing": 0.0}
    return Recipe.model_validate({"arch": arch, "data": "glue:stsb", **SHORT, **fast, **changes})


def masked(**changes):
    """A recipe of masked tokens."""
    arch = {**ARCH, **READS, "head": "mlm", **changes.pop("arch", {})}
    return Recipe.model_validate({"arch": arch, "data": "synthetic-sentences", **SHORT, **changes})


def trained(plan, path, **options):
    """Train on a CPU, and return the card."""
    return train(plan, path, device=CPU, **options)
