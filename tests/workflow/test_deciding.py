"""A gate decides: by identity, by outcomes, after some blocks, and never by an override."""

import json

import numpy as np
import pytest

from acn_eval.results import EvalResult
from tests.gate.shop import GATE, JOB, open_shop
from tests.tiny import SUITE


@pytest.fixture
def shop(folder):
    return open_shop(folder)


def test_a_resaved_copy_passes_by_its_outcomes(shop, call):
    code, out, _ = call(*JOB, "--ckpt", "copy.pt", "--baseline", "tiny_ac.pt", "--json", "v.json")
    assert code == 0
    verdict = json.loads((shop / "v.json").read_text())
    assert (verdict["verdict"], verdict["n"], verdict["identical"]) == ("pass", 1797, False)
    assert verdict["candidate"]["sha256"] != verdict["baseline"]["sha256"]
    assert "mean corrupted +0.0 [-0.2, +0.3] points (-2.0 is allowed)" in " ".join(out.split())
    assert {r["note"] for r in verdict["rules"]} == {""}


def test_an_override_takes_nothing_from_a_failure_and_gives_no_identity(shop, call):
    job = (*JOB, "--baseline", "tiny_ac.pt", "--limit", "600", "-q")
    assert call(*job, "--ckpt", "damaged.pt")[0] == 1
    code, out, _ = call(*job, "--ckpt", "tiny_ac.pt")
    assert (code, out.startswith("NO VERDICT: tiny_ac cannot be judged")) == (3, True)


def test_looks_stop_early_and_mark_the_results(shop, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    job = (*JOB, "--ckpt", "damaged.pt", "--baseline", "tiny_ac.pt", "--sequential")
    code, out, _ = call(*job, "--json", "v.json")
    assert code == 1
    key = json.loads((shop / "v.json").read_text())["candidate"]["key"]
    assert [p.name for p in shop.glob(f"acn-results/*-{key}")] == [f"small-damaged-{key}"]
    assert "(stopped early, after 256 of 1,797 examples)" in out.replace("\n", " ")
    assert "limits at 99.5, 99.92 %" in out
    found = [EvalResult.load(p.parent) for p in shop.glob("acn-results/*/result.json")]
    assert [r.details["stopped_early"] for r in found] == [{"shown": 256, "of": 1797}] * 2
    assert all("stopped after 256" in r.warnings[-1] for r in found)
    assert call(*job)[:2] == (code, out)


def test_looks_that_decide_nothing_end_with_the_ordinary_result(shop, call):
    """Also where noise is in units of the channel std of all images, not of a block."""
    normalized = SUITE.replace("[0.1, 0.3]", "[0.1, 0.3], space: normalized, clip: false")
    (shop / "small.yaml").write_text(normalized)
    (shop / "gate.yaml").write_text(GATE.replace("0.02", "0.005") + "limit: 700\n")
    pair_of = ("--ckpt", "copy.pt", "--baseline", "tiny_ac.pt")
    job = (*JOB, *pair_of)
    code, out, _ = call(*job, "--sequential")
    assert code == 0
    assert "stopped" not in out
    looked = {p.parent.name for p in shop.glob("acn-results/*/result.json")}
    call(*job, "--out", "ordinary")
    assert {p.parent.name for p in shop.glob("ordinary/*/result.json")} == looked
    a, b = (EvalResult.load(next(shop.glob(f"{d}/*copy*"))) for d in ("acn-results", "ordinary"))
    assert (a.data, a.noise_digest, a.certificate) == (b.data, b.noise_digest, b.certificate)
    for left, right in zip(a.cells, b.cells, strict=True):
        order = np.argsort(left.ids), np.argsort(right.ids)
        assert np.array_equal(left.values[order[0]], right.values[order[1]])
