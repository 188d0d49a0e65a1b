"""What several tests of this study share."""

import numpy as np

from acn_eval.results import EvalResult
from tests.statistics.results import CLEAN, cell, result

DEPTH = 4


def network(shares, n=360, seed=0, shared=0.8):
    """Outcomes (exits, n) of exits that are right on these shares, mostly on the same images."""
    rng = np.random.default_rng(seed)
    hardness, own = rng.random(n), rng.random((len(shares), n))
    take = rng.random((len(shares), n)) < shared
    return (np.where(take, hardness, own) < np.array(shares)[:, None]).astype(np.float32)


SHAPES = {
    "rising": (0.1, 0.7, 0.9, 0.95, 0.96),
    "early": (0.1, 0.97, 0.97, 0.97, 0.97),
    "last is worst": (0.5, 0.97, 0.97, 0.96, 0.9),
    "a dip": (0.1, 0.97, 0.5, 0.97, 0.97),
    "flat at chance": (0.1, 0.1, 0.1, 0.1, 0.1),
}


def measured(name, correct, tolerance=0.02, margin=None, **about):
    """A result of the compression suite, its exits in disorder and beside named and noisy ones."""
    ids = np.random.default_rng(1).permutation(correct.shape[1])
    cells = [
        cell({**CLEAN, "exit": k}, row, ids, primary=True)
        for k, row in reversed(list(enumerate(correct)))
    ]
    worse = np.zeros(correct.shape[1])
    noise = {"corruption": "gaussian", "level": 0.4, "space": "pixel"}
    cells += [cell({**noise, "exit": k}, worse, ids, primary=False) for k in range(len(correct))]
    cells.append(cell({**CLEAN, "exit": "last"}, correct[-1], ids, primary=False))
    return result(
        name,
        cells,
        about=about,
        suite={"kind": "compression", "name": "compression", "depth_margin": margin},
        details={"tolerance": tolerance, "depth": len(correct) - 1},
    )


def seeds(name, cuts, n=400, margin=None, **about):
    """One result per training seed whose plug-in cut is the given one."""
    found = []
    for seed, cut in enumerate(cuts):
        correct = np.ones((DEPTH + 1, n))
        correct[:cut, : n // 2] = 0
        correct[:, -1 - seed] = 0
        training = {"seed": seed, **about}
        found.append(
            measured(
                f"{name}_{seed}",
                correct,
                margin=margin,
                sha256=f"{name} {seed}",
                training=training,
            )
        )
        arch = {"kind": "vit", "connectivity": name}
        found[-1].checkpoint.arch.update(arch)
    return found


JOB = ("compression", "--suite", "exits.yaml", "--no-track", "--device", "cpu")


PAIR = (*JOB, "--ckpt", "tiny_ac.pt")


ALONE = (*PAIR, "--no-baseline")


VERDICT = r"(No difference between tiny_ac|tiny_ac) [^\n]*tiny_res[^\n]*: [^\n]+\n"


def results(folder):
    found = [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]
    return {result.checkpoint.name: result for result in found}


def line_of(out, start):
    (line,) = [line for line in out.splitlines() if line.startswith(start)]
    return line
