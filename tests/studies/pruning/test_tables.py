"""The tables of pruning: a row per method and sparsity, and what is left."""

import re

import pytest

from acn_eval.results import EvalResult

SUITE = """\
kind: pruning
name: small_pruning
sparsities: [0, 0.5, 0.9]
methods:
  - {kind: magnitude}
  - {kind: movement, removed: 0.4, epochs: 1, steps: 2}
  - {kind: magnitude, blocks: 1}
seconds: 0.000001
"""

JOB = ("pruning", "--ckpt", "tiny_ac.pt", "--suite", "prune.yaml", "--device", "cpu")

UNITS = """\
kind: pruning
name: units
sparsities: [0, 0.2, 0.4]
methods:
  - {kind: structured}
  - {kind: structured, steps: 2}
seconds: 0.000001
"""

QUICK = (*JOB, "--limit", "60", "--no-track")


@pytest.fixture(autouse=True)
def suite(folder):
    (folder / "prune.yaml").write_text(SUITE)
    (folder / "units.yaml").write_text(UNITS)


def rows(out):
    lines = [
        line
        for line in out.splitlines()
        if re.match(r"(magnitude|movement|structured) .*\[", line)
    ]
    return [line.split("  ")[0] for line in lines]


def test_every_sparsity_is_a_row_beside_the_twin_s(call, folder):
    code, out, err = call(*QUICK)
    assert (code, err) == (0, "")
    assert rows(out) == [
        "magnitude 0",
        "magnitude 0.5",
        "magnitude 0.9",
        "movement 40 0",
        "movement 40 0.4",
        "magnitude of 1 blocks 0",
        "magnitude of 1 blocks 0.5",
        "magnitude of 1 blocks 0.9",
    ]
    assert "Primary endpoint, area over sparsity" in out
    assert re.search(r"^.*tiny_ac .*tiny_res.*: area over sparsity", out, re.MULTILINE)
    found = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    shares = {r["realised"] for f in found for r in f.details["networks"]}
    assert all(f"{100 * share:.3f} %" in out for share in shares if share in (0.0, 0.5))
    assert "Zeros save neither dense FLOPs nor time" in out


def test_alone_it_shows_accuracies(call):
    code, out, _ = call(*QUICK, "--no-baseline")
    assert code == 0
    assert len(rows(out)) == 8
    assert "tiny_res" not in out
