"""The tables of compression: exits, cuts, costs, early exit, and tasks."""

import json
import re

import pytest

from acn_eval.results import EvalResult
from acn_eval.studies.compression.depth import cut_of
from tests.studies.compression.plans import ALONE, JOB, PAIR, VERDICT, line_of, results

pytestmark = pytest.mark.usefixtures("suite")


def test_the_table_the_cuts_the_costs_and_the_verdict(folder, call):
    code, out, err = call(*PAIR)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.match(VERDICT, f"{lines[0]}\n")
    assert "The card of the checkpoint names tiny_res as its baseline." in lines
    start = next(i for i, line in enumerate(lines) if line.startswith("digits test, n = 352"))
    exits = ["exit 0", "exit 1", "exit 2", "exit cut", "exit last"]
    early = [f"exit early, policy {name}" for name in ("entropy", "confidence", "patience")]
    assert [re.split(r"  +", line)[0] for line in lines[start + 1 : start + 9]] == exits + early
    found = results(folder)
    for name, result in found.items():
        cut = cut_of(result)
        said = line_of(out, f"{name} needs")
        assert f"needs {cut.estimate} of 2 blocks" in said
        assert f"within 2 points [95 %: {cut.low} to {cut.high}]" in said
        assert said.endswith(f"chose {result.details['validation']['cut']}.")
        last = 100 * result.cells[2].values.mean()
        assert f"{last:.1f} [" in line_of(out, "exit 2")
        cost = line_of(out, f"{name}, whole")
        assert f"{result.checkpoint.parameters:,}" in cost
        assert f"{result.details['costs'][-1]['linear_flops'] / 1e6:.2f}" in cost
        for row in result.details["early_exit"]:
            if row["chosen"]:
                point = line_of(out, f"{name}, {row['rule']}")
                assert f"{row['threshold']:g}" in point
                assert f"{row['mean_exit']:.2f}" in point
                share = 100 * row["flops"] / result.checkpoint.flops
                assert f"{share:.0f} %" in point
                left = [f"{k}: {100 * s:.0f}" for k, s in enumerate(row["left"]) if s >= 0.005]
                assert point.rstrip().endswith(", ".join(left))
    assert sum(bool(re.match(VERDICT, f"{line}\n")) for line in lines) == 1
    assert "Share of the network needed: " in out


def test_alone_there_are_no_bands_and_no_verdict(folder, call):
    code, out, _ = call(*ALONE)
    assert code == 0
    assert "tiny_ac needs" in out
    assert "tiny_ac %" in out
    assert "band" not in out
    assert "tiny_res" not in out


def test_easier_tasks_are_results_of_their_own_and_a_table(folder, call):
    code, out, err = call(
        *JOB, "--suite", "tasks.yaml", "--ckpt", "tiny_ac.pt", "--json", "j.json"
    )
    assert (code, err) == (0, "")
    order = [out.index(f"first {n} classes\n") for n in (2, 5)]
    assert order == sorted(order)
    head = line_of(out, "blocks needed")
    row = line_of(out, "tiny_ac   ")
    assert (folder / "j-2.json").exists()
    for count in (2, 5):
        document = json.loads((folder / f"j-{count}.json").read_text())
        data = document["results"][0]["data"]
        assert data["classes"] == [str(c) for c in range(count)]
        assert f"{count} classes, n = {data['n']}" in head
    found = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    ours = sorted((r for r in found if r.checkpoint.name == "tiny_ac"), key=lambda r: r.data.n)
    assert [len(r.data.classes) for r in ours] == [2, 5]
    for result in ours:
        cut = cut_of(result)
        assert f"{cut.estimate} of 2 [{cut.low}, {cut.high}], 2 points" in row
        assert all(set(c.predicted) <= set(range(len(result.data.classes))) for c in result.cells)
