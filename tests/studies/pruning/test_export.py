"""What is exported: the network that was measured, with its sparsity or without its units."""

import json
import re

import pytest

from acn_eval.checkpoints import load
from acn_eval.studies.pruning.masks import zeros_in
from tests.studies.pruning.plans import QUICK, rows

pytestmark = pytest.mark.usefixtures("suite")


LABELS = ("structured", "structured tuned")


@pytest.mark.parametrize(
    ("method", "sparsity", "name"),
    [("magnitude", "0.9", "small.pt"), ("movement_40", "0.4", "small.safetensors")],
)
def test_the_file_has_the_sparsity_that_is_reported(call, folder, method, sparsity, name):
    given = ("--export", name, "--method", method, "--sparsity", sparsity, "--no-baseline")
    code, out, _ = call(*QUICK, *given, "--json", "out.json")
    assert code == 0
    written = load(name)
    (result,) = json.loads((folder / "out.json").read_text())["results"]
    (row,) = [
        r
        for r in result["details"]["networks"]
        if (r["method"], r["requested"], r["blocks"]) == (method, float(sparsity), None)
    ]
    assert zeros_in(written.model) == row["realised"]
    share = f"{row['realised']:.6f} of its prunable weights are zero"
    assert f"{name}: tiny_ac pruned by {method} at {sparsity}, {share}" in " ".join(out.split())
    source = load("tiny_ac.pt").id.sha256
    assert written.native.card.origin == f"{source} pruned by {method} at {sparsity}, {share}"
    assert written.pair is None


@pytest.mark.parametrize("method", ["structured", "structured_tuned"])
def test_units_that_go_make_a_smaller_network_and_file(call, folder, method):
    given = ("--suite", "units.yaml", "--export", "small.pt", "--method", method)
    code, out, _ = call(*QUICK, *given, "--sparsity", "0.4", "--json", "out.json")
    assert code == 0
    assert rows(out) == [f"{m} {s}" for m in LABELS for s in ("0", "0.2", "0.4")]
    assert "Structured pruning removes whole hidden units" in out
    assert "Zeros save neither" not in out
    assert len(re.findall(r"^tiny_\w+, structured +\d", out, re.MULTILINE)) == 6
    (row,) = [
        r
        for r in json.loads((folder / "out.json").read_text())["results"][0]["details"]["networks"]
        if (r["method"], r["requested"]) == (method, 0.4)
    ]
    assert f"{row['parameters']:,}" in out
    written = load("small.pt")
    assert written.id.parameters == row["parameters"] < load("tiny_ac.pt").id.parameters
    assert written.native.card.origin.endswith(
        f"pruned by {method} at 0.4, {row['realised']:.6f} of its prunable weights are gone"
    )
