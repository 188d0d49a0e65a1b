"""What is printed of tasks learned in turn: a row per method, network and contrast."""

import io
import re

import pytest
from rich.console import Console

from acn_eval.studies.compare import compare
from acn_eval.studies.continual.findings import matrix_of
from acn_eval.studies.continual.tables import overview, show
from tests.studies.continual.plans import sides_of, study

METHODS = ("naive", "si", "joint")


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return sides_of(study(folder, limit=None, steps=3, methods=METHODS, seeds=3))


def printed(show, *arguments):
    out = Console(file=io.StringIO(), width=200)
    show(out, *arguments)
    return out.file.getvalue()


def test_the_overview(sides):
    results = [result for both in sides for side in both for result in side]
    out = printed(overview, results, [compare(*both) for both in sides])
    rows = {re.split(r"  +", line)[0]: line for line in out.splitlines()}
    for method in ("joint", "naive", "si zenke c=1"):
        for network in ("acn", "residual"):
            assert f"{method} L2 {network}" in rows
    own = [r for r in results if r.checkpoint.name.startswith("acn L2 naive")]
    assert len(own) == 3
    average = 100 * sum(matrix_of(r).average for r in own) / 3
    assert rows["naive L2 acn"].split()[3] == f"{average:.1f}"
    assert "acn - residual, points" in out
    assert "method - naive, points" in out
    assert len(re.findall(r"^.*acn L2 .* residual L2.*: ", out, re.M)) == 3
    assert out.count("fair") == 1
    assert "intransigence" in out


def test_one_pair_has_every_measure_in_both_scenarios(sides):
    naive = sides[1]
    out = printed(show, [*naive[0], *naive[1]], compare(*naive))
    names = [re.split(r"  +", line)[0] for line in out.splitlines()]
    for scenario in ("task-IL", "class-IL"):
        for measure in ("average accuracy", "forgetting, best ever", "backward transfer"):
            assert names.count(f"{measure}, {scenario}") == 1
    assert "difference, points" in out
    alone = printed(show, naive[0], None)
    assert "backward transfer" not in alone
    assert "tasks" in alone
