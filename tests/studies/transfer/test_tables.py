"""The tables of transfer: a row per depth, and what is left out."""

import re

from acn_eval.results import EvalResult
from tests.studies.transfer.plans import QUICK, rows


def test_every_depth_is_a_row_beside_the_twin_s(folder, call):
    code, out, err = call(*QUICK)
    assert (code, err) == (0, "")
    depths = [f"exit {k}, {reading}" for reading in ("stream", "block") for k in range(3)]
    assert rows(out) == [*depths, "last", "chosen"]
    assert re.search(r"^.*tiny_ac .*tiny_res.*: probe of the last exit", out, re.MULTILINE)
    assert "Primary endpoint, probe of the last exit" in out
    for name in ("tiny_ac", "tiny_res"):
        assert re.search(rf"{name}, ridge-1: validation \(n = 163\) chose exit \d of 2", out)
    found = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    assert {r.suite["kind"] for r in found} == {"transfer"}
    assert all(r.details["protocols"]["ridge-1"]["probes"] for r in found)


def test_alone_it_shows_accuracies(folder, call):
    code, out, _ = call(*QUICK, "--no-baseline")
    assert code == 0
    assert "chosen" in rows(out)
    assert "tiny_res" not in out


def test_few_images_and_noise_show_the_named_depths_alone(folder, call):
    code, out, _ = call(*QUICK[:-4], "--protocol", "ridge-fewshot", "--ckpt", "tiny_ac.pt")
    assert code == 0
    assert all(row.startswith(("last, ", "chosen, ")) for row in rows(out))
    assert "last, 25 per class" in rows(out)
