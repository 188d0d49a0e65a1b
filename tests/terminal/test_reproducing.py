"""A table is printed study by study, with the paper's numbers beside ours and no test of them."""

import re
from pathlib import Path

import pytest
import yaml

from acn_eval import RunOptions
from acn_eval.results import EvalResult
from acn_eval.studies.compare import compare
from acn_eval.terminal.options import Output
from acn_eval.terminal.reproducing import reproduce, show_hours, show_reported
from acn_eval.workflow.paper import PaperComparison, read_table
from tests.workflow.test_paper import compared, written

FIGURES = {
    "clean": {"acn": [92.0, 0.08], "residual": [90.3]},
    "mean corrupted": {"acn": [60.5]},
    "on the moon": {"acn": [1]},
}


@pytest.fixture
def table(folder):
    path = written(folder, comparisons=compared(suites={"small.yaml": FIGURES}))
    return read_table(str(path))


def options(folder):
    return RunOptions(out=folder / "results", device="cpu", precision="fp32")


def cells(line):
    return re.split(r"  +", line.strip())


def test_reported_numbers_stand_beside_measured_ones(table, folder, capsys):
    reproduce(table, folder / "kept", options(folder), Output(), None)
    out = capsys.readouterr().out
    assert out.startswith("mine\n")
    assert "acn against residual: small.yaml\n" in out
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("as reported"))
    assert cells(lines[start]) == [
        *("as reported", "acn, paper", "acn, here", "residual, paper", "residual, here")
    ]
    clean = next(cells(line) for line in lines if line.startswith("clean "))
    row = cells(lines[start + 1])
    assert (row[0], row[1], row[3]) == ("clean", "92 ± 0.08", "90.3")
    assert (row[2], row[4]) == (clean[1], clean[2])
    assert "no test compares them" in out
    assert cells(lines[start + 3]) == ["on the moon", "1"]
    assert "Budget here: 4 steps of 32, equal on both sides" in out
    assert "In the paper: 2 epochs." in out


def test_depths_are_found_among_the_findings(capsys):
    stored = Path(__file__).parents[1] / "golden_output/stored/compression"
    results = [EvalResult.load(next(stored.glob(f"*-{name}-*"))) for name in ("ac_vit", "res_vit")]
    found = compare(results[:1], results[1:])
    (depth,) = (own for own in found.findings if own.name == "share of the network needed")
    figures = {"share of the network needed": {"acn": [75], "residual": [100]}}
    own = PaperComparison(candidate="acn", baseline="residual", suites={"compression": figures})
    show_reported(own, "compression", found)
    row = cells(capsys.readouterr().out.splitlines()[1])
    assert (row[1], row[3]) == ("75", "100")
    values = [float(cell.split(" ")[0]) for cell in (row[2], row[4])]
    assert values == pytest.approx([depth.candidate.value, depth.baseline.value], abs=0.1)


def test_quiet_says_the_verdicts_alone(table, folder, capsys):
    reproduce(table, folder / "kept", options(folder), Output(quiet=True), None)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_hours_say_what_they_rest_on(table, folder, capsys):
    show_hours(table, folder / "kept", options(folder))
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert cells(lines[1])[:4] == ["network", "trainings", "done", "steps"]
    assert cells(lines[2])[:4] == ["acn", "2", "0", "4"]
    assert "10 TFLOP/s in fp32, and 1 ms per block" in out
    assert "an estimate" in out
    assert not (folder / "kept").exists()


def test_hours_of_a_large_batch_name_the_images_that_were_timed(
    table, folder, capsys, monkeypatch
):
    monkeypatch.setattr("acn_eval.training.step_time._TIMED", 1.0)
    show_hours(table, folder / "kept", options(folder))
    assert "acn: timed with 1 examples a step, and scaled to 32." in capsys.readouterr().out


def test_differences_from_the_paper_come_first(folder, capsys):
    path = written(folder)
    fields = {**yaml.safe_load(path.read_text()), "differs": ["The moon is closer."]}
    path.write_text(yaml.safe_dump(fields))
    show_hours(read_table(str(path)), folder / "kept", options(folder))
    assert capsys.readouterr().out.splitlines()[1] == "  - The moon is closer."
