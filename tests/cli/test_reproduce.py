"""A table as a user types it: refused in a line, planned, made, and kept for the next time."""

from acn_eval.results import EvalResult
from tests.workflow.test_paper import compared, written


def test_a_table_is_made_and_found_again(folder, call):
    written(folder, comparisons=compared(suites={"small.yaml": None}))
    arguments = ("reproduce", "mine.yaml", "--seeds", 1, "--no-track", "--device", "cpu")
    code, out, err = call(*arguments, "--json", "said.json")
    assert (code, err) == (0, "")
    assert "acn against residual: small.yaml" in out
    assert (folder / "said-1.json").exists()
    kept = sorted((folder / "acn-results" / "mine").iterdir())
    assert [path.name for path in kept] == ["acn seed 0.pt", "residual seed 0.pt"]
    times = [path.stat().st_mtime_ns for path in kept]
    results = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    assert {r.checkpoint.name for r in results} == {"acn seed 0", "residual seed 0"}
    assert call(*arguments)[1] == out
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_the_plan_runs_nothing(folder, call):
    written(folder)
    code, out, _ = call("reproduce", "mine.yaml", "--plan", "--seeds", 3, "--device", "cpu")
    assert code == 0
    assert "core hours on this machine" in out
    assert not (folder / "acn-results").exists()


def test_what_is_wrong_is_one_line(folder, refused):
    assert "Did you mean digits-demo?" in refused(2, "reproduce", "digits-dem")
    assert "--json: must be a file" in refused(2, "reproduce", "digits-demo", "--json", "-")
    mixed = "--workers", "2", "--allow-mixed"
    assert "--allow-mixed: must be left out" in refused(2, "reproduce", "digits-demo", *mixed)
    written(folder, networks={"acn": {"steps": 5}, "residual": {}})
    assert "budgets must be equal; in steps" in refused(2, "reproduce", "mine.yaml")
