"""Hand-made EvalResults for the tests of the statistics."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from acn_eval.results import Cell, CheckpointId, DataId, EvalResult, Skip

CLEAN = {"corruption": "clean", "level": 0.0}
WEAK = {"corruption": "gaussian", "level": 0.1, "space": "pixel"}
STRONG = {"corruption": "gaussian", "level": 0.4, "space": "pixel"}
PAIRED = {"correlation": 0.5, "seeds": [100, 101, 102, 103, 104]}
"""What a recipe declares whose seeds are analyzed as pairs."""


def checkpoint(name, **changes):
    base = CheckpointId(
        name=name,
        uri=f"{name}.pt",
        sha256=f"sha of {name}",
        arch={"kind": "vit", "connectivity": name.partition("_")[0]},
        parameters=1000,
        flops=20_000,
        preprocessing={"size": 8},
        training={
            "recipe": "short",
            "learning_rate": 0.001,
            "data": "digits",
            "steps": 10,
            "examples": 640,
            "seed": 0,
        },
    )
    return replace(base, **changes)


def cell(condition: Mapping, values, ids=None, **changes) -> Cell:
    values = np.asarray(values, dtype=np.float32)
    ids = np.arange(len(values)) if ids is None else np.asarray(ids)
    primary = condition["corruption"] != "clean"
    return replace(Cell(dict(condition), ids.astype(np.int64), values, primary=primary), **changes)


def result(name, cells, skipped=(), *, about=None, **changes) -> EvalResult:
    base = EvalResult(
        checkpoint=checkpoint(name, **(about or {})),
        data=DataId("npz:toy", "test", 4, "fingerprint", tuple("0123456789")),
        suite={"name": "robustness", "repeats": 1},
        seed=0,
        precision="fp32",
        device="cpu",
        noise_version=1,
        noise_digest="digest",
        certificate={},
        versions={},
        cells=tuple(cells),
        skipped=tuple(Skip(*skip) for skip in skipped),
        created_ms=0,
    )
    return replace(base, **changes)


def outcomes(share, n, rng):
    return (rng.random(n) < share).astype(np.float32)


def simple(name, clean, weak, strong, **changes) -> EvalResult:
    return result(name, [cell(CLEAN, clean), cell(WEAK, weak), cell(STRONG, strong)], **changes)


def one(name, shares, rng, n=360, **changes):
    return simple(name, *(outcomes(share, n, rng) for share in shares), **changes)


def seeds(name, shares, rng, count=5, order="same", declared=PAIRED):
    about = {"data_order": order, "paired_seeds": declared}
    training = [{"seed": s, **about} for s in range(count)]
    return [
        one(name, shares, rng, about={"sha256": f"{name} {s}", "training": training[s]})
        for s in range(count)
    ]
