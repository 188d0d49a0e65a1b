"""Hand-made results of two networks that look like the real ones, without a network."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from acn_eval.results import Cell, CheckpointId, DataId, EvalResult, Skip

LEVELS = {"gaussian": (0.1, 0.2, 0.4), "salt_and_pepper": (0.01, 0.05, 0.1)}
CURVES = {
    "ac_vit": {"clean": 0.96, "gaussian": (0.95, 0.9, 0.68), "salt_and_pepper": (0.95, 0.9, 0.8)},
    "res_vit": {
        "clean": 0.97,
        "gaussian": (0.95, 0.84, 0.5),
        "salt_and_pepper": (0.94, 0.84, 0.7),
    },
}
CONNECTIVITY = {"ac_vit": "acn", "res_vit": "residual"}


def fake_result(
    name="ac_vit", *, n=360, seed=0, space="pixel", suite="robustness", created_ms=None
):
    """A result of `name` whose accuracies fall as in CURVES; equal arguments, equal result."""
    ids = np.arange(n, dtype=np.int64)
    hardness = np.random.default_rng(5).random(n)  # shared: outcomes of two networks are paired
    own = np.random.default_rng(len(name)).normal(0, 0.03, n)

    def cell(condition, share):
        values = (hardness + own < share).astype(np.float32)
        return Cell(condition, ids, values, primary=condition["corruption"] != "clean")

    cells = [cell({"corruption": "clean", "level": 0.0}, CURVES[name]["clean"])]
    for corruption, levels in LEVELS.items():
        for level, share in zip(levels, CURVES[name][corruption], strict=True):
            condition = {"corruption": corruption, "level": level, "space": space}
            cells.append(cell(condition, share))
    return EvalResult(
        checkpoint=fake_checkpoint(name),
        data=DataId("digits", "test", n, "f" * 64, tuple("0123456789")),
        suite={
            "name": suite,
            "corruptions": [{"kind": k, "levels": v} for k, v in LEVELS.items()],
        },
        seed=seed,
        precision="fp32",
        device="cpu",
        noise_version=1,
        noise_digest="d1ge57",
        certificate={},
        versions={"acn-eval": "0.1.0"},
        cells=tuple(cells),
        skipped=(Skip({"corruption": "jpeg", "level": 1.0}, "needs three channels"),),
        created_ms=created_ms or 1_790_000_000_000,
    )


def fake_checkpoint(name):
    return CheckpointId(
        name=name,
        uri=f"{name}.pt",
        sha256=name.encode().hex().ljust(64, "0"),
        arch={"kind": "vit", "connectivity": CONNECTIVITY[name], "depth": 8, "width": 64},
        parameters=271_000,
        flops=9_500_000,
        preprocessing={"size": [8, 8], "channels": 1},
        training={"recipe": "digits", "data": "digits", "seed": 0, "steps": 2700},
    )


def edited(folder: Path, **changes):
    """Change the facts of a saved result, as somebody who also knows how to write their digest.

    What becomes ``"GONE"`` is removed.
    """
    facts = json.loads((folder / "result.json").read_text())
    facts = {k: v for k, v in {**facts, **changes}.items() if v != "GONE" and k != "sha256"}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    (folder / "result.json").write_text(json.dumps({**facts, "sha256": digest}))


def saved_pair(folder: Path):
    """Two results and their comparison, on disk as the command writes them."""
    from acn_eval.statistics.comparison import comparison_key, save_comparison
    from acn_eval.studies.compare import compare

    results = [fake_result("ac_vit"), fake_result("res_vit")]
    comparison = compare(results[:1], results[1:])
    artifacts = {result.key: result.save(folder) for result in results}
    artifacts[comparison_key(comparison)] = save_comparison(comparison, folder)
    return results, [comparison], artifacts


def deep_result(name="ac_vit", depth=16):
    """A fake result of compression: every condition at many exits, with charts, like the real."""
    flat = fake_result(name)

    def at(k):
        for cell in flat.cells:
            right = cell.values * (np.arange(len(cell.values)) % (depth + 1) <= k)
            clean = cell.condition["corruption"] == "clean"
            condition = {**cell.condition, "exit": k}
            yield replace(cell, condition=condition, values=right, primary=clean)

    points = [(100 * k, k / depth) for k in range(depth + 1)]
    chart = {"name": "cut", "x": "thousand FLOPs per image", "points": points}
    return replace(
        flat,
        cells=tuple(cell for k in range(depth + 1) for cell in at(k)),
        suite={**flat.suite, "kind": "compression", "name": "compression"},
        details={"tolerance": 0.02, "depth": depth, "charts": [chart]},
    )
