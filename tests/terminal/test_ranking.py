"""Rankings: ties share letters and ranks, and groups count their files."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.studies.compare import rank
from tests.fakes import fake_result


def variant(name, label, *, seed=0, shift=0.0):
    """A result under another name; a shift turns that share of right answers wrong."""
    found = fake_result(name)
    drop = np.random.default_rng(seed).random(found.data.n) < shift
    cells = tuple(
        replace(c, values=np.where(drop, 0, c.values).astype(np.float32)) for c in found.cells
    )
    training = {**found.checkpoint.training, "seed": seed}
    checkpoint = replace(
        found.checkpoint, name=label, sha256=label.ljust(64, "0"), training=training
    )
    return replace(found, checkpoint=checkpoint, cells=cells)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_are_ranked_and_ties_are_shown_as_ties(home, call):
    entries = {
        "best": variant("ac_vit", "best"),
        "same": variant("ac_vit", "same", seed=1),
        "worst": variant("ac_vit", "worst", seed=2, shift=0.4),
    }
    folders = [str(r.save(home)) for r in entries.values()]
    code, out, _ = call("compare", *folders)
    assert code == 0
    assert out.startswith("best is first of 3 in mean corrupted (")
    lines = _entries(out)
    assert [line[:2] for line in lines] == [["1-2", "best"], ["1-2", "same"], ["3", "worst"]]
    assert [line[-1] for line in lines] == ["a", "a", "b"]
    assert "Holm over 3 pairs" in out
    assert "the order inside it means nothing" in " ".join(out.split())
    code, out, _ = call("compare", *folders, "--json", "ranking.json", "-q")
    found = json.loads((home / "ranking.json").read_text())["ranking"]
    expected = rank({name: [r] for name, r in entries.items()}).to_dict()
    assert found == json.loads(json.dumps(expected))
    assert "unadjusted" not in out


def test_three_groups_are_ranked_with_their_number_of_files(home, call):
    sides = [variant("ac_vit", f"a{k}", seed=k) for k in range(2)]
    deep = [
        replace(r, checkpoint=replace(r.checkpoint, arch={**r.checkpoint.arch, "depth": 9}))
        for r in (variant("ac_vit", "d0", shift=0.1), variant("ac_vit", "d1", seed=1, shift=0.1))
    ]
    folders = [str(r.save(home)) for r in (*sides, *deep, variant("res_vit", "r0", shift=0.5))]
    code, out, _ = call("compare", *folders, "--group", "-q")
    assert code == 0
    assert "a0 (2 seeds)" in out
    assert "d0 (2 seeds)" in out
    assert [line[-1] for line in _entries(out)][-1] == "c"


def _entries(out):
    """The rows of the ranking, as words."""
    lines = [line.split() for line in out.splitlines()]
    return [line for line in lines if line and line[0].replace("-", "").isdigit()]
