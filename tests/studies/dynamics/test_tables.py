"""What is printed of a training that was observed: a table per network, a line per exit."""

import io
import re

import pytest
from rich.console import Console

from acn_eval.studies.compare import compare
from acn_eval.studies.dynamics.tables import show
from tests.studies.dynamics.plans import asked, suite, trainings


@pytest.fixture(scope="module")
def results(device, tmp_path_factory):
    from acn_eval.cache import OutcomeCache
    from acn_eval.inference import Runtime

    store = OutcomeCache(tmp_path_factory.mktemp("tables"))
    return trainings(asked(suite(), Runtime(device, 64, "fp32", store)))


def printed(results, comparison=None):
    out = Console(file=io.StringIO(), width=200)
    show(out, results, comparison)
    return out.file.getvalue()


def test_every_network_has_a_line_per_exit(results):
    out = printed(results)
    head = r"^(\w+) +digits test %, n = 352 +validation % at step 0 / 4 / 6"
    assert re.findall(head, out, re.M) == ["acn", "residual"]
    rows = [re.split(r"  +", line) for line in out.splitlines() if line.startswith("exit ")][:6]
    assert [row[0] for row in rows] == 2 * ["exit 0", "exit 1", "exit 2"]
    for row in rows[:3]:
        k, first = int(row[0].split()[1]), results[0]
        assert row[1].split()[0] == f"{100 * first.cells[k].values.mean():.1f}"
        accuracy = first.details["validation"]["accuracy"]
        assert row[2] == " / ".join(f"{100 * accuracy[i][k]:.0f}" for i in (0, 2, 3))
    assert rows[2][3] == "100 / 100"  # the last block of an ACN has its long connection alone


def test_two_networks_are_compared_by_their_last_exit(results):
    out = printed(results, compare(results[:1], results[1:]))
    assert "Primary endpoint, last exit" in out
    assert "stable rank" not in out
