"""Checkpoints and stored results that a gate judges."""

import numpy as np

from acn_eval.checkpoints import Native, write_native
from acn_eval.checkpoints.native import read_native
from acn_eval.data import open_examples
from tests.gate.pairs import pair

GATE = """\
kind: gate
name: toy
suite: small.yaml
margins: {primary: 0.02, clean: 0.02, cell: 0.1}
"""


STORED = """\
kind: gate
name: stored
margins: {primary: 0.02, clean: 0.02, cell: 0.1}
"""


JOB = ("gate", "--no-track", "--device", "cpu", "--suite", "gate.yaml", "--data", "npz:all.npz")


def changed(source, target, **tensors):
    """The same card around other weights; without any, the same network in another file."""
    native = read_native(source)
    state = {name: tensor.clone() for name, tensor in native.state.items()}
    for name, change in tensors.items():
        key = name.replace("__", ".")
        state[key] = change(state[key])
    training = native.card.training.model_copy(update={"seconds": 1234.5})
    card = native.card.model_copy(update={"training": training})
    write_native(target, Native(card, state, native.training_hashes))


def open_shop(folder):
    """The tiny pair, a re-saved copy, a damaged one, a gate, and all 1,797 digits as one file."""
    (folder / "gate.yaml").write_text(GATE)
    splits = [open_examples("digits", split) for split in ("train", "validation", "test")]
    np.savez(
        folder / "all.npz",
        images=np.concatenate([s.inputs.images[s.positions] for s in splits]),
        labels=np.concatenate([s.labels for s in splits]),
    )
    changed(folder / "tiny_ac.pt", folder / "copy.pt")
    roll = {"head__weight": lambda w: w.roll(1, 0), "head__bias": lambda b: b.roll(1, 0)}
    changed(folder / "tiny_ac.pt", folder / "damaged.pt", **roll)
    return folder


def stored_pairs(folder):
    """Stored results: a good pair, a bad one, one of too few images; and their gate."""
    (folder / "stored.yaml").write_text(STORED)
    cases = {
        "good": pair(1000, clean=(5, 5)),
        "bad": pair(1000, clean=(0, 100)),
        "few": pair(50, clean=(1, 1)),
    }
    return {
        name: [str(side.save(folder / name)) for side in sides] for name, sides in cases.items()
    }


def against(sides):
    return ("gate", "--suite", "stored.yaml", "--result", sides[0], "--against", sides[1])
