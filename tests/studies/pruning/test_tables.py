"""The tables of pruning: a row per method and sparsity, and what is left."""

import re

import pytest

from acn_eval.results import EvalResult
from tests.studies.pruning.plans import QUICK, rows

pytestmark = pytest.mark.usefixtures("suite")


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
