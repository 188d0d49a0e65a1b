"""`acn-eval transfer`: from options to a table of depths, and protocols that never mix."""

import json
import re

import numpy as np
import pytest

from acn_eval.probes import PROTOCOLS
from acn_eval.results import EvalResult

JOB = ("transfer", "--data", "digits", "--classes", "5-9", "--no-track", "--device", "cpu")
QUICK = (*JOB, "--protocol", "ridge", "--ckpt", "tiny_ac.pt")


def rows(out):
    starts = ("exit ", "last", "chosen")
    lines = [line for line in out.splitlines() if line.startswith(starts)]
    return [line.split("  ")[0] for line in lines if "[" in line]  # else the legend


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


def test_the_numbers_are_in_the_json(folder, call):
    code, out, _ = call(*QUICK, "--json", "-")
    document = json.loads(out)
    assert code == 0
    assert document["comparison"]["primary"]["name"] == "probe of the last exit"
    assert "ridge-1" in document["results"][0]["details"]["protocols"]


def test_few_images_and_noise_show_the_named_depths_alone(folder, call):
    code, out, _ = call(*QUICK[:-4], "--protocol", "ridge-fewshot", "--ckpt", "tiny_ac.pt")
    assert code == 0
    assert all(row.startswith(("last, ", "chosen, ")) for row in rows(out))
    assert "last, 25 per class" in rows(out)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--protocol", "linar"), "--protocol: must be one of linear, ridge, .*; got linar"),
        (
            ("--protocol", "knn", "--protocol", "ridge"),
            "must be one; got knn, ridge.*side-by-side",
        ),
        (("--suite", "robustness"), "--suite: must be of kind transfer; got robustness"),
        (("--protocol", "knn", "--data", "npz:nowhere"), "nowhere"),
    ],
)
def test_what_is_wrong_is_said(folder, refused, given, says):
    assert re.search(says, refused(2, *JOB, "--ckpt", "tiny_ac.pt", *given))


def test_side_by_side_is_allowed_when_asked_for(folder, call):
    code, out, _ = call(*QUICK, "--protocol", "knn", "--side-by-side")
    assert code == 0
    assert "last, ridge-1" in rows(out)
    assert "last, knn-1" in rows(out)


def test_one_file_is_a_test_set_and_cannot_be_probed(folder, refused):
    np.savez(folder / "one.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4) % 2)
    line = refused(2, "transfer", "--ckpt", "tiny_ac.pt", "--data", "npz:one.npz", "--no-track")
    assert "training needs a folder with train.npz" in line


def test_the_help_names_every_protocol(call):
    _, out, _ = call("transfer", "--help")
    assert all(name in out for name in PROTOCOLS)
