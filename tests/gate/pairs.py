"""Pairs of results with chosen gains and losses, and gates to judge them."""

import numpy as np

from acn_eval.gate import Gate, Margins
from acn_eval.results import DataId
from tests.statistics.results import CLEAN, STRONG, WEAK, cell, result

CONDITIONS = {"clean": CLEAN, "gaussian 0.1": WEAK, "gaussian 0.4": STRONG}


def gate(*, primary=0.02, clean=0.02, cell=0.05, floors=None, **changes):
    margins = Margins(primary=primary, clean=clean, cell=cell)
    return Gate(name="toy", margins=margins, floors=floors or {}, **changes)


def pair(n=1000, *, seed=0, accuracy=0.9, names=("new", "old"), **changes):
    """A candidate and its baseline; ``clean=(gains, losses)`` etc. in images, default none."""
    rng = np.random.default_rng(seed)
    sides = ([], [])
    for name, condition in CONDITIONS.items():
        gains, losses = changes.get(name.replace(" ", "_").replace(".", ""), (0, 0))
        old = rng.permutation(np.arange(n) < round(accuracy * n)).astype(float)
        new = old.copy()
        new[rng.choice(np.flatnonzero(old == 0), gains, replace=False)] = 1
        new[rng.choice(np.flatnonzero(old == 1), losses, replace=False)] = 0
        for cells, values in zip(sides, (new, old), strict=True):
            cells.append(cell(condition, values))
    data = DataId("npz:toy", "test", n, "fingerprint", tuple("0123456789"))
    return tuple(result(name, cells, data=data) for name, cells in zip(names, sides, strict=True))


HOSTILE = "a<b>&\x00\x1b]|\n::error::x%,:"
