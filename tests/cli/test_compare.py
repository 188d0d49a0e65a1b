"""Stored results in the terminal: a verdict, a ranking with ties, one line where it is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.studies.compare import compare
from tests.fakes import fake_result, saved_pair
from tests.tiny import run


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


@pytest.fixture
def pair(home):
    results, (comparison,), artifacts = saved_pair(home / "kept")
    return [str(artifacts[r.key].relative_to(home)) for r in results], comparison, artifacts


def test_two_results_are_compared_in_the_order_in_which_they_are_given(pair, call):
    folders, comparison, _ = pair
    code, out, _ = call("compare", *folders)
    assert code == 0
    assert out.startswith(f"{comparison.claim.sentence}\n")
    assert "p (Holm)" in out
    code, out, _ = call("compare", *folders[::-1], "-q")
    assert out.startswith("res_vit is less robust than ac_vit: ")


def test_a_folder_that_holds_both_will_do(pair, call):
    _, comparison, _ = pair
    code, out, _ = call("compare", "kept", "--json", "-")
    assert code == 0
    assert json.loads(out) == {"comparison": json.loads(json.dumps(comparison.to_dict()))}


def test_seeds_are_grouped_when_asked(home, call):
    sides = [
        variant(name, f"{name}_{k}", seed=k, shift=0.01 * k)
        for name in ("ac_vit", "res_vit")
        for k in range(3)
    ]
    folders = [str(r.save(home)) for r in sides]
    code, out, _ = call("compare", *folders, "--group", "--json", "-")
    assert code == 0
    found = json.loads(out)["comparison"]
    assert found["unit"] == "architectures"
    assert found == json.loads(json.dumps(compare(sides[:3], sides[3:]).to_dict()))
    code, out, _ = call("compare", *folders, "-q")
    assert "ac_vit_2" in out


def test_files_of_one_name_are_told_apart(home, call):
    shifted = variant("ac_vit", "ac_vit", shift=0.2)
    folders = [str(r.save(home)) for r in (fake_result("ac_vit"), shifted, fake_result("res_vit"))]
    code, out, _ = call("compare", *folders, "-q")
    assert code == 0
    assert f"ac_vit {shifted.key[:6]}" in out


def test_another_question_is_one_line_and_2(home, refused):
    left = fake_result("ac_vit").save(home)
    other = fake_result("res_vit", seed=1).save(home)
    assert "noise seed must be that of ac_vit" in refused(2, "compare", left, other)
    other = fake_result("res_vit", suite="other").save(home)
    assert "suite config must be that of ac_vit" in refused(2, "compare", left, other)


def test_a_result_that_was_stopped_early_is_refused(home, refused):
    left = fake_result("ac_vit").save(home)
    early = replace(fake_result("res_vit"), details={"stopped_early": {"of": 900}}).save(home)
    assert "Evaluate it without --sequential" in refused(2, "compare", left, early)


def test_one_result_or_no_folder_is_one_line_and_2(pair, refused):
    folders, *_ = pair
    assert "must be two or more; got 1 (ac_vit)" in refused(2, "compare", folders[0])
    assert "must be two or more; got 1 (ac_vit)" in refused(2, "compare", folders[0], folders[0])
    assert "must be a folder of results" in refused(2, "compare", folders[0], "nosuch")
    assert "must be runs:/ID" in refused(2, "compare", "models:/vit@best", folders[0])


def test_neither_torch_nor_mlflow_is_imported_for_folders(home, pair):
    folders, *_ = pair
    code = (
        "import sys\nfrom acn_eval.cli.main import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "print({'torch', 'mlflow', 'matplotlib'} & set(sys.modules))"
    )
    code, out, err = run(home, "compare", *folders, "-q", code=code)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "set()"
