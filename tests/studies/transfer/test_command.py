"""`acn-eval transfer`: from options to a table of depths, and protocols that never mix."""

import json
import re

import numpy as np
import pytest

from acn_eval.probes import PROTOCOLS
from tests.studies.transfer.plans import JOB, QUICK, rows


def test_the_numbers_are_in_the_json(folder, call):
    code, out, _ = call(*QUICK, "--json", "-")
    document = json.loads(out)
    assert code == 0
    assert document["comparison"]["primary"]["name"] == "probe of the last exit"
    assert "ridge-1" in document["results"][0]["details"]["protocols"]


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
        (("--metric", "nll"), "--metric: must not need losses .* does not store; got nll"),
    ],
)
def test_what_is_wrong_is_said(folder, refused, given, says):
    assert re.search(says, refused(2, *JOB, "--ckpt", "tiny_ac.pt", *given))
    assert not (folder / "acn-results").exists()


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
